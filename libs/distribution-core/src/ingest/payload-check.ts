/** Which payloads a topic takes. */
import { isUtf8 } from "node:buffer";
import {
  createPayloadCodec,
  type Envelope,
  EVENT_FIELD,
  type EventPath,
  invalidEvent,
  type PayloadCodec,
} from "../events/index.ts";
import { jsonText, parseJson } from "../events/json-text.ts";
import { payloadKind } from "../events/media.ts";
import type { EventTypeDefinition, TopicDefinition } from "../topics.ts";
import { createFieldRules } from "./field-rules.ts";

/** Throws `invalid_event` below `path`.data, or at `path`.content_type. */
export type PayloadCheck = (envelope: Envelope, path: EventPath) => void;

/** The checks of a topic whose payloads are of one message, or of any shape: of each event type the one that `of` gives. */
export interface PayloadChecks {
  of(type: EventTypeDefinition | undefined): PayloadCheck;
}

/** Throws Error for an event type whose `member` is no field of a oneof of the topic's message, or whose rules name none that they can be of. */
export function createPayloadChecks({
  name,
  message,
  eventTypes,
}: Pick<TopicDefinition, "name" | "message" | "eventTypes">): PayloadChecks {
  if (!message) return { of: () => checkAnyShape };
  const codec = createPayloadCodec(message);
  const made = new Map(eventTypes.map((type) => [type, createPayloadCheck(name, codec, type)]));
  const ofAny = createPayloadCheck(name, codec);
  return { of: (type) => (type && made.get(type)) ?? ofAny };
}

function createPayloadCheck(topic: string, codec: PayloadCodec, type?: EventTypeDefinition): PayloadCheck {
  const member = type?.member === undefined ? undefined : codec.member(type.member);
  const rules = type && createFieldRules(type, codec);
  return (envelope, path) => {
    if (!envelope.hasData) {
      throw invalidEvent(path, `Topic ${topic} takes events with a payload, a ${codec.typeName}. Send one.`, "data");
    }
    const start = envelope.startOf(EVENT_FIELD.data);
    const end = envelope.endOf(EVENT_FIELD.data);
    codec.validate(envelope.bytes, start, end, envelope.contentType, path, member);
    rules?.(envelope, path);
  };
}

/** Without a schema, text has to be text and JSON has to be JSON: both are put into JSON frames as they are. */
function checkAnyShape(envelope: Envelope, path: EventPath): void {
  if (!envelope.hasData) return;
  const kind = payloadKind(envelope.contentType);
  if (kind === "binary" || kind === "protobuf") return;
  const place = `${typeof path === "number" ? `events[${path}]` : path}.data`;
  const start = envelope.startOf(EVENT_FIELD.data);
  const end = envelope.endOf(EVENT_FIELD.data);
  if (kind === "json") parseJson(jsonText(envelope.bytes, start, end, place), place);
  else if (!isUtf8(envelope.bytes.subarray(start, end))) {
    throw invalidEvent(path, "The content type says text, and this is not valid UTF-8. Send it as bytes.", "data");
  }
}
