/** Breaches of limits. */
import { LIMIT_NAMES, limitName } from "../names.ts";
import {
  checkAbout,
  checkDecimal,
  checkFollows,
  checkInstrument,
  invalid,
  memberOf,
  type PortfolioInput,
  type Timed,
} from "./checks.ts";

export function nextBreach(before: Timed | undefined, input: PortfolioInput): Timed {
  const { payload } = input;
  const { kind, instrument, limit, actual } = memberOf(payload, "breach");
  const name = limitName(kind);
  if (!name) throw invalid("data.breach.kind", `State one of ${LIMIT_NAMES.join(", ")}, as LIMIT_KIND_POSITION_SIZE.`);
  if (instrument !== "") checkInstrument(instrument, "data.breach.instrument");
  checkAbout(input, [payload.portfolioId, name, ...(instrument === "" ? [] : [instrument])].join("/"));
  checkDecimal(limit, "data.breach.limit");
  checkDecimal(actual, "data.breach.actual");
  checkFollows(before, payload, `Breaches of ${input.envelope.key}`);
  return { asOf: payload.asOf };
}
