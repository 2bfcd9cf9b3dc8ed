/** The topics of this service: what is published where, how it is kept, and in which order. */
import type { EventTypeDefinition, TopicDefinition } from "@distribution/core/topics";
import { messageOf } from "@distribution/proto-types/descriptors";
import { EventClass } from "@distribution/proto-types/distribution/v1/event";
import { EXAMPLES } from "./examples.ts";

export const TOPICS = {
  state: "portfolio.state",
  positions: "portfolio.positions",
  performance: "portfolio.performance",
  risk: "portfolio.risk",
  rebalancing: "portfolio.rebalancing",
  // Copies that a route makes: see routes.ts.
  alerts: "portfolio.alerts",
} as const;

export const EVENT_TYPES = {
  state: "portfolio.state.v1",
  position: "portfolio.position.v1",
  performance: "portfolio.performance.v1",
  attribution: "portfolio.attribution.v1",
  breach: "portfolio.breach.v1",
  rebalanceProposed: "portfolio.rebalance-proposed.v1",
  rebalanceCompleted: "portfolio.rebalance-completed.v1",
} as const;

/** Of breaches, and of those that stop a portfolio from trading: of their events, and of their topics, which overtake others. */
export const BREACH_PRIORITY = 8;
export const BLOCKING_PRIORITY = 9;

const MIB = 1024 * 1024;
const DAY_MS = 86_400_000;
const YEAR_MS = 365 * DAY_MS;
const REBALANCE_KEY = "rebalance_id";

const { ALERT, STATE, TRADE } = EventClass;
const message = messageOf("portfolio.v1.PortfolioEvent");

const type = (
  name: keyof typeof EVENT_TYPES,
  member: string,
  eventClass: EventClass,
  key: string,
  description: string,
): EventTypeDefinition => ({
  ...{ type: EVENT_TYPES[name], class: eventClass, description, key, member },
  example: EXAMPLES[name],
});

const BREACH = type(
  "breach",
  "breach",
  ALERT,
  "portfolio_id/kind or portfolio_id/kind/instrument",
  "A limit of risk is broken.",
);

/**
 * Partitions spread portfolios over readers and replicas; a portfolio's own events of one key stay in order. Retention in
 * bytes is by partition. What a portfolio is and holds is kept long enough to build it from the log, whatever else is lost.
 */
export const PORTFOLIO_TOPICS: readonly TopicDefinition[] = [
  {
    name: TOPICS.state,
    description: "What each portfolio is worth, each time that changes: nav, cash and the value of its positions.",
    partitions: 4,
    retention: { ms: 90 * DAY_MS, bytes: 8192 * MIB },
    compaction: false,
    message,
    eventTypes: [type("state", "state", STATE, "portfolio_id", "What the portfolio is worth from now on.")],
    ringBytes: 16 * MIB,
    table: { keys: 20_000, bytes: 8 * MIB },
  },
  {
    name: TOPICS.positions,
    description: "What each portfolio holds of each instrument: every fill, and every new valuation.",
    partitions: 4,
    retention: { ms: 90 * DAY_MS, bytes: 16_384 * MIB },
    compaction: false,
    message,
    eventTypes: [
      type("position", "position", TRADE, "portfolio_id/instrument", "A fill changed the position, or a price did."),
    ],
    ringBytes: 16 * MIB,
    table: { keys: 100_000, bytes: 32 * MIB },
  },
  {
    name: TOPICS.performance,
    description: "Returns by period and benchmark, and what brought them.",
    partitions: 2,
    retention: { ms: YEAR_MS, bytes: 4096 * MIB },
    compaction: false,
    message,
    eventTypes: [
      type("performance", "performance", STATE, "portfolio_id/period", "The return of a period up to now."),
      type("attribution", "attribution", STATE, "portfolio_id/period/attribution", "What brought a period's return."),
    ],
    ringBytes: 8 * MIB,
    table: { keys: 20_000, bytes: 32 * MIB },
  },
  {
    name: TOPICS.risk,
    priority: BREACH_PRIORITY,
    description: "Every breach of a limit of risk.",
    partitions: 1,
    retention: { ms: YEAR_MS, bytes: 2048 * MIB },
    compaction: false,
    message,
    eventTypes: [BREACH],
    ringBytes: 4 * MIB,
    table: { keys: 50_000, bytes: 16 * MIB },
  },
  {
    name: TOPICS.rebalancing,
    description: "The life of every rebalance: proposed, then completed.",
    partitions: 1,
    retention: { ms: YEAR_MS, bytes: 2048 * MIB },
    compaction: false,
    message,
    eventTypes: [
      type("rebalanceProposed", "proposal", STATE, REBALANCE_KEY, "Trades are proposed."),
      type("rebalanceCompleted", "completion", STATE, REBALANCE_KEY, "The proposed trades have ended."),
    ],
    ringBytes: 4 * MIB,
    table: { keys: 50_000, bytes: 16 * MIB },
  },
  // After the topic that breaches are published on: a published event's position is its first destination's.
  {
    name: TOPICS.alerts,
    priority: BLOCKING_PRIORITY,
    description: "The breaches that stop a portfolio from trading, copied by route from portfolio.risk.",
    partitions: 1,
    retention: { ms: YEAR_MS, bytes: 512 * MIB },
    compaction: false,
    message,
    eventTypes: [BREACH],
    ringBytes: 2 * MIB,
    table: { keys: 20_000, bytes: 8 * MIB },
  },
];
