/** The topics of this service: what is published where, how it is kept, and in which order. */
import type { EventTypeDefinition, TopicDefinition } from "@distribution/core/topics";
import { messageOf } from "@distribution/proto-types/descriptors";
import { EventClass } from "@distribution/proto-types/distribution/v1/event";

export const TOPICS = {
  events: "new-domain.events",
  // Copies that a route makes: see routes.ts.
  large: "new-domain.large",
} as const;

export const EVENT_TYPES = {
  someEvent: "new-domain.some-event.v1",
} as const;

const MIB = 1024 * 1024;
const DAY_MS = 86_400_000;

const message = messageOf("new_domain.v1.NewDomainEvent");

const eventTypes: readonly EventTypeDefinition[] = [
  {
    type: EVENT_TYPES.someEvent,
    class: EventClass.STATE,
    description: "An amount of an instrument.",
    key: "instrument, venue:symbol",
    member: "some_event",
    example: {
      instrument: "coinbase:BTC-USD",
      eventTime: "1767225600000000000",
      someEvent: { amount: "1250.75" },
    },
  },
];

/** Partitions spread instruments over readers and replicas, and keep each one's order. Retention in bytes is by partition. */
export const NEW_DOMAIN_TOPICS: readonly TopicDefinition[] = [
  {
    name: TOPICS.events,
    description: "Everything that happens, in order by instrument; what cannot follow is refused.",
    partitions: 4,
    retention: { ms: 30 * DAY_MS, bytes: 1024 * MIB },
    compaction: false,
    message,
    eventTypes,
    ringBytes: 4 * MIB,
    table: { keys: 10_000, bytes: 4 * MIB },
  },
  // After the topic that publishers name: a published event's position is its first destination's.
  {
    name: TOPICS.large,
    description: "The large ones of new-domain.events, copied by route, all instruments in one order.",
    partitions: 1,
    retention: { ms: 90 * DAY_MS, bytes: 256 * MIB },
    compaction: false,
    priority: 9,
    message,
    eventTypes,
    ringBytes: MIB,
    table: { keys: 10_000, bytes: 4 * MIB },
  },
];
