/** What the tail needs to know of filters: which of the many match an event, found by index and not by scanning. */
import type { DescMessage } from "@bufbuild/protobuf";

/** What a filter may name, and how its values are read. */
export interface TopicSchema {
  /** The payload of every event on the topic, as protobuf or its JSON mapping. Absent: JSON of any shape. */
  readonly message?: DescMessage | undefined;
}

/** A parsed, type-checked, cost-bounded filter. Immutable. */
export interface Filter {
  readonly source: string;
  /** Equal for filters that differ in spacing or in the order of && and || operands only: the interest class's identity. */
  readonly canonical: string;
  /** Reads the event and decides, the slow and obvious way: the oracle, and the way of catch-up and history. */
  test(event: Uint8Array): boolean;
}

/** Found ids, in no order, each once. Reused from call to call; only the first `count` are meant. */
export interface MatchBuffer {
  ids: Uint32Array;
  count: number;
}

/**
 * The filters of one topic. Adding and removing touch one path and never rebuild.
 * The cost of `match` follows the number of matches, not of filters.
 */
export interface Matcher {
  /** Number of filters. */
  readonly size: number;
  /**
   * `id` is a small dense number of the caller's, free to be reused after `remove`.
   * `filter` undefined: every event. `keys` empty: events of any key.
   */
  add(id: number, filter: Filter | undefined, keys: readonly string[]): void;
  remove(id: number): void;
  /** Puts into `out` the ids that match the stored Event message at `bytes[start, end)`. A payload that cannot be read matches no filter that names data. */
  match(bytes: Uint8Array, start: number, end: number, out: MatchBuffer): void;
}
