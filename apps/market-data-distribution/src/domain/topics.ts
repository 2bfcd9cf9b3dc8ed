/** The topics of this service: what is published where, how it is kept, and in which order. */
import type { TopicDefinition } from "@distribution/core/topics";
import { messageOf } from "@distribution/proto-types/descriptors";
import { EVENTS } from "./event-types.ts";

export const TOPICS = {
  trades: "market-data.trades",
  quotes: "market-data.quotes",
  books: "market-data.books",
  bars: "market-data.bars",
  status: "market-data.status",
  // Copies that routes make: see routes.ts.
  largeTrades: "market-data.large-trades",
  alerts: "market-data.alerts",
} as const;

const KIB = 1024;
const MIB = 1024 * KIB;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Instruments a table keeps by partition: four times the number listed on a large venue. */
const TABLE_KEYS = 20_000;

const normalized = messageOf("market_data.v1.NormalizedMarketDataEvent");

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
    eventTypes: [EVENTS.trade],
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
    eventTypes: [EVENTS.quote],
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
    eventTypes: [EVENTS.book],
    ringBytes: 32 * MIB,
  },
  {
    name: TOPICS.bars,
    description: "Open, high, low, close and volume of each interval with trades, corrected when a trade comes late.",
    partitions: 2,
    retention: { ms: 30 * DAY_MS, bytes: 2048 * MIB },
    compaction: false,
    message: normalized,
    eventTypes: [EVENTS.bar],
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
    eventTypes: [EVENTS.status, EVENTS.alert],
    ringBytes: 4 * MIB,
    table: { keys: TABLE_KEYS, bytes: 8 * MIB },
  },
  // After the topics that publishers name: a published event's position is its first destination's.
  {
    name: TOPICS.largeTrades,
    description:
      "The large ones of market-data.trades, copied by route, all instruments in one order, kept for longer.",
    partitions: 1,
    retention: { ms: 90 * DAY_MS, bytes: 1024 * MIB },
    compaction: false,
    message: normalized,
    eventTypes: [EVENTS.trade],
    ringBytes: 2 * MIB,
    table: { keys: 1_000, bytes: MIB },
  },
  {
    name: TOPICS.alerts,
    description: "The alerts of market-data.status, copied by route with the highest priority, kept for longer.",
    partitions: 1,
    priority: 9,
    retention: { ms: 90 * DAY_MS, bytes: 256 * MIB },
    compaction: false,
    message: normalized,
    eventTypes: [EVENTS.alert],
    ringBytes: 2 * MIB,
    table: { keys: TABLE_KEYS, bytes: 8 * MIB },
  },
];
