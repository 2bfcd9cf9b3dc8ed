/** An event, as a consumer gets it. */
import type { Position } from "@distribution/proto-types/distribution/v1/frames";
import type { WireEvent } from "../wire/frames.ts";
import { type EventClassName, nameOfEventClass } from "./event-class.ts";
import { type Decode, decodePayload } from "./payload.ts";

/** How a consumer answers an event. */
export interface Settle {
  ack(event: ReceivedEvent<unknown>): void;
  nack(event: ReceivedEvent<unknown>, delayMs: number): void;
}

export interface Delivery {
  /** "" for an event of a snapshot of several topics. */
  readonly topic: string;
  /** Undefined: an event of a snapshot. */
  readonly position: Position | undefined;
  readonly attempt: number;
}

export type ExtensionValue = string | number | boolean;

export class ReceivedEvent<T = unknown> {
  /** Unique within the source. */
  readonly id: string;
  readonly source: string;
  readonly type: string;
  /** "": not stated. */
  readonly subject: string;
  /** When it happened at the source, Unix nanoseconds. 0n: not stated. */
  readonly time: bigint;
  /** What order is kept for. "": no order is kept. */
  readonly key: string;
  readonly class: EventClassName;
  readonly contentType: string;
  readonly dataSchema: string;
  /** Place in the source's own sequence of this key, from 1. 0n: the source keeps none. */
  readonly sequence: bigint;
  /** When the service took it in, Unix nanoseconds. */
  readonly ingested: bigint;
  /** 0 to 9; higher goes first. */
  readonly priority: number;
  readonly extensions: Readonly<Record<string, ExtensionValue>>;
  readonly topic: string;
  /** Its address in the log. Undefined: it came in a snapshot. */
  readonly position: Position | undefined;
  /** Above 1: it was delivered before and not acknowledged. */
  readonly attempt: number;
  readonly #wire: WireEvent;
  readonly #decode: Decode<T> | undefined;
  readonly #settle: Settle;
  #data: { readonly value: T } | undefined;

  constructor(wire: WireEvent, delivery: Delivery, decode: Decode<T> | undefined, settle: Settle) {
    const { envelope } = wire;
    this.id = envelope.id;
    this.source = envelope.source;
    this.type = envelope.type;
    this.subject = envelope.subject;
    this.time = envelope.time;
    this.key = envelope.key;
    this.class = nameOfEventClass(envelope.class);
    this.contentType = envelope.contentType;
    this.dataSchema = envelope.dataSchema;
    this.sequence = envelope.sequence;
    this.ingested = envelope.ingested;
    this.priority = envelope.priority;
    this.extensions = extensionsOf(envelope.extensions);
    this.topic = delivery.topic;
    this.position = delivery.position;
    this.attempt = delivery.attempt;
    this.#wire = wire;
    this.#decode = decode;
    this.#settle = settle;
  }

  /** Decoded at the first read, and kept. Throws `undecodable`. */
  get data(): T {
    this.#data ??= { value: decodePayload(this.#wire, this.#decode) };
    return this.#data.value;
  }

  /** As the wire carried it. Undefined: there is none, or the JSON form of the protocol carried a value. */
  get payload(): Uint8Array | undefined {
    return this.#wire.payload;
  }

  /** On the wire, bytes. */
  get size(): number {
    return this.#wire.size;
  }

  /** At least once: handled. Sent soon, together with others. Otherwise, and a second time, without effect. */
  ack(): void {
    this.#settle.ack(this);
  }

  /** At least once: to be delivered again after `delayMs`, default 0. Otherwise without effect. */
  nack(delayMs = 0): void {
    this.#settle.nack(this, delayMs);
  }
}

const NONE: Readonly<Record<string, ExtensionValue>> = Object.freeze({});

function extensionsOf(attributes: WireEvent["envelope"]["extensions"]): Readonly<Record<string, ExtensionValue>> {
  const entries = Object.entries(attributes);
  if (entries.length === 0) return NONE;
  return Object.fromEntries(entries.map(([name, { value }]) => [name, value?.value ?? ""]));
}
