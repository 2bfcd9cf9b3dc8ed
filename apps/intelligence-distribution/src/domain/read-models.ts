/**
 * What this service answers of its findings: each by its id and in lists by time, the latest of every symbol and kind, and
 * what there is of which symbol. They are folds of the topics that findings are published on; the copies on other topics are
 * no part of them.
 */
import { fieldError } from "@distribution/core/errors";
import {
  createProjection,
  defineIndex,
  from,
  type ProjectedEvent,
  type Projection,
  type Source,
} from "@distribution/core/projections";
import { FINDING, type Finding } from "./findings.ts";
import { addFinding, bytesOf, type NewestFindings } from "./newest-findings.ts";
import { FINDING_TYPES, type FindingType, TOPICS } from "./topics.ts";

export interface ReadModelOptions {
  /** Findings kept. Default 200,000. */
  readonly maxFindings?: number;
  /** Symbols of which the latest are kept. Default 10,000. */
  readonly maxSymbols?: number;
  /** Of each symbol and kind: so many of the newest are looked at for the latest. Default 20. */
  readonly maxNewest?: number;
  /** Bytes kept by each model. Default 256 MiB. */
  readonly maxBytes?: number;
}

export interface TypeSummary {
  /** Findings told since the model is complete. */
  findings: number;
  /** Unix nanoseconds. */
  lastProducedAt: bigint;
}

/** What there is of one symbol. */
export type SymbolSummary = Map<FindingType, TypeSummary>;

export interface ReadModels {
  /** By intelligence id. */
  readonly findings: Projection<Finding>;
  /** By symbol and kind. */
  readonly newest: Projection<NewestFindings>;
  /** By symbol. */
  readonly symbols: Projection<SymbolSummary>;
}

const DEFAULTS = { maxFindings: 200_000, maxSymbols: 10_000, maxNewest: 20, maxBytes: 256 * 1024 * 1024 } as const;

/** What a list of findings is of; the narrowest list that there is, for `byTime`. */
export interface ListedBy {
  readonly symbol?: string | undefined;
  readonly type?: FindingType | undefined;
  readonly workflow?: string | undefined;
}

/** A list for each symbol, kind, both, and workflow, and one of everything: sorted by when it was found out. */
export const byTime = defineIndex<Finding, bigint>({
  name: "by-time",
  group: ({ state: { symbol, targetWorkflows, details } }) => [
    listOf({}),
    listOf({ symbol }),
    listOf({ type: details.type }),
    listOf({ symbol, type: details.type }),
    ...targetWorkflows.map((workflow) => listOf({ workflow })),
  ],
  sort: ({ state }) => state.producedAt,
});

/** The name of the narrowest list that has all of these; what it does not narrow is still to be looked at. */
export function listOf({ symbol, type, workflow }: ListedBy): string {
  if (symbol !== undefined) return type === undefined ? `symbol ${symbol}` : `symbol ${symbol} ${type}`;
  if (workflow !== undefined) return `workflow ${workflow}`;
  return type === undefined ? "" : `type ${type}`;
}

/** No symbol has a space, and a space comes before all that it may have: in order of symbol, then of kind. */
const newestKey = (symbol: string, type: FindingType): string => `${symbol} ${type}`;

/** All, and of each symbol. */
export const bySymbol = defineIndex<NewestFindings, string>({
  name: "by-symbol",
  group: ({ state: { symbol } }) => ["", symbol],
  sort: ({ key }) => key,
});

export const byName = defineIndex<SymbolSummary, string>({ name: "by-name", sort: ({ key }) => key });

/** Throws `invalid_request` for a bound below 1. */
export function createReadModels(options: ReadModelOptions = {}): ReadModels {
  const { maxFindings, maxSymbols, maxNewest, maxBytes } = { ...DEFAULTS, ...options };
  if (!Number.isInteger(maxNewest) || maxNewest < 1) {
    throw fieldError("invalid_request", "maxNewest", `must be a whole number of 1 or more; it is ${maxNewest}.`);
  }
  return {
    findings: createProjection<Finding>({
      ...{ name: "findings", version: 1, indexes: [byTime], sizeOf: bytesOf },
      bounds: { keys: maxFindings, bytes: maxBytes },
      sources: sources(
        ({ intelligenceId }) => intelligenceId,
        (known, finding) => {
          // Ingest refuses what it knows; on a replica that did not know, the first one stays.
          if (known) throw fieldError("event_conflict", "data.intelligence_id", "is that of an earlier finding.");
          return finding;
        },
      ),
      missing: (id) => `There is no finding ${id}. GET /intelligence lists those that are kept.`,
    }),
    newest: createProjection<NewestFindings>({
      ...{ name: "newest", version: 1, indexes: [bySymbol], sizeOf: ({ bytes }) => bytes },
      bounds: { keys: maxSymbols * FINDING_TYPES.length, bytes: maxBytes },
      sources: sources(
        ({ symbol, details }) => newestKey(symbol, details.type),
        (newest, finding) => addFinding(newest, finding, maxNewest),
      ),
    }),
    symbols: createProjection<SymbolSummary>({
      ...{ name: "symbols", version: 1, indexes: [byName], sizeOf: ({ size }) => 64 + 96 * size },
      bounds: { keys: maxSymbols, bytes: maxBytes },
      sources: sources(({ symbol }) => symbol, countFinding),
    }),
  };
}

function countFinding(summary: SymbolSummary = new Map(), { producedAt, details: { type } }: Finding): SymbolSummary {
  const known = summary.get(type) ?? { findings: 0, lastProducedAt: 0n };
  known.findings += 1;
  if (producedAt > known.lastProducedAt) known.lastProducedAt = producedAt;
  return summary.set(type, known);
}

/** One a topic that findings are published on. */
function sources<State>(
  key: (finding: Finding) => string,
  apply: (state: State | undefined, finding: Finding) => State,
): readonly Source<State>[] {
  return FINDING_TYPES.map((type) =>
    from(TOPICS[type], FINDING, {
      key: ({ payload }: ProjectedEvent<Finding>) => key(payload),
      apply: (state: State | undefined, { payload }) => apply(state, payload),
    }),
  );
}
