/** The events of this service: what they are called, how they may be treated, what they carry. */
import type { EventTypeDefinition } from "@distribution/core/topics";
import { EventClass } from "@distribution/proto-types/distribution/v1/event";

export const EVENT_TYPES = {
  trade: "market-data.trade.v1",
  quote: "market-data.quote.v1",
  book: "market-data.book.v1",
  bar: "market-data.bar.v1",
  status: "market-data.status.v1",
  alert: "market-data.alert.v1",
} as const;

const INSTRUMENT_KEY = "instrument, venue:symbol";
/** What is about one instrument, and ordered by it, says which one. */
const OF_INSTRUMENT = {
  stated: ["venue", "symbol"],
  spelled: { instrument: "{venue}:{symbol}", key: "{instrument}" },
} as const;
const AT = "1618617600123000000";
const DASH = { venue: "coinbase", symbol: "DASH-BTC", instrument: "coinbase:DASH-BTC" } as const;

const trade: EventTypeDefinition = {
  type: EVENT_TYPES.trade,
  class: EventClass.TRADE,
  key: INSTRUMENT_KEY,
  description: "One trade at a venue.",
  member: "trade",
  ...OF_INSTRUMENT,
  stated: [...OF_INSTRUMENT.stated, "trade.price", "trade.size"],
  // Spreads and some futures trade below 0.
  decimals: { "trade.price": "any", "trade.size": "above 0" },
  example: {
    ...DASH,
    exchangeTime: AT,
    receivedTime: AT,
    trade: { price: "0.00569", size: "2.5", aggressor: "SIDE_BUY", tradeId: "4163218" },
  },
};

const quote: EventTypeDefinition = {
  type: EVENT_TYPES.quote,
  class: EventClass.QUOTE,
  key: INSTRUMENT_KEY,
  description: "The best bid and offer from now on.",
  member: "quote",
  ...OF_INSTRUMENT,
  decimals: {
    "quote.bid_price": "any",
    "quote.bid_size": "0 or above",
    "quote.ask_price": "any",
    "quote.ask_size": "0 or above",
  },
  example: {
    ...DASH,
    exchangeTime: AT,
    receivedTime: AT,
    quote: { bidPrice: "0.00568", bidSize: "12", askPrice: "0.0057", askSize: "3.1" },
  },
};

const book: EventTypeDefinition = {
  type: EVENT_TYPES.book,
  class: EventClass.BOOK,
  key: INSTRUMENT_KEY,
  description: "A book snapshot, or the levels that changed.",
  member: "book",
  ...OF_INSTRUMENT,
  example: {
    ...DASH,
    exchangeTime: AT,
    receivedTime: AT,
    book: { action: "BOOK_ACTION_DELTA", levels: [{ side: "SIDE_BUY", price: "0.00567", size: "0" }] },
  },
};

const bar: EventTypeDefinition = {
  type: EVENT_TYPES.bar,
  class: EventClass.STATE,
  key: "instrument and interval, venue:symbol@interval",
  description: "One finished bar.",
  member: "bar",
  stated: [...OF_INSTRUMENT.stated, "bar.interval", "bar.open", "bar.high", "bar.low", "bar.close", "bar.volume"],
  decimals: {
    "bar.open": "any",
    "bar.high": "any",
    "bar.low": "any",
    "bar.close": "any",
    "bar.volume": "0 or above",
  },
  spelled: { ...OF_INSTRUMENT.spelled, key: "{instrument}@{bar.interval}" },
  example: {
    ...DASH,
    receivedTime: AT,
    bar: {
      interval: "1m",
      start: "1618617600000000000",
      end: "1618617660000000000",
      open: "0.00569",
      high: "0.00571",
      low: "0.00569",
      close: "0.0057",
      volume: "41.75",
      tradeCount: "12",
    },
  },
};

const status: EventTypeDefinition = {
  type: EVENT_TYPES.status,
  class: EventClass.STATE,
  key: "venue",
  description: "A feed went up or down.",
  member: "status",
  stated: ["venue"],
  spelled: { key: "{venue}" },
  example: { venue: "coinbase", receivedTime: AT, status: { state: "FEED_STATE_UP", reason: "connected" } },
};

const alert: EventTypeDefinition = {
  type: EVENT_TYPES.alert,
  class: EventClass.ALERT,
  key: "venue/alerts, or instrument, venue:symbol",
  description: "Something is wrong with a feed.",
  member: "status",
  stated: ["venue"],
  example: {
    ...DASH,
    receivedTime: AT,
    status: {
      state: "FEED_STATE_UP",
      reason: "messages are missing",
      alert: { kind: "FEED_ALERT_KIND_GAP", stream: "trades", count: "1", expected: "17", received: "19" },
    },
  },
};

export const EVENTS = { trade, quote, book, bar, status, alert } as const;
