/** The topics of this service: what is published where, how it is kept, and in which order. */
import type { EventTypeDefinition, TopicDefinition } from "@distribution/core/topics";
import { messageOf } from "@distribution/proto-types/descriptors";
import { EventClass } from "@distribution/proto-types/distribution/v1/event";
import { EXAMPLES } from "./examples.ts";

/** The kinds of findings, as addresses and answers name them: the members of the payload's oneof. */
export const FINDING_TYPES = ["signal", "news", "sentiment", "synthesis"] as const;

export type FindingType = (typeof FINDING_TYPES)[number];

/** Where each kind is published, and what the read models are made of. */
export const TOPICS = {
  signal: "intelligence.signals",
  news: "intelligence.news",
  sentiment: "intelligence.sentiment",
  synthesis: "intelligence.synthesis",
} as const satisfies Record<FindingType, string>;

/** Copies that routes make: see routes.ts. */
export const URGENT_TOPIC = "intelligence.urgent";
export const GOLD_TOPIC = "intelligence.gold";

/** The workflows that have a topic of their own. A finding for another one stays on the topic of its kind. */
export const WORKFLOWS = ["compliance", "execution-desk", "momentum-desk", "research", "risk-desk"] as const;

export const workflowTopic = (workflow: string): string => `intelligence.for.${workflow}`;

export const EVENT_TYPES = {
  signal: "intelligence.signal.v1",
  news: "intelligence.news.v1",
  sentiment: "intelligence.sentiment.v1",
  synthesis: "intelligence.synthesis.v1",
} as const satisfies Record<FindingType, string>;

/** Within a session what waits on this topic goes before what waits on the others. */
export const URGENT_PRIORITY = 9;

const MIB = 1024 * 1024;
const DAY_MS = 86_400_000;
/** Symbols that a table keeps by partition. */
const TABLE_KEYS = 10_000;

const CLASSES = {
  signal: EventClass.STATE,
  news: EventClass.ALERT,
  sentiment: EventClass.STATE,
  synthesis: EventClass.STATE,
} as const satisfies Record<FindingType, EventClass>;

const DESCRIPTIONS = {
  signal: "What a model expects of a price from now on.",
  news: "One news item.",
  sentiment: "What people say, counted over a window.",
  synthesis: "A conclusion from other findings.",
} as const satisfies Record<FindingType, string>;

const eventTypeOf = (type: FindingType): EventTypeDefinition => ({
  type: EVENT_TYPES[type],
  class: CLASSES[type],
  key: "symbol",
  description: DESCRIPTIONS[type],
  member: type,
  example: EXAMPLES[type],
});

const ALL_TYPES = FINDING_TYPES.map(eventTypeOf);

type Storage = Pick<TopicDefinition, "name" | "description" | "partitions" | "ringBytes"> & {
  readonly days: number;
  readonly megabytes: number;
  readonly priority?: number;
};

/** Retention in bytes is by partition. */
function topicOf({ days, megabytes, ...own }: Storage, eventTypes: readonly EventTypeDefinition[]): TopicDefinition {
  return {
    ...own,
    retention: { ms: days * DAY_MS, bytes: megabytes * MIB },
    compaction: false,
    message: messageOf("intelligence.v1.IntelligenceEvent"),
    eventTypes,
    table: { keys: TABLE_KEYS, bytes: 16 * MIB },
  };
}

const published = (type: FindingType, storage: Omit<Storage, "name">): TopicDefinition =>
  topicOf({ ...storage, name: TOPICS[type] }, [eventTypeOf(type)]);

/** Of one partition: all symbols in one order. */
const copies = (name: string, description: string, days: number, priority?: number): TopicDefinition =>
  topicOf(
    {
      ...{ name, description, partitions: 1, days, megabytes: 1024, ringBytes: 4 * MIB },
      ...(priority !== undefined && { priority }),
    },
    ALL_TYPES,
  );

export const INTELLIGENCE_TOPICS: readonly TopicDefinition[] = [
  published("signal", {
    ...{ description: "What models expect, of every symbol.", partitions: 4, days: 7, megabytes: 4096 },
    ringBytes: 16 * MIB,
  }),
  published("news", {
    ...{ description: "News, of every symbol.", partitions: 2, days: 30, megabytes: 2048 },
    ringBytes: 8 * MIB,
  }),
  published("sentiment", {
    ...{ description: "What people say, of every symbol.", partitions: 4, days: 7, megabytes: 4096 },
    ringBytes: 16 * MIB,
  }),
  published("synthesis", {
    ...{ description: "Conclusions from other findings, of every symbol.", partitions: 2, days: 30, megabytes: 2048 },
    ringBytes: 8 * MIB,
  }),
  // After the topics that publishers name: a published event's position is its first destination's.
  copies(
    URGENT_TOPIC,
    "Findings of urgency 7 and more, copied by route; within a session they go before all others.",
    30,
    URGENT_PRIORITY,
  ),
  copies(GOLD_TOPIC, "Findings of the gold tier, checked by several independent ways, copied by route.", 30),
  ...WORKFLOWS.map((workflow) =>
    copies(workflowTopic(workflow), `Findings that name ${workflow} as a workflow they are for, copied by route.`, 7),
  ),
];
