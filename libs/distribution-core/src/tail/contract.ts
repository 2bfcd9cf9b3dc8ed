/** What readers of the newest events see: the table, and the queries that read log and table for REST and the command line. */
import type { Position, ReadFrom } from "../brokers/contract.ts";
import type { Filter } from "../subscriptions/contract.ts";

/** One event with its address. */
export interface PlacedEvent {
  readonly position: Position;
  /** Unix nanoseconds, the broker's clock. */
  readonly appendedAt: bigint;
  /** The stored Event message. */
  readonly bytes: Uint8Array;
}

export interface HistoryRequest {
  readonly topic: string;
  /** By partition where it differs; the rest start at `from`. */
  readonly from: ReadFrom;
  readonly after?: readonly Position[];
  /** Appended before this, Unix nanoseconds. Absent: up to the head as it is when the request comes. */
  readonly to?: bigint;
  /** Empty: all. */
  readonly keys: readonly string[];
  readonly filter?: Filter;
}

export interface Latest {
  /** The table is true at these positions, one a partition: subscribe after them and nothing is missing or twice. */
  readonly positions: readonly Position[];
  /** One event a key, ordered by last change, oldest first. */
  readonly events: readonly PlacedEvent[];
}

export interface Queries {
  /**
   * In order of append time, across partitions; lists of any length, none empty. Rejects with `unknown_topic`, and
   * with what the broker's reading rejects with.
   */
  history(request: HistoryRequest): AsyncIterable<readonly PlacedEvent[]>;
  /**
   * As it is now, however long it takes: a large table is walked in turns of a millisecond. Rejects with `unknown_topic` and
   * `not_supported`.
   */
  latest(topic: string, keys: readonly string[], filter: Filter | undefined): Promise<Latest>;
}
