import type { Event } from "@distribution/proto-types/distribution/v1/event";
import type { WorldDomain } from "./names.ts";

/** Why ingest has to refuse an event. */
export type BadReason = "illegal-transition" | "conflicting-id" | "malformed-decimal" | "unknown-type";

export interface WorldEvent {
  /** When its upstream tells it: Unix time, ns. After an outage that is later than `event.time`, when it happened. */
  readonly at: bigint;
  readonly domain: WorldDomain;
  readonly topic: string;
  readonly event: Event;
  /** Present on events that are wrong on purpose; the others make sense without them. */
  readonly bad?: BadReason;
}
