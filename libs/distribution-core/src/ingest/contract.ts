import type { Position } from "../brokers/contract.ts";
import type { PackedBatch } from "../events/batch.ts";
import type { Identity } from "../security/contract.ts";
import type { TransitionRule } from "./rule.ts";

export interface PublishResult {
  /**
   * One an event, in the order they came. Where routes gave several destinations: the first in the order in which the
   * service defines its topics. Made when first asked for.
   */
  readonly positions: readonly Position[];
  /**
   * How many were known before by (source, id), or came twice in the batch; their positions are the old ones. One whose first
   * destination a crash kept from it is as new.
   */
  readonly duplicates: number;
}

/** The way in: admit, authorize, validate, deduplicate, check sequences, transform, route, append. */
export interface Ingest {
  /**
   * All or nothing: resolves when every event is durable, rejects with nothing of it taken. On a broker without `transactions`
   * it may be rejected while that is open; the message says so. The same events are `unavailable` until it is known, then they
   * are duplicates with their positions, or taken as new ones. What became durable in part is made whole, unless a partition
   * refuses its part for good, or the process dies: then by the repeat, where the next process finds a part of it in the log.
   * `topic` is where the events go unless a route sends them elsewhere. Publishes of one subject keep their order.
   *
   * Rejects with a DistributionError: `draining`, `unavailable` (not restored yet, the broker is away, or what a rule judges by
   * does not follow the log), `overloaded`
   * with `retryAfterMs`, `invalid_request`, `batch_too_large`, `event_too_large`, `forbidden` (by the guard,
   * or on an internal topic), `unknown_topic`, `invalid_event`, `event_conflict`, `illegal_transition`, `storage_full`; where one event is to blame its path is `events[i]` and below.
   */
  publish(topic: string, batch: PackedBatch, identity: Identity): Promise<PublishResult>;
}

/** A step in a source's own sequence of a key that is not the next one. */
export interface SequenceStep {
  readonly kind: "gap" | "out-of-order";
  /** The topic that the publisher named. */
  readonly topic: string;
  readonly source: string;
  readonly key: string;
  readonly expected: bigint;
  readonly got: bigint;
}

/** What ingest found in the log at start. */
export interface Restored {
  /** Events known again for deduplication. */
  readonly events: number;
  /** Bytes of the log that were read for it. */
  readonly bytes: number;
}

/** Ingest as the service that owns it sees it. */
export interface IngestService extends Ingest {
  /**
   * Reads the newest part of every partition's log and knows its events again; publishes are `unavailable` until then.
   * Rejects with what the broker rejects with, and may be tried again.
   */
  restore(): Promise<Restored>;
  /** From now on the topic takes only events that the rule lets follow. Throws `unknown_topic`. */
  govern<State, Payload>(rule: TransitionRule<State, Payload>): void;
  /** Takes nothing more (`draining`); resolves when everything that was taken is settled. Idempotent. */
  drain(): Promise<void>;
  /** What is under way now. */
  inFlight(): { readonly batches: number; readonly events: number; readonly bytes: number };
}
