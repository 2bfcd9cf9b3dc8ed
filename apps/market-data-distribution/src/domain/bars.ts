/**
 * Bars from trades, in exact decimals.
 *
 * A trade belongs to the interval of its exchange time. A bar is told when the feed's time is `latenessMs` past its end.
 * A trade that comes later still corrects its bar, which is told again with the next revision, until the feed's time is
 * `correctionMs` past the bar's end. After that the trade is late for good: the bar lacks it, and `add` says so.
 * Open and close go by exchange time, and among equal times by arrival; so bars do not depend on the order of arrival
 * of trades with different times.
 */
import { fieldError } from "@distribution/core/errors";
import { addDecimals, compareCanonicalDecimals } from "@distribution/core/events";
import type { Bar } from "@distribution/proto-types/market_data/v1/market_data";
import { BAR_INTERVALS, type BarInterval } from "./bar-intervals.ts";
import { createDeadlines } from "./deadlines.ts";

export interface BarTrade {
  /** Instrument key. */
  readonly instrument: string;
  /** Exchange time, Unix nanoseconds. */
  readonly time: bigint;
  /** Canonical decimals. */
  readonly price: string;
  readonly size: string;
}

export interface BarOfInstrument {
  readonly instrument: string;
  readonly bar: Bar;
}

export interface BarsChange {
  /** Bars to tell: finished ones, or corrected ones. */
  readonly bars: readonly BarOfInstrument[];
  /** Intervals whose bar lacks the trade: it came too late, or too far ahead of the feed's time. */
  readonly missed: readonly BarInterval[];
}

export interface BarBuilder {
  /** Moves the feed's time, Unix nanoseconds, and gives the bars that are finished by it. It never goes back. */
  advance(now: bigint): readonly BarOfInstrument[];
  add(trade: BarTrade): BarsChange;
  /** Gives all bars that were not told yet, and forgets everything. */
  flush(): readonly BarOfInstrument[];
  /** Bars in memory. */
  readonly size: number;
}

export interface BarBuilderOptions {
  readonly intervals: readonly BarInterval[];
  /** How long after its end a bar waits for trades before it is told. Default 500 ms. */
  readonly latenessMs?: number;
  /** How long after its end a bar can be corrected; at least `latenessMs`. Default 60,000 ms. It bounds the memory. */
  readonly correctionMs?: number;
  /** How far a trade may be ahead of the feed's time. Default 60,000 ms. It bounds the memory. */
  readonly aheadMs?: number;
}

interface OpenBar {
  readonly instrument: string;
  readonly interval: BarInterval;
  readonly start: bigint;
  readonly end: bigint;
  open: string;
  openTime: bigint;
  high: string;
  low: string;
  close: string;
  closeTime: bigint;
  volume: string;
  tradeCount: bigint;
  /** -1 until it is told. */
  revision: number;
}

const NS_PER_MS = 1_000_000n;

/** Throws `invalid_request` for options out of range. */
export function createBarBuilder(options: BarBuilderOptions): BarBuilder {
  const { latenessMs = 500, correctionMs = 60_000, aheadMs = 60_000 } = options;
  const latenessNs = nanoseconds(latenessMs, "latenessMs");
  const correctionNs = nanoseconds(correctionMs, "correctionMs");
  const aheadNs = nanoseconds(aheadMs, "aheadMs");
  if (correctionMs < latenessMs)
    throw fieldError("invalid_request", "correctionMs", `must be at least latenessMs, ${latenessMs}.`);

  let now: bigint | undefined;
  let bars = new Map<string, OpenBar>();
  let toTell = createDeadlines<OpenBar>();
  let toForget = createDeadlines<OpenBar>();

  const open = (trade: BarTrade, interval: BarInterval, start: bigint, end: bigint, key: string): OpenBar => {
    const bar = firstBar(trade, interval, start, end);
    bars.set(key, bar);
    toTell.add(end + latenessNs, bar);
    toForget.add(end + correctionNs, bar);
    return bar;
  };

  /** The corrected bar, "missed", or undefined when the bar has not been told yet. */
  const addTo = (trade: BarTrade, interval: BarInterval): OpenBar | "missed" | undefined => {
    const length = BAR_INTERVALS[interval];
    const start = trade.time - (trade.time % length);
    const end = start + length;
    if (now !== undefined && (end + correctionNs <= now || trade.time > now + aheadNs)) return "missed";
    const key = keyOf(trade.instrument, interval, start);
    const bar = bars.get(key);
    if (bar === undefined) {
      open(trade, interval, start, end, key);
      return undefined;
    }
    include(bar, trade);
    return bar.revision >= 0 ? bar : undefined;
  };

  const forget = (bar: OpenBar): boolean => bars.delete(keyOf(bar.instrument, bar.interval, bar.start));

  return {
    get size() {
      return bars.size;
    },
    advance(time) {
      if (now !== undefined && time <= now) return [];
      now = time;
      const told = toTell.due(time).map(tell);
      for (const bar of toForget.due(time)) forget(bar);
      return told;
    },
    add(trade) {
      const corrected: BarOfInstrument[] = [];
      const missed: BarInterval[] = [];
      for (const interval of options.intervals) {
        const outcome = addTo(trade, interval);
        if (outcome === "missed") missed.push(interval);
        else if (outcome) corrected.push(tell(outcome));
      }
      return { bars: corrected, missed };
    },
    flush() {
      const untold = [...bars.values()].filter((bar) => bar.revision < 0).map(tell);
      now = undefined;
      bars = new Map();
      toTell = createDeadlines();
      toForget = createDeadlines();
      return untold;
    },
  };
}

function nanoseconds(ms: number, path: string): bigint {
  if (!Number.isInteger(ms) || ms < 0 || ms > 86_400_000) {
    throw fieldError(
      "invalid_request",
      path,
      `must be a whole number of milliseconds from 0 to 86400000; it is ${ms}.`,
    );
  }
  return BigInt(ms) * NS_PER_MS;
}

const keyOf = (instrument: string, interval: BarInterval, start: bigint): string =>
  `${instrument}@${interval}@${start}`;

function firstBar(
  { instrument, time, price, size }: BarTrade,
  interval: BarInterval,
  start: bigint,
  end: bigint,
): OpenBar {
  return {
    instrument,
    interval,
    start,
    end,
    open: price,
    openTime: time,
    high: price,
    low: price,
    close: price,
    closeTime: time,
    volume: size,
    tradeCount: 1n,
    revision: -1,
  };
}

function include(bar: OpenBar, { time, price, size }: BarTrade): void {
  if (time < bar.openTime) {
    bar.open = price;
    bar.openTime = time;
  }
  if (time >= bar.closeTime) {
    bar.close = price;
    bar.closeTime = time;
  }
  if (compareCanonicalDecimals(price, bar.high) > 0) bar.high = price;
  if (compareCanonicalDecimals(price, bar.low) < 0) bar.low = price;
  bar.volume = addDecimals(bar.volume, size);
  bar.tradeCount += 1n;
}

function tell(bar: OpenBar): BarOfInstrument {
  bar.revision += 1;
  const { instrument, interval, start, end, open, high, low, close, volume, tradeCount, revision } = bar;
  return { instrument, bar: { interval, start, end, open, high, low, close, volume, tradeCount, revision } };
}
