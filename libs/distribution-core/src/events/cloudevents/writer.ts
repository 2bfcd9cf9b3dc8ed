/** Stored events to CloudEvents JSON: the text is put together from the stored bytes, no object in between. */
import { createEnvelope, type Envelope, EVENT_FIELD, type SpanField } from "../envelope.ts";
import { EVENT_CLASS_NAMES } from "../event-class.ts";
import { readExtensions } from "../extensions.ts";
import { unsignedText } from "../int64.ts";
import { jsonText, parseJson } from "../json-text.ts";
import { payloadKind } from "../media.ts";
import type { PayloadCodec } from "../payload/contract.ts";
import { base64, latin1, utf8 } from "../slices.ts";
import { isPlainJson } from "../text.ts";
import { ATTRIBUTE, SPEC_VERSION } from "./attributes.ts";
import { formatTimeParts } from "./time.ts";

export interface CloudEventOptions {
  /**
   * Of the topic's message: protobuf payloads become JSON and `datacontenttype` says application/json.
   * Absent, or when the payload does not fit the message: `data_base64` and the type as it was.
   */
  readonly codec?: PayloadCodec | undefined;
  /**
   * JSON payloads were found to be JSON when they were ingested and go into the text without another look. Default false:
   * each is parsed, and one that is no JSON goes out as `data_base64`.
   */
  readonly trusted?: boolean;
}

export interface CloudEventWriter {
  /**
   * One CloudEvents 1.0 JSON object (structured mode) of the Event message at `bytes[start, end)`. JSON payloads are
   * embedded character for character, so the text has line breaks if the payload has. Throws `invalid_event` on bytes
   * that are no Event; the envelope is taken to be valid.
   */
  write(bytes: Uint8Array, start: number, end: number): string;
}

/** For loops: one writer, many events. */
export function createCloudEventWriter(options: CloudEventOptions = {}): CloudEventWriter {
  const envelope = createEnvelope();
  const { codec, trusted = false } = options;
  return {
    write(bytes, start, end) {
      envelope.read(bytes, start, end);
      return `${attributesText(envelope)}${dataText(envelope, codec, trusted)}}`;
    },
  };
}

/** One event; see CloudEventWriter. `message` is the bytes of an Event. */
export function eventToCloudEvent(message: Uint8Array, options: CloudEventOptions = {}): string {
  return createCloudEventWriter(options).write(message, 0, message.length);
}

/** A CloudEvents JSON batch of these Event messages. */
export function eventsToCloudEventBatch(messages: readonly Uint8Array[], options: CloudEventOptions = {}): string {
  const writer = createCloudEventWriter(options);
  return `[${messages.map((message) => writer.write(message, 0, message.length)).join(",")}]`;
}

/** Everything but the data and its type, without the closing brace. */
function attributesText(envelope: Envelope): string {
  // One string of the whole envelope, from which plain fields are cut: cheaper than one call into the runtime for each.
  const plain = latin1(envelope.bytes, envelope.start, envelope.end);
  let text = `{"specversion":"${SPEC_VERSION}","id":${quoted(envelope, EVENT_FIELD.id, plain)}`;
  text += `,"source":${quoted(envelope, EVENT_FIELD.source, plain)},"type":${quoted(envelope, EVENT_FIELD.type, plain)}`;
  if (has(envelope, EVENT_FIELD.subject)) text += `,"subject":${quoted(envelope, EVENT_FIELD.subject, plain)}`;
  if ((envelope.timeHi | envelope.timeLo) !== 0) {
    text += `,"time":"${formatTimeParts(envelope.timeHi, envelope.timeLo)}"`;
  }
  if (has(envelope, EVENT_FIELD.dataSchema)) text += `,"dataschema":${quoted(envelope, EVENT_FIELD.dataSchema, plain)}`;
  if (has(envelope, EVENT_FIELD.key)) text += `,"${ATTRIBUTE.key}":${quoted(envelope, EVENT_FIELD.key, plain)}`;
  return envelope.extensionCount > 0
    ? `${text}${ownText(envelope)}${extensionsText(envelope)}`
    : text + ownText(envelope);
}

/** The numbers and the class, which CloudEvents has no attributes of its own for. */
function ownText(envelope: Envelope): string {
  let text = "";
  if ((envelope.sequenceHi | envelope.sequenceLo) !== 0) {
    text += `,"${ATTRIBUTE.sequence}":"${unsignedText(envelope.sequenceHi, envelope.sequenceLo)}"`;
  }
  const className = EVENT_CLASS_NAMES[envelope.class] ?? "";
  if (className !== "") text += `,"${ATTRIBUTE.class}":"${className}"`;
  if (envelope.priority !== 0) text += `,"${ATTRIBUTE.priority}":${envelope.priority}`;
  if ((envelope.ingestedHi | envelope.ingestedLo) !== 0) {
    text += `,"${ATTRIBUTE.ingested}":"${formatTimeParts(envelope.ingestedHi, envelope.ingestedLo)}"`;
  }
  return text;
}

function extensionsText(envelope: Envelope): string {
  let text = "";
  for (const [name, value] of readExtensions(envelope)) text += `,${JSON.stringify(name)}:${JSON.stringify(value)}`;
  return text;
}

function dataText(envelope: Envelope, codec: PayloadCodec | undefined, trusted: boolean): string {
  const type = envelope.contentType;
  const typeText = type === "" ? "" : `,"datacontenttype":${JSON.stringify(type)}`;
  if (!envelope.hasData) return typeText;
  const { bytes } = envelope;
  const start = envelope.startOf(EVENT_FIELD.data);
  const end = envelope.endOf(EVENT_FIELD.data);
  const kind = payloadKind(type);
  if (kind === "json") {
    const json = trusted ? utf8(bytes, start, end) : checkedJson(bytes, start, end);
    if (json !== undefined) return `${typeText},"data":${json}`;
  } else if (kind === "protobuf" && codec !== undefined) {
    const json = transcoded(codec, envelope.data());
    if (json !== undefined) return `,"datacontenttype":"application/json","data":${json}`;
  } else if (kind === "text") {
    const text = utf8(bytes, start, end);
    // A replacement character may stand for bytes that are no UTF-8: those go out as base64.
    if (!text.includes("\ufffd")) return `${typeText},"data":${JSON.stringify(text)}`;
  }
  return `${typeText},"data_base64":"${base64(bytes, start, end)}"`;
}

function checkedJson(bytes: Uint8Array, start: number, end: number): string | undefined {
  try {
    const text = jsonText(bytes, start, end, "event");
    parseJson(text, "event.data");
    return text;
  } catch {
    return undefined;
  }
}

function transcoded(codec: PayloadCodec, data: Uint8Array): string | undefined {
  try {
    return codec.toJson(data);
  } catch {
    return undefined;
  }
}

function has(envelope: Envelope, field: SpanField): boolean {
  return envelope.endOf(field) > envelope.startOf(field);
}

/** The field as a JSON string. `plain` is the envelope's message as Latin-1. */
function quoted(envelope: Envelope, field: SpanField, plain: string): string {
  const { bytes } = envelope;
  const start = envelope.startOf(field);
  const end = envelope.endOf(field);
  return isPlainJson(bytes, start, end)
    ? `"${plain.slice(start - envelope.start, end - envelope.start)}"`
    : JSON.stringify(utf8(bytes, start, end));
}
