import type { Position } from "../brokers/contract.ts";
import type { PackedBatch } from "../events/batch.ts";
import type { Identity } from "../security/contract.ts";

export interface PublishResult {
  /** One an event, in the order they came; the first destination where routes gave several. */
  readonly positions: readonly Position[];
  /** How many were known before by (source, id); their positions are the old ones. */
  readonly duplicates: number;
}

/** The way in: decode, validate, deduplicate, sequence, admit, transform, route, append. */
export interface Ingest {
  /**
   * All or nothing: resolves when every event is durable, rejects with nothing of it taken.
   * `topic` is where the events go unless a route sends them elsewhere.
   */
  publish(topic: string, batch: PackedBatch, identity: Identity): Promise<PublishResult>;
}
