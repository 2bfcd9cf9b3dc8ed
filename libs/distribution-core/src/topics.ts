/** What a domain says of its topics: data that ingest, tail, filters and documents read. */
import type { DescMessage } from "@bufbuild/protobuf";
import type { EventClass } from "@distribution/proto-types/distribution/v1/event";

export type DecimalRange = "any" | "0 or above" | "above 0";

export interface EventTypeDefinition {
  /** As in Event.type, for example `market-data.trade.v1`. */
  readonly type: string;
  readonly class: EventClass;
  readonly description: string;
  /** The member of the payload's oneof that carries the event, for example `trade`: an event without it is refused. */
  readonly member?: string;
  /** A payload of this type in proto3 JSON, for the catalogue. */
  readonly example?: object;
  /** What the key is, for people: "instrument, venue:symbol". */
  readonly key: string;
  /** Texts and decimals of its payload that have to be there and not be empty, by their proto names: `trade.price`. */
  readonly stated?: readonly string[];
  /** Texts of its payload, marked as decimals there, that are in canonical form where they are stated, and which there may be. */
  readonly decimals?: Readonly<Record<string, DecimalRange>>;
  /**
   * What key and texts of its payload have to be put together of, `{ instrument: "{venue}:{symbol}", key: "{instrument}" }`, in the
   * order in which it is checked.
   */
  readonly spelled?: Readonly<Record<string, string>>;
}

export interface TopicDefinition {
  /** Tokens of [a-z0-9-] joined by dots. */
  readonly name: string;
  readonly description: string;
  readonly partitions: number;
  readonly retention: { readonly ms?: number; readonly bytes?: number };
  readonly compaction: boolean;
  /** The payload of every event on the topic: protobuf or its JSON mapping is taken. Absent: JSON or bytes of any shape. */
  readonly message?: DescMessage;
  /**
   * 0 to 9, default 0. Within a session that is behind, what waits on topics of a higher priority goes before what waits on
   * lower ones; one frame in eight is of who waited longest, so that those go on, too.
   */
  readonly priority?: number;
  /** Of the service itself: clients may read it; only the service's own identity may publish on it. Default false. */
  readonly internal?: boolean;
  /** The event types that may be published here. Empty: any. */
  readonly eventTypes: readonly EventTypeDefinition[];
  /** Bound of each partition's ring, bytes of stored events. */
  readonly ringBytes: number;
  /** Bounds of each partition's table; absent: the topic keeps none, and mode latest and snapshots are refused. */
  readonly table?: { readonly keys: number; readonly bytes: number };
}
