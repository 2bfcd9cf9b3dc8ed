/** How events lie on a log whose engine knows records (Kafka) or messages (Pulsar) with a key, headers and a value. */
import { ATTRIBUTES, type Attribute, VERSION } from "./attributes.ts";

/**
 * - `packed`: one record holds a whole batch, as its bytes are: the fast lane.
 * - `cloudevents`: one record an event, CloudEvents 1.0 in binary mode, readable by anybody.
 * - `compacted`: the same for topics that the engine compacts by record key: every record has a key of its own or its event's, and a
 *   value that the engine does not take for the deletion of that key.
 */
export type RecordForm = "packed" | "cloudevents" | "compacted";

/** What is peculiar to an engine's CloudEvents. */
export interface Binding {
  /** Before the name of every attribute. */
  readonly prefix: string;
  /**
   * The engine tells a record without a value from one of no bytes, and deletes a key only by the former. Without it an event
   * without data lies packed, and so does one of no bytes of data on a compacted topic.
   */
  readonly nullValues: boolean;
  /** Headers that are attributes, by name. */
  readonly attributes: ReadonlyMap<string, Attribute>;
  /** Names of headers, by the tag of the field that they carry. */
  readonly headers: readonly string[];
}

function createBinding(prefix: string, nullValues: boolean): Binding {
  const attributes = new Map([...ATTRIBUTES, VERSION].map((attribute) => [prefix + attribute.name, attribute]));
  attributes.set(CONTENT_TYPE, attributes.get(`${prefix}datacontenttype`)!);
  const headers: string[] = [];
  for (const [header, { tag }] of attributes) headers[tag] = header;
  return { prefix, nullValues, attributes, headers };
}

/** The header (property) that says what a record is. */
export const CONTENT_TYPE = "content-type";

/** The Kafka protocol binding of CloudEvents 1.0. */
export const KAFKA_BINDING = createBinding("ce_", true);

/**
 * CloudEvents has no binding for Pulsar: the one draft of it (cloudevents/spec#237, of 2018, for CloudEvents 0.1) prefixes
 * properties with `CE-`. This is that draft with the names of 1.0, which are lower case in every binding. Pulsar's compaction
 * takes an empty payload for a deletion.
 */
export const PULSAR_BINDING = createBinding("ce-", false);

export type HeaderValue = Uint8Array | string | null | undefined;

/** As it is written. */
export interface OutgoingRecord {
  readonly key: Uint8Array | undefined;
  /** In this order; the values are UTF-8. Views of the batch's bytes, like `value`. */
  readonly headers: readonly (readonly [name: string, value: Uint8Array])[];
  /** Null only where the binding has null values and the form is `cloudevents`. */
  readonly value: Uint8Array | null;
  /** Events of the batch that lie in it: those that follow the record's before. */
  readonly events: number;
}

/** As it is read. The batch made of a packed record shares `value`. */
export interface IncomingRecord {
  /** In the order of the record, which is part of what an event's bytes are made of. */
  readonly headers: readonly (readonly [name: string, value: HeaderValue])[];
  readonly value: Uint8Array | null | undefined;
}

/** The content type of packed records. */
export const PACKED_TYPE = "application/vnd.distribution.event-batch+protobuf";

/** Of events in structured mode; the format follows it. */
export const STRUCTURED_TYPE = "application/cloudevents";

/** How many events a packed record holds, decimal. A writer may leave it out; it costs readers a little. */
export const COUNT_HEADER = "distribution-events";

/** Extensions that are no text, which headers cannot say: `name=integer other=boolean`. */
export const TYPES_HEADER = "distribution-types";

/** The record is neither of our forms: the adapter says where it lies, and treats it like a damaged one. */
export class NoEventError extends Error {
  override readonly name = "NoEventError";
}
