/** The life of a rebalance: proposed once, then completed once. */
import { checkId, ID } from "../identifiers.ts";
import {
  checkAbout,
  checkDecimal,
  checkFollows,
  checkInstrument,
  checkItems,
  checkText,
  illegal,
  memberOf,
  type PortfolioInput,
  TEXT_LIMITS,
  type Timed,
} from "./checks.ts";

export interface Rebalance extends Timed {
  readonly portfolioId: string;
  readonly state: "proposed" | "completed";
  readonly reason: string;
  readonly trades: readonly { readonly instrument: string; readonly quantity: string }[];
  /** Unix nanoseconds. */
  readonly proposedAt: bigint;
  readonly completion?: { readonly tradesDone: number; readonly tradesFailed: number };
}

export function nextRebalance(before: Rebalance | undefined, input: PortfolioInput): Rebalance {
  return input.payload.payload?.$case === "completion" ? completed(before, input) : proposed(before, input);
}

function proposed(before: Rebalance | undefined, input: PortfolioInput): Rebalance {
  const { payload } = input;
  const { rebalanceId, reason, trades } = memberOf(payload, "proposal");
  checkId(rebalanceId, ID, "data.proposal.rebalance_id", "invalid_event");
  checkAbout(input, rebalanceId);
  checkText(reason, TEXT_LIMITS.reason, "data.proposal.reason");
  checkItems(trades, "data.proposal.trades");
  for (const [index, { instrument, quantity }] of trades.entries()) {
    checkInstrument(instrument, `data.proposal.trades[${index}].instrument`);
    checkDecimal(quantity, `data.proposal.trades[${index}].quantity`);
  }
  if (before) {
    const may = before.state === "proposed" ? "only its completion may follow" : "nothing may follow";
    throw illegal("type", `Rebalance ${rebalanceId} is ${before.state}; ${may}.`);
  }
  const { portfolioId, asOf } = payload;
  return { portfolioId, asOf, state: "proposed", reason, trades, proposedAt: asOf };
}

function completed(before: Rebalance | undefined, input: PortfolioInput): Rebalance {
  const { payload } = input;
  const { rebalanceId, tradesDone, tradesFailed } = memberOf(payload, "completion");
  checkId(rebalanceId, ID, "data.completion.rebalance_id", "invalid_event");
  checkAbout(input, rebalanceId);
  if (!before) throw illegal("type", `Rebalance ${rebalanceId} is not known; it has to be proposed first.`);
  if (before.state === "completed") throw illegal("type", `Rebalance ${rebalanceId} is completed; nothing may follow.`);
  if (payload.portfolioId !== before.portfolioId) {
    const whose = `Rebalance ${rebalanceId} was proposed for ${before.portfolioId}`;
    throw illegal("data.portfolio_id", `${whose}; complete it for that portfolio.`);
  }
  checkFollows(before, payload, `Rebalance ${rebalanceId}`);
  return { ...before, asOf: payload.asOf, state: "completed", completion: { tradesDone, tradesFailed } };
}
