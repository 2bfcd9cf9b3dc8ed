/** Everything that a world remembers: plain objects, arrays, maps and bigints, so that it is saved as it is. */
import type { Scheduled } from "./engine/queue.ts";
import type { RandomState } from "./engine/random.ts";
import type { WorldDomain } from "./names.ts";
import type { WorldEvent } from "./world-event.ts";

/** 1 buys, -1 sells. */
export type Direction = 1 | -1;

/** Times are microseconds of world time; prices, quantities and amounts are on the scales of decimals.ts. */
export interface Decision {
  readonly id: string;
  readonly strategy: string;
  readonly portfolio: number;
  /** Index of an instrument. */
  readonly instrument: number;
  readonly direction: Direction;
  readonly quantity: bigint;
  /** Thousandths. */
  readonly confidence: number;
  readonly urgency: number;
  readonly validUntil: number;
  readonly intelligence: readonly string[];
  readonly rebalance: Rebalance | undefined;
  /** Events told of it on the decisions' topic. */
  sequence: number;
  approved: boolean;
  readonly orders: string[];
  openOrders: number;
  filled: bigint;
}

export interface Conflict {
  readonly id: string;
  readonly kind: "opposite" | "duplicate" | "limit";
  readonly decisions: readonly Decision[];
}

export interface Order {
  readonly id: string;
  readonly decision: Decision;
  readonly terms: "market" | "limit";
  readonly lifetime: "day" | "good-till-cancel" | "immediate" | "fill-or-kill";
  /** What is open at this time is cancelled or expires. */
  readonly deadline: number;
  quantity: bigint;
  /** 0 for market orders. */
  limit: bigint;
  sequence: number;
  fills: number;
  filled: bigint;
  filledValue: bigint;
}

export interface Trade {
  readonly order: Order;
  readonly executionId: string;
  readonly quantity: bigint;
  readonly price: bigint;
  readonly fee: bigint;
}

export interface Holding {
  quantity: bigint;
  /** What it was last valued at, and the value and cost that were told with it. */
  price: bigint;
  value: bigint;
  cost: bigint;
  sequence: number;
}

/** Where a period began. */
export interface PeriodStart {
  readonly at: number;
  readonly nav: bigint;
  readonly fees: bigint;
  readonly benchmark: bigint;
  /** Profit of each sector since inception, at that time. */
  readonly sectors: readonly bigint[];
}

export interface Portfolio {
  readonly index: number;
  cash: bigint;
  /** Sum of the holdings' values, and of their sizes without sign. */
  value: bigint;
  gross: bigint;
  /** Holdings that are not zero. */
  held: number;
  fees: bigint;
  peak: bigint;
  sequence: number;
  rebalancing: boolean;
  readonly holdings: readonly Holding[];
  /** Limits that are broken now, by kind and instrument: told once. */
  readonly breached: Set<string>;
  readonly periods: { day: PeriodStart; week: PeriodStart; month: PeriodStart; inception: PeriodStart };
}

export interface Rebalance {
  readonly id: string;
  readonly portfolio: number;
  pending: number;
  done: number;
  failed: number;
}

export interface RebalanceTrade {
  readonly rebalance: Rebalance;
  readonly number: number;
  readonly instrument: number;
  /** Below zero: to sell. */
  readonly quantity: bigint;
}

/** Intelligence that later events may rest on. */
export interface Finding {
  readonly id: string;
  /** 0: no end. */
  readonly validUntil: number;
}

/** What comes at random. */
export type Arrival = "intelligence" | "decision" | "rebalance";

/** What is scheduled. */
export type Step =
  | { readonly kind: "look"; readonly of: Arrival }
  | {
      readonly kind:
        | "begin"
        | "day"
        | "prices"
        | "intelligence"
        | "decision"
        | "rebalance"
        | "mark"
        | "performance"
        | "burst"
        | "outage";
    }
  | {
      readonly kind: "check" | "contest" | "approve" | "reject" | "expire" | "send" | "settle";
      readonly decision: Decision;
    }
  | { readonly kind: "resolve"; readonly conflict: Conflict }
  | { readonly kind: "acknowledge" | "work" | "end"; readonly order: Order }
  | { readonly kind: "confirm"; readonly trade: Trade }
  | { readonly kind: "rebalance-trade"; readonly trade: RebalanceTrade }
  | { readonly kind: "rebalance-part"; readonly decision: Decision };

export interface Prices {
  /** Finer than a tick (1e-12), so that small moves add up; and what is quoted, a whole number of ticks. */
  readonly fair: bigint[];
  readonly quoted: bigint[];
}

export interface TellerState {
  /** Events told, by domain: numbers their ids. */
  readonly counts: Record<WorldDomain, number>;
  readonly bad: Record<WorldDomain, RandomState>;
  /** The domain that is silent at the moment, and its events since. */
  silent: WorldDomain | undefined;
  held: WorldEvent[];
}

export interface WorldState {
  nowUs: number;
  /** Things scheduled so far. */
  scheduled: number;
  readonly queue: Scheduled<Step>[];
  /** Ids given so far. */
  ids: number;
  readonly prices: Prices;
  /** By instrument, the oldest first. */
  readonly findings: Finding[][];
  readonly portfolios: readonly Portfolio[];
  day: number;
  bursting: boolean;
  /** Whose turn it is. */
  markNext: number;
  performanceNext: number;
  outages: number;
  readonly teller: TellerState;
}
