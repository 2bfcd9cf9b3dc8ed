/** Parameters, and parts of answers, that several endpoints share. */
import type { JsonSchema } from "@distribution/core/transport/documents";
import {
  instant,
  optionalQuery,
  type ParameterKind,
  pageParameters,
  pathParameter,
} from "@distribution/core/transport/rest";
import { checkId, ID, type IdShape, INSTRUMENT } from "../identifiers.ts";

/** Bounds of what one answer holds, and what it holds when the request does not say. */
export const PAGE = { default: 100, max: 1000 } as const;

const id = (shape: IdShape): ParameterKind<string> => ({
  schema: { type: "string", pattern: shape.pattern },
  parse(text, path) {
    checkId(text, shape, path, "invalid_request");
    return text;
  },
});

export const portfolioParameter = pathParameter(id(ID), { description: "The portfolio's id.", example: "growth" });

export const instrumentParameter = pathParameter(id(INSTRUMENT), {
  description: "venue:symbol. A / in the symbol is written %2F.",
  example: "central:TEC04-USD",
});

export const asOfParameter = optionalQuery(instant(), {
  description: "What was true at this time: the newest that was told as of it or before. Absent: the newest of all.",
});

export const pages = (what: string) => pageParameters(PAGE, `${what} in one answer.`);

export const historyParameters = {
  from: optionalQuery(instant(), { description: "As of this time or later." }),
  to: optionalQuery(instant(), { description: "As of before this time." }),
  ...pages("Changes"),
} as const;

export const PORTFOLIO_ID_SCHEMA: JsonSchema = { type: "string", description: "The portfolio's id." };

export const KEPT_FROM_SCHEMA: JsonSchema = {
  type: "string",
  pattern: "^[0-9]+$",
  description: "As of the oldest change that is kept, Unix nanoseconds: what was before is not in these answers.",
};

export const EXACT = "Amounts and quantities are exact decimals as text; times are Unix nanoseconds as text.";
