/** Stored events of one topic, made ready for projections: each part is decoded when it is first asked for, and once. */
import type { Position } from "../brokers/contract.ts";
import {
  createEnvelope,
  createPayloadCodec,
  type Envelope,
  type EventHead,
  headOf,
  invalidEvent,
  type PayloadCodec,
  payloadKind,
} from "../events/index.ts";
import type { TopicDefinition } from "../topics.ts";
import type { IncomingEvent, PayloadType, ProjectedEvent } from "./contract.ts";

/** Where a stored Event message lies. */
export interface StoredEvent {
  readonly position: Position;
  readonly appendedAt: bigint;
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

export type Receiver = (event: StoredEvent) => IncomingEvent;

/** Of a topic with a message, JSON payloads are turned into its bytes, and others than JSON and protobuf are none. */
export function createReceiver({ message }: Pick<TopicDefinition, "message">): Receiver {
  const codec = message && createPayloadCodec(message);
  const envelope = createEnvelope();
  return (event) => new Incoming(event, envelope, codec);
}

class Incoming implements IncomingEvent {
  readonly #stored: StoredEvent;
  /** Shared by all of the topic: what it has read is another event's once this one was read. */
  readonly #envelope: Envelope;
  readonly #codec: PayloadCodec | undefined;
  #head: EventHead | undefined;
  #payload: Uint8Array | undefined;
  /** As the type that was asked for first, nearly always the only one of a topic. */
  #type: PayloadType<unknown> | undefined;
  #event: ProjectedEvent<unknown> | undefined;
  #others: Map<PayloadType<unknown>, ProjectedEvent<unknown>> | undefined;

  constructor(stored: StoredEvent, envelope: Envelope, codec: PayloadCodec | undefined) {
    this.#stored = stored;
    this.#envelope = envelope;
    this.#codec = codec;
  }

  get position(): Position {
    return this.#stored.position;
  }

  get appendedAt(): bigint {
    return this.#stored.appendedAt;
  }

  as<Payload>(type: PayloadType<Payload>): ProjectedEvent<Payload> {
    const known = this.#type === type ? this.#event : this.#others?.get(type);
    if (known) return known as ProjectedEvent<Payload>;
    this.#read();
    const { position, appendedAt } = this.#stored;
    const event = { envelope: this.#head!, payload: type.decode(this.#payload!), position, appendedAt };
    if (this.#type) {
      this.#others ??= new Map();
      this.#others.set(type, event);
    } else {
      this.#type = type;
      this.#event = event;
    }
    return event;
  }

  #read(): void {
    if (this.#payload) return;
    const { bytes, start, end } = this.#stored;
    const envelope = this.#envelope;
    envelope.read(bytes, start, end);
    this.#head = headOf(envelope);
    this.#payload = this.#payloadOf(envelope);
  }

  #payloadOf(envelope: Envelope): Uint8Array {
    const data = envelope.data();
    if (!this.#codec) return data;
    const { contentType } = envelope;
    const kind = payloadKind(contentType);
    if (kind === "protobuf") return data;
    if (kind === "json") return this.#codec.fromJson(Buffer.from(data).toString("utf8"));
    throw invalidEvent(
      "event",
      `It is ${contentType}; read are application/protobuf and application/json.`,
      "content_type",
    );
  }
}
