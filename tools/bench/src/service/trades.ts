/** Trades as a feed publishes them: packed batches, no event twice. */
import { createPayloadCodec, type PackedBatch, packEvents } from "@distribution/core/events";
import type { TopicDefinition } from "@distribution/core/topics";
import { messageOf } from "@distribution/proto-types/descriptors";
import { Event, EventClass } from "@distribution/proto-types/distribution/v1/event";
import { NormalizedMarketDataEvent, Side } from "@distribution/proto-types/market_data/v1/market_data";
import { seeded } from "../harness/seeded.ts";
import { benchTopic } from "./bench-service.ts";

export const TRADES = "market-data.trades";
export const INSTRUMENTS = 500;
/** So many prices, a unit apart and equally likely, from the first on. */
export const PRICES = 10_000;
export const FIRST_PRICE = 60_000;

export type PayloadForm = "protobuf" | "json";

const message = messageOf("market_data.v1.NormalizedMarketDataEvent");
const codec = createPayloadCodec(message);

export const tradesTopic = (name: string, more: Partial<TopicDefinition> = {}): TopicDefinition =>
  benchTopic(name, {
    message,
    eventTypes: [
      {
        type: "market-data.trade.v1",
        class: EventClass.TRADE,
        description: "A trade",
        key: "instrument, venue:symbol",
        // As the market-data service has them.
        member: "trade",
        stated: ["venue", "symbol", "trade.price", "trade.size"],
        decimals: { "trade.price": "any", "trade.size": "above 0" },
        spelled: { instrument: "{venue}:{symbol}", key: "{instrument}" },
      },
    ],
    ringBytes: 1024 * 1024,
    ...more,
  });

/** Digits of an event's number in its id: it can be written in place. */
const ID_DIGITS = 12;

export interface Feed {
  /** Bytes of one event, the mean. */
  readonly eventBytes: number;
  /** So many batches with new ids, valid until the next call. */
  next(): readonly PackedBatch[];
}

/**
 * New ids are written into the batches of the round before: encoding events anew would cost ten times what is measured,
 * and garbage besides. All else of an event repeats from round to round.
 */
export function createFeed(form: PayloadForm, batchEvents: number, batches: number): Feed {
  const random = seeded(7);
  const round = Array.from({ length: batches }, (_, batch) => {
    const events = Array.from({ length: batchEvents }, (_, index) => trade(form, batch * batchEvents + index, random));
    const packed = packEvents(events);
    const bytes = Buffer.from(packed.bytes);
    const ids = Uint32Array.from(events, ({ id }, index) => bytes.indexOf(id, packed.bounds[2 * index]!, "latin1"));
    return { packed: { ...packed, bytes }, bytes, ids };
  });
  let made = 0;
  return {
    eventBytes: round.reduce((sum, { bytes }) => sum + bytes.length, 0) / (batches * batchEvents),
    next() {
      for (const { bytes, ids } of round) {
        for (const at of ids) bytes.write(idOf(made++), at, "latin1");
      }
      return round.map(({ packed }) => packed);
    },
  };
}

const idOf = (number: number): string => `t-${number.toString(36).padStart(ID_DIGITS, "0")}`;

export const symbolOf = (instrument: number): string => `SYM${instrument}-USD`;

function trade(form: PayloadForm, number: number, random: () => number): Event {
  const symbol = symbolOf(number % INSTRUMENTS);
  const instrument = `coinbase:${symbol}`;
  const now = BigInt(Date.now()) * 1_000_000n;
  const price = FIRST_PRICE + Math.floor(random() * PRICES);
  const event = NormalizedMarketDataEvent.fromPartial({
    venue: "coinbase",
    symbol,
    instrument,
    exchangeTime: now,
    receivedTime: now,
    payload: {
      $case: "trade",
      value: { price: `${price}.25`, size: "0.0125", aggressor: Side.BUY, tradeId: String(10_000_000 + number) },
    },
  });
  const bytes = NormalizedMarketDataEvent.encode(event).finish();
  return Event.fromPartial({
    id: idOf(number),
    source: `/feeds/coinbase/${form}`,
    type: "market-data.trade.v1",
    key: instrument,
    class: EventClass.TRADE,
    time: now,
    contentType: form === "protobuf" ? "application/protobuf" : "application/json",
    data: form === "protobuf" ? Buffer.from(bytes) : Buffer.from(codec.toJson(bytes)),
  });
}
