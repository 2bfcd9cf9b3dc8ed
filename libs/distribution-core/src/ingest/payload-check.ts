/** Which payloads a topic takes. */
import { isUtf8 } from "node:buffer";
import { createPayloadCodec, type Envelope, EVENT_FIELD, type EventPath, invalidEvent } from "../events/index.ts";
import { jsonText, parseJson } from "../events/json-text.ts";
import { payloadKind } from "../events/media.ts";
import type { TopicDefinition } from "../topics.ts";

/** Throws `invalid_event` below `path`.data, or at `path`.content_type. */
export type PayloadCheck = (envelope: Envelope, path: EventPath) => void;

/** The check of a topic whose payloads are of one message, or of any shape. */
export function createPayloadCheck({ name, message }: Pick<TopicDefinition, "name" | "message">): PayloadCheck {
  if (!message) return checkAnyShape;
  const codec = createPayloadCodec(message);
  return (envelope, path) => {
    if (!envelope.hasData) {
      throw invalidEvent(path, `Topic ${name} takes events with a payload, a ${codec.typeName}. Send one.`, "data");
    }
    const start = envelope.startOf(EVENT_FIELD.data);
    const end = envelope.endOf(EVENT_FIELD.data);
    codec.validate(envelope.bytes, start, end, envelope.contentType, path);
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
