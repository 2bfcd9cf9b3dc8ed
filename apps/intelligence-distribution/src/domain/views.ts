/** What the endpoints answer, as JSON: decimals are text, and so are 64-bit times and durations (nanoseconds). */
import type { Details, Finding, Tier } from "./findings.ts";
import type { SymbolSummary } from "./read-models.ts";
import { FINDING_TYPES, type FindingType } from "./topics.ts";

/** Every bigint as its digits. */
type InJson<Value> = Value extends bigint
  ? string
  : Value extends object
    ? { [Name in keyof Value]: InJson<Value[Name]> }
    : Value;

type DetailsOf<Type extends FindingType> = InJson<Omit<Extract<Details, { readonly type: Type }>, "type">>;

export interface FindingView {
  readonly intelligenceId: string;
  readonly symbol: string;
  readonly type: FindingType;
  readonly qualityTier?: Tier;
  readonly confidence: string;
  readonly targetWorkflows: readonly string[];
  /** Unix nanoseconds. */
  readonly producedAt: string;
  /** Unix nanoseconds; absent: no end. */
  readonly validUntil?: string;
  readonly urgency: number;
  /** One of the four: that of its type. */
  readonly signal?: DetailsOf<"signal">;
  readonly news?: DetailsOf<"news">;
  readonly sentiment?: DetailsOf<"sentiment">;
  readonly synthesis?: DetailsOf<"synthesis">;
}

export function findingView({ details, producedAt, validUntil, ...rest }: Finding): FindingView {
  const { type, ...own } = details;
  const { intelligenceId, symbol, qualityTier, confidence, targetWorkflows, urgency } = rest;
  const inJson = Object.entries(own).map(([name, value]) => [name, typeof value === "bigint" ? `${value}` : value]);
  return {
    ...{ intelligenceId, symbol, type },
    ...(qualityTier && { qualityTier }),
    ...{ confidence, targetWorkflows, producedAt: `${producedAt}` },
    ...(validUntil !== 0n && { validUntil: `${validUntil}` }),
    ...{ urgency, [type]: Object.fromEntries(inJson) },
  };
}

export interface SymbolView {
  readonly symbol: string;
  /** In the order signal, news, sentiment, synthesis; those that there are. */
  readonly types: readonly { readonly type: FindingType; readonly findings: number; readonly lastProducedAt: string }[];
}

export function symbolView(symbol: string, summary: SymbolSummary): SymbolView {
  const types = FINDING_TYPES.flatMap((type) => {
    const known = summary.get(type);
    return known ? [{ type, findings: known.findings, lastProducedAt: `${known.lastProducedAt}` }] : [];
  });
  return { symbol, types };
}
