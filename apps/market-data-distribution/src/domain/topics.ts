/** The topics of this service: what is published where, how it is kept, and in which order. */
import type { EventTypeDefinition, TopicDefinition } from "@distribution/core/topics";
import { messageOf } from "@distribution/proto-types/descriptors";
import { EventClass } from "@distribution/proto-types/distribution/v1/event";

export const TOPICS = {
  trades: "market-data.trades",
  quotes: "market-data.quotes",
  books: "market-data.books",
  bars: "market-data.bars",
  status: "market-data.status",
} as const;

export const EVENT_TYPES = {
  trade: "market-data.trade.v1",
  quote: "market-data.quote.v1",
  book: "market-data.book.v1",
  bar: "market-data.bar.v1",
  status: "market-data.status.v1",
  alert: "market-data.alert.v1",
} as const;

const KIB = 1024;
const MIB = 1024 * KIB;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const INSTRUMENT_KEY = "instrument, venue:symbol";

/** Instruments a table keeps by partition: four times the number listed on a large venue. */
const TABLE_KEYS = 20_000;

const normalized = messageOf("market_data.v1.NormalizedMarketDataEvent");

const type = (name: string, eventClass: EventClass, key: string, description: string): EventTypeDefinition => ({
  type: name,
  class: eventClass,
  description,
  key,
});

/**
 * Partitions spread instruments over readers and replicas, and keep each instrument's order. Retention in bytes is by
 * partition. Books keep no table: the latest change of an instrument is no book; `GET /instruments/{instrument}/book` is.
 */
export const MARKET_DATA_TOPICS: readonly TopicDefinition[] = [
  {
    name: TOPICS.trades,
    description: "Every trade of every venue, in the venue's order by instrument.",
    partitions: 4,
    retention: { ms: 7 * DAY_MS, bytes: 4096 * MIB },
    compaction: false,
    message: normalized,
    eventTypes: [type(EVENT_TYPES.trade, EventClass.TRADE, INSTRUMENT_KEY, "One trade at a venue.")],
    ringBytes: 16 * MIB,
    table: { keys: TABLE_KEYS, bytes: 16 * MIB },
  },
  {
    name: TOPICS.quotes,
    description: "Best bid and offer of every instrument, each time it changes.",
    partitions: 4,
    retention: { ms: DAY_MS, bytes: 4096 * MIB },
    compaction: false,
    message: normalized,
    eventTypes: [type(EVENT_TYPES.quote, EventClass.QUOTE, INSTRUMENT_KEY, "The best bid and offer from now on.")],
    ringBytes: 16 * MIB,
    table: { keys: TABLE_KEYS, bytes: 16 * MIB },
  },
  {
    name: TOPICS.books,
    description: "Order books by price level: a snapshot of each instrument, then its changes, none left out.",
    partitions: 4,
    retention: { ms: 6 * HOUR_MS, bytes: 8192 * MIB },
    compaction: false,
    message: normalized,
    eventTypes: [
      type(EVENT_TYPES.book, EventClass.BOOK, INSTRUMENT_KEY, "A book snapshot, or the levels that changed."),
    ],
    ringBytes: 32 * MIB,
  },
  {
    name: TOPICS.bars,
    description: "Open, high, low, close and volume of each interval with trades, corrected when a trade comes late.",
    partitions: 2,
    retention: { ms: 30 * DAY_MS, bytes: 2048 * MIB },
    compaction: false,
    message: normalized,
    eventTypes: [
      type(EVENT_TYPES.bar, EventClass.STATE, "instrument and interval, venue:symbol@interval", "One finished bar."),
    ],
    ringBytes: 8 * MIB,
    // One key an instrument and interval.
    table: { keys: 4 * TABLE_KEYS, bytes: 32 * MIB },
  },
  {
    name: TOPICS.status,
    description: "How the feeds are: up or down, sequence gaps, messages that could not be passed on.",
    partitions: 1,
    retention: { ms: 30 * DAY_MS, bytes: 256 * MIB },
    compaction: false,
    message: normalized,
    eventTypes: [
      type(EVENT_TYPES.status, EventClass.STATE, "venue", "A feed went up or down."),
      type(
        EVENT_TYPES.alert,
        EventClass.ALERT,
        "venue/alerts, or instrument, venue:symbol",
        "Something is wrong with a feed.",
      ),
    ],
    ringBytes: 4 * MIB,
    table: { keys: TABLE_KEYS, bytes: 8 * MIB },
  },
];
