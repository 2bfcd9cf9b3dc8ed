/**
 * What this service answers of portfolios: projections of its topics. They are folds of the log by the rules that ingest
 * judges by, and hold nothing that is not in it; the core feeds, bounds, saves and restores them.
 */
import {
  createProjection,
  defineIndex,
  from,
  type Projection,
  type ProjectionOptions,
  type Source,
} from "@distribution/core/projections";
import { PortfolioEvent } from "@distribution/proto-types/portfolio/v1/portfolio";
import { addToHistory, bytesOf, type History, type HistoryBounds } from "./read-models/history.ts";
import { addMeasure, type Measures } from "./read-models/measures.ts";
import {
  type AttributionRecord,
  attributionRecord,
  type BreachRecord,
  breachRecord,
  type HoldingRecord,
  holdingRecord,
  type PerformanceRecord,
  performanceRecord,
  type StateRecord,
  stateRecord,
} from "./read-models/records.ts";
import { sortByValue } from "./read-models/value-order.ts";
import { nextBreach } from "./rules/breach.ts";
import { type Member, memberOf, type PortfolioInput, type ValueOf } from "./rules/checks.ts";
import { bytesOfExecutions } from "./rules/executions.ts";
import { nextAttribution, nextPerformance } from "./rules/performance.ts";
import { nextPosition, type PositionState } from "./rules/position.ts";
import { nextRebalance, type Rebalance } from "./rules/rebalance.ts";
import { nextState } from "./rules/state.ts";
import { TOPICS } from "./topics.ts";

export interface ReadModelOptions {
  /** Portfolios, positions, periods, breaches and rebalances: keys kept by each model. Default 50,000. */
  readonly maxKeys?: number;
  /** Bytes kept by each model. Default 128 MiB. */
  readonly maxBytes?: number;
  /** Changes kept of a portfolio's worth. Default 2,000. */
  readonly maxStates?: number;
  /** Changes kept of a position. Default 500. */
  readonly maxChanges?: number;
  /** Performances, and attributions, kept of a period and benchmark. Default 500, in at most 256 KiB. */
  readonly maxMeasures?: number;
}

export interface Holding {
  position: PositionState;
  readonly portfolioId: string;
  readonly instrument: string;
  readonly history: History<HoldingRecord>;
}

export interface ReadModels {
  /** By portfolio_id. */
  readonly states: Projection<History<StateRecord>>;
  /** By portfolio_id/instrument. */
  readonly holdings: Projection<Holding>;
  /** By portfolio_id/period. */
  readonly performance: Projection<Measures<PerformanceRecord>>;
  /** By portfolio_id/period/attribution. */
  readonly attribution: Projection<Measures<AttributionRecord>>;
  /** Each breach by itself, by its event's source and id. */
  readonly breaches: Projection<BreachRecord>;
  /** By rebalance_id. */
  readonly rebalances: Projection<Rebalance>;
}

const KIB = 1024;
const MIB = 1024 * KIB;
const MEASURE_BYTES = 256 * KIB;

const DEFAULTS = {
  maxKeys: 50_000,
  maxBytes: 128 * MIB,
  maxStates: 2_000,
  maxChanges: 500,
  maxMeasures: 500,
} as const;

export const statesById = defineIndex<unknown, string>({ name: "by-id", sort: ({ key }) => key });

/** What is held: a position of zero is in no list. */
const openOf = ({ portfolioId, position }: Holding): string | undefined =>
  position.quantity === "0" ? undefined : portfolioId;

export const holdingsByInstrument = defineIndex<Holding, string>({
  name: "by-instrument",
  group: ({ state }) => openOf(state),
  sort: ({ state }) => state.instrument,
});

export const holdingsByValue = defineIndex<Holding, bigint>({
  name: "by-value",
  group: ({ state }) => openOf(state),
  sort: ({ state }) => sortByValue(state.history.items.at(-1)!.value),
});

/** Groups: the portfolio, and portfolio_id/kind. */
export const breachesByTime = defineIndex<BreachRecord, bigint>({
  name: "by-time",
  group: ({ state: { portfolioId, kind } }) => [portfolioId, `${portfolioId}/${kind}`],
  sort: ({ state }) => state.asOf,
});

/** Groups: the events' own keys. */
export const breachesByKey = defineIndex<BreachRecord, bigint>({
  name: "by-key",
  group: ({ state: { portfolioId, kind, instrument } }) => breachKey(portfolioId, kind, instrument),
  sort: ({ state }) => state.asOf,
});

/** Groups: the portfolio, and portfolio_id/state. */
export const rebalancesByTime = defineIndex<Rebalance, bigint>({
  name: "by-time",
  group: ({ state: { portfolioId, state } }) => [portfolioId, `${portfolioId}/${state}`],
  sort: ({ state }) => state.proposedAt,
});

const breachKey = (...parts: readonly string[]): string => parts.filter((part) => part !== "").join("/");

/** Throws `invalid_request` for bounds on keys and bytes below 1. */
export function createReadModels(options: ReadModelOptions = {}): ReadModels {
  const { maxKeys, maxBytes, maxStates, maxChanges, maxMeasures } = { ...DEFAULTS, ...options };
  const common = { bounds: { keys: maxKeys, bytes: maxBytes }, version: 1 };
  const unbounded = (items: number): HistoryBounds => ({ items, bytes: maxBytes });
  const measures = { items: maxMeasures, bytes: MEASURE_BYTES };
  const bytes = (state: { readonly bytes: number }): number => state.bytes;

  return {
    states: createProjection<History<StateRecord>>({
      ...{ ...common, name: "states", indexes: [statesById], sizeOf: bytes },
      missing: (id) => `There is no portfolio ${id}. GET /portfolios lists those that are known.`,
      sources: [
        source(TOPICS.state, "state", (history: History<StateRecord> | undefined, value, event) => {
          nextState(history?.items.at(-1), event);
          return addToHistory(history, stateRecord(event.payload, value), unbounded(maxStates));
        }),
      ],
    }),
    holdings: createProjection<Holding>({
      ...{ ...common, name: "holdings", indexes: [holdingsByInstrument, holdingsByValue] },
      sizeOf: ({ history, position }) => history.bytes + bytesOfExecutions(position.executions),
      missing: (key) => `There is no position ${key}.`,
      sources: [
        source(TOPICS.positions, "position", (holding: Holding | undefined, value, event) => {
          const position = nextPosition(holding?.position, event);
          const history = addToHistory(holding?.history, holdingRecord(event.payload, value), unbounded(maxChanges));
          const { portfolioId } = event.payload;
          return { position, portfolioId, instrument: value.instrument, history };
        }),
      ],
    }),
    performance: createProjection<Measures<PerformanceRecord>>({
      ...{ ...common, name: "performance", sizeOf: bytes },
      missing: (key) => `There is no performance ${key}.`,
      sources: [
        source(TOPICS.performance, "performance", (known: Measures<PerformanceRecord> | undefined, value, event) => {
          nextPerformance(known, event);
          return addMeasure(known, performanceRecord(event.payload, value), measures);
        }),
      ],
    }),
    attribution: createProjection<Measures<AttributionRecord>>({
      ...{ ...common, name: "attribution", sizeOf: bytes },
      missing: (key) => `There is no attribution ${key}.`,
      sources: [
        source(TOPICS.performance, "attribution", (known: Measures<AttributionRecord> | undefined, value, event) => {
          nextAttribution(known, event);
          return addMeasure(known, attributionRecord(event.payload, value), measures);
        }),
      ],
    }),
    breaches: createBreaches(common),
    rebalances: createProjection<Rebalance>({
      ...{ ...common, name: "rebalances", indexes: [rebalancesByTime] },
      sizeOf: (rebalance) => bytesOf(rebalance),
      sources: [from(TOPICS.rebalancing, PortfolioEvent, { apply: nextRebalance })],
    }),
  };
}

/** Ingest has looked at what came before a breach; here each is by itself. */
function createBreaches(common: Pick<ProjectionOptions<BreachRecord>, "bounds" | "version">) {
  return createProjection<BreachRecord>({
    ...{ ...common, name: "breaches", indexes: [breachesByTime, breachesByKey], sizeOf: bytesOf },
    sources: [
      from(TOPICS.risk, PortfolioEvent, {
        key: ({ envelope: { source: publisher, id } }) => `${publisher} ${id}`,
        apply(_: BreachRecord | undefined, event) {
          nextBreach(undefined, event);
          return breachRecord(event.payload, memberOf(event.payload, "breach"));
        },
      }),
    ],
  });
}

/** A topic's events of one kind, by their own keys; others are none of the projection's. */
function source<State, Kind extends Member>(
  topic: string,
  kind: Kind,
  apply: (state: State | undefined, value: ValueOf<Kind>, event: PortfolioInput) => State,
): Source<State> {
  return from(topic, PortfolioEvent, {
    key: ({ envelope: { key }, payload: { payload } }) => (payload?.$case === kind ? key : undefined),
    apply: (state: State | undefined, event) => apply(state, memberOf(event.payload, kind), event),
  });
}
