/** Events of `<service>.distribution`: what a service tells of its own life, with JSON payloads. */
import { Event, EventClass } from "@distribution/proto-types/distribution/v1/event";
import type { EventTypeDefinition, TopicDefinition } from "../topics.ts";

/** The service started, serves, drains or stopped. */
export interface StatusPayload {
  readonly state: "starting" | "ready" | "degraded" | "draining" | "stopped";
  /** For people; empty when nothing is wrong. */
  readonly reasons: readonly string[];
}

/** A subscription began or ended. */
export interface SubscriptionPayload {
  readonly change: "subscribed" | "unsubscribed";
  readonly session: string;
  /** The session's own number of it. */
  readonly subscription: number;
  readonly topics: readonly string[];
}

/** What happened since the event before. */
export interface PerformancePayload {
  readonly windowMs: number;
  readonly eventsIn: number;
  readonly eventsDelivered: number;
  /** From an event's ingest to the write to a socket, milliseconds, since the start. */
  readonly latencyMs: { readonly p50: number; readonly p99: number };
  readonly sessions: number;
  readonly subscriptions: number;
}

/** Something failed that an operator wants to know of. */
export interface ErrorPayload {
  /** From the closed list of error codes. */
  readonly code: string;
  readonly message: string;
  /** The stage or part that failed, for example "ingest" or "broker". */
  readonly part: string;
}

/** A part (the broker, the tail) became healthy or unhealthy, or is unhealthy for other reasons. */
export interface HealthPayload {
  readonly part: string;
  readonly healthy: boolean;
  readonly reasons: readonly string[];
}

export interface LifePayloads {
  readonly status: StatusPayload;
  readonly subscription: SubscriptionPayload;
  readonly performance: PerformancePayload;
  readonly error: ErrorPayload;
  readonly health: HealthPayload;
}

export type LifeKind = keyof LifePayloads;

const KINDS: Readonly<Record<LifeKind, { readonly class: EventClass; readonly description: string }>> = {
  status: {
    class: EventClass.STATE,
    description: "{state, reasons[]}: the service started, serves, drains or stopped.",
  },
  subscription: {
    class: EventClass.STATE,
    description: "{change, session, subscription, topics[]}: a subscription began or ended.",
  },
  performance: {
    class: EventClass.STATE,
    description:
      "{windowMs, eventsIn, eventsDelivered, latencyMs{p50, p99}, sessions, subscriptions}: rates and latencies.",
  },
  error: {
    class: EventClass.ALERT,
    description: "{code, message, part}: something failed that an operator wants to know of.",
  },
  health: { class: EventClass.ALERT, description: "{part, healthy, reasons[]}: a part became healthy or unhealthy." },
};

const typeOf = (service: string, kind: LifeKind): string => `${service}.distribution.${kind}.v1`;

const DAY_MS = 86_400_000;
const MIB = 1024 * 1024;

export function lifeTopic(service: string): TopicDefinition {
  return {
    name: `${service}.distribution`,
    description: "The life of this service itself: status, subscriptions, performance, errors, health. JSON payloads.",
    partitions: 1,
    retention: { ms: 7 * DAY_MS, bytes: 256 * MIB },
    compaction: false,
    internal: true,
    eventTypes: Object.entries(KINDS).map(
      ([kind, definition]): EventTypeDefinition => ({
        type: typeOf(service, kind as LifeKind),
        ...definition,
        key: "what it is about: status, performance, subscription/{session}/{number}, error/{part}, health/{part}",
      }),
    ),
    ringBytes: 2 * MIB,
    table: { keys: 1_000, bytes: 2 * MIB },
  };
}

export interface LifeEventFields<Kind extends LifeKind> {
  readonly service: string;
  readonly kind: Kind;
  /** Unique within the replica. */
  readonly id: string;
  /** This run of the service. */
  readonly replica: string;
  /** Unix nanoseconds. */
  readonly time: bigint;
  readonly payload: LifePayloads[Kind];
}

export function createLifeEvent<Kind extends LifeKind>(fields: LifeEventFields<Kind>): Event {
  const { service, kind, id, replica, time, payload } = fields;
  return Event.create({
    id,
    source: `/${service}/replicas/${replica}`,
    type: typeOf(service, kind),
    time,
    key: keyOf(kind, payload),
    class: KINDS[kind].class,
    contentType: "application/json",
    data: Buffer.from(JSON.stringify(payload)),
  });
}

/** The table of the topic keeps the newest event of each. */
function keyOf(kind: LifeKind, payload: LifePayloads[LifeKind]): string {
  if ("subscription" in payload) return `${kind}/${payload.session}/${payload.subscription}`;
  return "part" in payload ? `${kind}/${payload.part}` : kind;
}
