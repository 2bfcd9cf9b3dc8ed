/** The parameters that the endpoints share. */
import { fieldError } from "@distribution/core/errors";
import { oneOf, optionalQuery, type ParameterKind } from "@distribution/core/transport/rest";
import {
  type Finding,
  fractionOf,
  ID,
  MAX_DECIMAL_CHARACTERS,
  MAX_ID_CHARACTERS,
  MAX_SYMBOL_CHARACTERS,
  MAX_WORKFLOW_CHARACTERS,
  SYMBOL,
  TIERS,
  type Tier,
  WORKFLOW,
} from "./findings.ts";
import { FINDING_TYPES, type FindingType } from "./topics.ts";

/** The text as it is, where it fits the pattern. */
function named(pattern: RegExp, maxLength: number, rule: string): ParameterKind<string> {
  return {
    schema: { type: "string", pattern: pattern.source, maxLength },
    parse(value, path) {
      if (value.length <= maxLength && pattern.test(value)) return value;
      throw fieldError("invalid_request", path, `must be 1 to ${maxLength} ${rule}`);
    },
  };
}

export const idKind = named(
  ID,
  MAX_ID_CHARACTERS,
  'letters, digits, ".", "_", ":" and "-", beginning with one of the first two',
);
const symbolKind = named(
  SYMBOL,
  MAX_SYMBOL_CHARACTERS,
  'letters, digits, ".", "-", "_" and "/", beginning with one of the first three',
);
const workflowKind = named(WORKFLOW, MAX_WORKFLOW_CHARACTERS, 'lower-case letters, digits and "-"');

/** Canonical. */
const confidenceKind: ParameterKind<string> = {
  schema: {
    type: "string",
    pattern: "^[0-9]+(\\.[0-9]+)?$",
    maxLength: MAX_DECIMAL_CHARACTERS,
    description: "A decimal from 0 to 1.",
  },
  parse(value, path) {
    const exact = fractionOf(value, 0);
    if (exact !== undefined) return exact;
    throw fieldError("invalid_request", path, "must be a decimal from 0 to 1, such as 0.8");
  },
};

/** What a finding has to be like; all that are given must hold. */
export const WANTED = {
  symbol: optionalQuery(symbolKind, { description: "About this symbol alone.", example: "BTC-USD" }),
  type: optionalQuery(oneOf(FINDING_TYPES), { description: "Of this kind alone." }),
  confidence: optionalQuery(confidenceKind, { description: "Of this confidence at least.", example: "0.8" }),
  tier: optionalQuery(oneOf(TIERS), { description: "Of this quality tier alone." }),
  workflow: optionalQuery(workflowKind, {
    description:
      "That name this workflow as one they are for. Those that name none are for whoever wants them, and not here.",
    example: "research",
  }),
} as const;

export interface Wanted {
  readonly symbol: string | undefined;
  readonly type: FindingType | undefined;
  readonly confidence: string | undefined;
  readonly tier: Tier | undefined;
  readonly workflow: string | undefined;
}

export function fits(finding: Finding, { symbol, type, confidence, tier, workflow }: Wanted): boolean {
  return (
    (symbol === undefined || finding.symbol === symbol) &&
    (type === undefined || finding.details.type === type) &&
    (tier === undefined || finding.qualityTier === tier) &&
    // Canonical decimals from 0 to 1 are in the order of their texts.
    (confidence === undefined || finding.confidence >= confidence) &&
    (workflow === undefined || finding.targetWorkflows.includes(workflow))
  );
}
