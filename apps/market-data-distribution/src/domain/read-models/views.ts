/** What the read models answer, as JSON: decimals are text, and so are 64-bit times (Unix nanoseconds; "0": not stated). */
import { type Bar, type Quote, Side, type Trade } from "@distribution/proto-types/market_data/v1/market_data";

export interface InstrumentView {
  readonly instrument: string;
  readonly venue: string;
  readonly symbol: string;
  /** What is known of it: "quote", "trades", "book", "bars". */
  readonly has: readonly string[];
}

export interface Times {
  readonly exchangeTime: string;
  readonly receivedTime: string;
}

export interface QuoteView extends Times {
  readonly bidPrice?: string;
  readonly bidSize?: string;
  readonly askPrice?: string;
  readonly askSize?: string;
}

export interface TradeView extends Times {
  readonly price: string;
  readonly size: string;
  readonly aggressor?: "buy" | "sell";
  readonly tradeId: string;
  readonly lastKnown: boolean;
}

export interface BarView {
  readonly interval: string;
  readonly start: string;
  readonly end: string;
  readonly open: string;
  readonly high: string;
  readonly low: string;
  readonly close: string;
  readonly volume: string;
  readonly tradeCount: string;
  readonly revision: number;
}

interface EventTimes {
  readonly exchangeTime: bigint;
  readonly receivedTime: bigint;
}

const timesOf = ({ exchangeTime, receivedTime }: EventTimes): Times => ({
  exchangeTime: exchangeTime.toString(),
  receivedTime: receivedTime.toString(),
});

export function quoteView(times: EventTimes, { bidPrice, bidSize, askPrice, askSize }: Quote): QuoteView {
  return {
    ...timesOf(times),
    ...(bidPrice === undefined ? {} : { bidPrice }),
    ...(bidSize === undefined ? {} : { bidSize }),
    ...(askPrice === undefined ? {} : { askPrice }),
    ...(askSize === undefined ? {} : { askSize }),
  };
}

const SIDES: Readonly<Partial<Record<Side, "buy" | "sell">>> = { [Side.BUY]: "buy", [Side.SELL]: "sell" };

export function tradeView(times: EventTimes, { price, size, aggressor, tradeId, lastKnown }: Trade): TradeView {
  const side = SIDES[aggressor];
  return { ...timesOf(times), price, size, ...(side === undefined ? {} : { aggressor: side }), tradeId, lastKnown };
}

export function barView({ start, end, tradeCount, ...rest }: Bar): BarView {
  const { interval, open, high, low, close, volume, revision } = rest;
  return {
    interval,
    start: start.toString(),
    end: end.toString(),
    open,
    high,
    low,
    close,
    volume,
    tradeCount: tradeCount.toString(),
    revision,
  };
}

/** What a flat object takes in memory, about: a slot for each field, and the characters of its texts. */
export function bytesOf(view: object): number {
  let bytes = 64;
  for (const value of Object.values(view)) bytes += 24 + (typeof value === "string" ? value.length : 0);
  return bytes;
}
