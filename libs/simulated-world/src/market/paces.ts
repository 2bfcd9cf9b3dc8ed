/** How often each kind of thing happens in a world of a given rate, so that all of it together keeps to the rate. */
import type { ScenarioSettings } from "../scenarios.ts";
import { SECOND_US } from "../simulation.ts";

export interface Paces {
  /** Between two moves of the prices, microseconds. */
  readonly pricesUs: number;
  /** A second, at the day's mean. */
  readonly intelligence: number;
  readonly decision: number;
  readonly rebalance: number;
  /** Which part of the news moves a price at once. */
  readonly startlingNews: number;
  /** Events a second of revaluation, and of performance. */
  readonly markEvents: number;
  readonly performanceEvents: number;
}

/** Shares of a world's events that are not a decision or its consequences. */
const INTELLIGENCE_SHARE = 0.15;
const MARK_SHARE = 0.12;
const PERFORMANCE_SHARE = 0.02;

/** Measured: what follows from one decision on average, in all domains, with the rebalances that lead to some of them. */
const EVENTS_PER_DECISION = 20.5;
/** Decisions to one rebalance, which has several of its own. */
const DECISIONS_PER_REBALANCE = 150;

/** A second, however much news there is; and which part of intelligence is news. */
const STARTLING_NEWS = 0.02;
export const NEWS_SHARE = 0.15;

/** Prices move this often at most and at least, and about once in so many events in between. */
const PRICES_MIN_US = 10_000;
const PRICES_MAX_US = SECOND_US;
const EVENTS_PER_MOVE = 40;

export function pacesOf(rate: number, { activity }: ScenarioSettings): Paces {
  const events = rate * activity;
  const rest = 1 - INTELLIGENCE_SHARE - MARK_SHARE - PERFORMANCE_SHARE;
  const decision = (events * rest) / EVENTS_PER_DECISION;
  return {
    pricesUs: Math.round(Math.min(PRICES_MAX_US, Math.max(PRICES_MIN_US, (EVENTS_PER_MOVE / events) * SECOND_US))),
    intelligence: events * INTELLIGENCE_SHARE,
    decision,
    rebalance: decision / DECISIONS_PER_REBALANCE,
    startlingNews: Math.min(0.1, STARTLING_NEWS / (events * INTELLIGENCE_SHARE * NEWS_SHARE)),
    markEvents: events * MARK_SHARE,
    performanceEvents: events * PERFORMANCE_SHARE,
  };
}
