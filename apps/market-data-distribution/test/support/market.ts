/** Events and messages for tests: what is usual is filled in, what the test is about is given. */
import { encodeEvent } from "@distribution/core/events";
import type { PlacedEvent } from "@distribution/core/tail";
import { Event } from "@distribution/proto-types/distribution/v1/event";
import {
  BookAction,
  type BookLevel,
  NormalizedMarketDataEvent,
  Side,
} from "@distribution/proto-types/market_data/v1/market_data";

export const RECEIVED = 1_618_677_817_000_000_000n;

type Payload = NonNullable<NormalizedMarketDataEvent["payload"]>;

export function normalized(instrument: string, payload: Payload, exchangeTime = RECEIVED): NormalizedMarketDataEvent {
  const [venue = "", symbol = ""] = instrument.split(":");
  return { venue, symbol, instrument, exchangeTime, receivedTime: RECEIVED, payload };
}

export interface Placing {
  readonly topic: string;
  readonly offset: number;
  readonly partition?: number;
  readonly epoch?: string;
  readonly key?: string;
  readonly contentType?: string;
  readonly data?: Uint8Array;
}

export function placed(data: NormalizedMarketDataEvent, placing: Placing): PlacedEvent {
  const { topic, offset, partition = 0, epoch = "e1", key = data.instrument } = placing;
  const { contentType = "application/protobuf" } = placing;
  const bytes = placing.data ?? NormalizedMarketDataEvent.encode(data).finish();
  const event = Event.create({ id: `${offset}`, source: "/test", key, contentType, data: Buffer.from(bytes) });
  return { position: { topic, partition, epoch, offset: `${offset}` }, appendedAt: 0n, bytes: encodeEvent(event) };
}

export const level = (side: "buy" | "sell", price: string, size: string): BookLevel => ({
  side: side === "buy" ? Side.BUY : Side.SELL,
  price,
  size,
});

export const snapshot = (...levels: BookLevel[]): Payload => ({
  $case: "book",
  value: { action: BookAction.SNAPSHOT, levels },
});

export const delta = (...levels: BookLevel[]): Payload => ({
  $case: "book",
  value: { action: BookAction.DELTA, levels },
});

export const trade = (price: string, size: string, tradeId = "1"): Payload => ({
  $case: "trade",
  value: { price, size, aggressor: Side.BUY, tradeId, lastKnown: false },
});

export const quote = (bidPrice: string, askPrice: string): Payload => ({
  $case: "quote",
  value: { bidPrice, askPrice },
});

export const bar = (interval: string, start: bigint, revision = 0): Payload => ({
  $case: "bar",
  value: {
    interval,
    start,
    end: start + 1n,
    open: "1",
    high: "2",
    low: "1",
    close: "2",
    volume: "3",
    tradeCount: 2n,
    revision,
  },
});

/** The DistributionError that the call throws. */
export function thrownBy(call: () => unknown): unknown {
  try {
    call();
  } catch (failure) {
    return failure;
  }
  throw new Error("The call did not throw.");
}
