/** Stored events of one topic, made ready for projections: each part is decoded when it is first asked for, and once. */
import { createPayloadCodec, decodeEvent, invalidEvent, type PayloadCodec, payloadKind } from "../events/index.ts";
import type { PlacedEvent } from "../tail/contract.ts";
import type { TopicDefinition } from "../topics.ts";
import type { IncomingEvent, PayloadType, ProjectedEvent } from "./contract.ts";

export type Receiver = (event: PlacedEvent) => IncomingEvent;

/** Of a topic with a message, JSON payloads are turned into its bytes, and others than JSON and protobuf are none. */
export function createReceiver({ message }: Pick<TopicDefinition, "message">): Receiver {
  const codec = message && createPayloadCodec(message);
  return (event) => new Incoming(event, codec);
}

class Incoming implements IncomingEvent {
  readonly position: PlacedEvent["position"];
  readonly appendedAt: bigint;
  readonly #bytes: Uint8Array;
  readonly #codec: PayloadCodec | undefined;
  /** By type; a service has one or two for a topic. */
  readonly #decoded = new Map<PayloadType<unknown>, ProjectedEvent<unknown>>();
  #envelope: ProjectedEvent<unknown>["envelope"] | undefined;

  constructor({ position, appendedAt, bytes }: PlacedEvent, codec: PayloadCodec | undefined) {
    this.position = position;
    this.appendedAt = appendedAt;
    this.#bytes = bytes;
    this.#codec = codec;
  }

  as<Payload>(type: PayloadType<Payload>): ProjectedEvent<Payload> {
    const known = this.#decoded.get(type);
    if (known) return known as ProjectedEvent<Payload>;
    this.#envelope ??= decodeEvent(this.#bytes);
    const { position, appendedAt } = this;
    const event = { envelope: this.#envelope, payload: type.decode(this.#payload()), position, appendedAt };
    this.#decoded.set(type, event);
    return event;
  }

  #payload(): Uint8Array {
    const { data = new Uint8Array(0), contentType } = this.#envelope!;
    if (!this.#codec) return data;
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
