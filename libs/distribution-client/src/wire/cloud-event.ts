/** Events as CloudEvents 1.0 JSON objects: how the JSON form of the protocol carries them. */
import { type Attribute, Event, EventClass } from "@distribution/proto-types/distribution/v1/event";
import { eventClassOf, nameOfEventClass } from "../events/event-class.ts";
import { isJsonType } from "../events/media.ts";
import type { WireEvent } from "./frames.ts";
import { formatTime, parseTime } from "./time.ts";

type CloudEvent = Readonly<Record<string, unknown>>;

/** Attributes that are fields of an event; anything else is an extension. */
const FIELDS = new Set([
  "specversion",
  "id",
  "source",
  "type",
  "subject",
  "time",
  "datacontenttype",
  "dataschema",
  "partitionkey",
  "sequence",
  "eventclass",
  "priority",
  "ingestedtime",
  "data",
  "data_base64",
]);

export function readCloudEvent(attributes: CloudEvent): WireEvent {
  const text = (name: string): string => (attributes[name] as string | undefined) ?? "";
  const time = (name: string): bigint => (text(name) === "" ? 0n : parseTime(text(name)));
  const envelope = Event.fromPartial({
    id: text("id"),
    source: text("source"),
    type: text("type"),
    subject: text("subject"),
    time: time("time"),
    key: text("partitionkey"),
    class: eventClassOf(text("eventclass")) ?? EventClass.UNSPECIFIED,
    contentType: text("datacontenttype"),
    dataSchema: text("dataschema"),
    sequence: BigInt(text("sequence") || 0),
    ingested: time("ingestedtime"),
    priority: (attributes["priority"] as number | undefined) ?? 0,
    extensions: Object.fromEntries(
      Object.entries(attributes).flatMap(([name, value]) => (FIELDS.has(name) ? [] : [[name, attributeOf(value)]])),
    ),
  });
  const size = JSON.stringify(attributes).length;
  const { data, data_base64: base64 } = attributes;
  if (data === undefined)
    return { envelope, payload: base64 === undefined ? undefined : fromBase64(base64 as string), size };
  // Text of a type that is not JSON stands in a string.
  const isText = envelope.contentType !== "" && !isJsonType(envelope.contentType);
  if (isText) return { envelope, payload: new TextEncoder().encode(data as string), size };
  return { envelope, payload: undefined, json: { value: data }, size };
}

export function writeCloudEvent(event: Event): CloudEvent {
  const { data, contentType, extensions } = event;
  return {
    specversion: "1.0",
    id: event.id,
    source: event.source,
    type: event.type,
    ...(event.subject !== "" && { subject: event.subject }),
    ...(event.time !== 0n && { time: formatTime(event.time) }),
    ...(contentType !== "" && { datacontenttype: contentType }),
    ...(event.dataSchema !== "" && { dataschema: event.dataSchema }),
    ...(event.key !== "" && { partitionkey: event.key }),
    ...(event.sequence !== 0n && { sequence: String(event.sequence) }),
    ...(event.class !== EventClass.UNSPECIFIED && { eventclass: nameOfEventClass(event.class) }),
    ...(event.priority !== 0 && { priority: event.priority }),
    ...Object.fromEntries(Object.entries(extensions).map(([name, { value }]) => [name, value?.value])),
    ...(data !== undefined && payloadOf(data, contentType)),
  };
}

function payloadOf(data: Uint8Array, contentType: string): CloudEvent {
  if (isJsonType(contentType)) return { data: JSON.parse(new TextDecoder().decode(data)) };
  return { data_base64: toBase64(data) };
}

function attributeOf(value: unknown): Attribute {
  if (typeof value === "number") return { value: { $case: "integer", value } };
  if (typeof value === "boolean") return { value: { $case: "boolean", value } };
  return { value: { $case: "text", value: String(value) } };
}

const fromBase64 = (text: string): Uint8Array => Uint8Array.from(atob(text), (char) => char.charCodeAt(0));

function toBase64(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}
