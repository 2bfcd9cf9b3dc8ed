/** From a CloudEvents attribute to the field of Event that keeps it. */
import { type Event, EventClass } from "@distribution/proto-types/distribution/v1/event";
import { EVENT_CLASS_NAMES, eventClassOf } from "../event-class.ts";
import { type EventPath, excerpt, invalidEvent, pathText } from "../path.ts";
import { stringFault } from "../text.ts";
import { ENVELOPE_LIMITS } from "../validate-envelope.ts";
import { ATTRIBUTE, extensionNameFault } from "./attributes.ts";
import { MAX_TIME_TEXT, parseTime } from "./time.ts";

type SetField = (event: Event, value: unknown, path: string) => void;

const MAX_UINT64 = 2n ** 64n - 1n;
const DECIMAL = /^[1-9]\d{0,19}$/;

const FIELDS: ReadonlyMap<string, SetField> = new Map([
  ["id", textField("id", ENVELOPE_LIMITS.id)],
  ["source", textField("source", ENVELOPE_LIMITS.source)],
  ["type", textField("type", ENVELOPE_LIMITS.type)],
  ["subject", textField("subject", ENVELOPE_LIMITS.subject)],
  ["time", field("time", time)],
  ["datacontenttype", field("contentType", mediaType)],
  ["dataschema", textField("dataSchema", ENVELOPE_LIMITS.dataSchema)],
  [ATTRIBUTE.key, textField("key", ENVELOPE_LIMITS.key)],
  [ATTRIBUTE.sequence, field("sequence", sequence)],
  [ATTRIBUTE.class, field("class", eventClass)],
  [ATTRIBUTE.priority, field("priority", priority)],
  [ATTRIBUTE.ingested, field("ingested", time)],
]);

export function emptyEvent(): Event {
  return {
    id: "",
    source: "",
    type: "",
    subject: "",
    time: 0n,
    key: "",
    class: EventClass.UNSPECIFIED,
    contentType: "",
    data: undefined,
    dataSchema: "",
    sequence: 0n,
    ingested: 0n,
    priority: 0,
    extensions: {},
  };
}

/** Puts one attribute into its field, or among the extensions. Throws `invalid_event` at `path`.name on a wrong value. */
export function setAttribute(event: Event, name: string, value: unknown, path: EventPath): void {
  const set = FIELDS.get(name);
  if (set !== undefined) set(event, value, `${pathText(path)}.${name}`);
  else setExtension(event, name, value, path);
}

function field<K extends keyof Event>(name: K, read: (value: unknown, path: string) => Event[K]): SetField {
  return (event, value, path) => {
    event[name] = read(value, path);
  };
}

function textField(name: "id" | "source" | "type" | "subject" | "key" | "dataSchema", limit: number): SetField {
  return field(name, (value, path) => text(value, path, limit));
}

function setExtension(event: Event, name: string, value: unknown, path: EventPath): void {
  const nameFault = extensionNameFault(name);
  if (nameFault !== undefined) throw invalidEvent(path, nameFault, `[${excerpt(name)}]`);
  if (Object.keys(event.extensions).length === ENVELOPE_LIMITS.extensions) {
    throw invalidEvent(path, `The event has more than ${ENVELOPE_LIMITS.extensions} extensions, the limit.`, name);
  }
  if (typeof value === "boolean") event.extensions[name] = { value: { $case: "boolean", value } };
  else if (typeof value === "number")
    event.extensions[name] = { value: { $case: "integer", value: int32(value, path, name) } };
  else if (typeof value === "string") {
    const fault = stringFault(value);
    if (fault !== undefined) throw invalidEvent(path, fault, name);
    event.extensions[name] = { value: { $case: "text", value } };
  } else throw invalidEvent(path, "An extension is a string, an integer or a boolean. Put structures into data.", name);
}

function int32(value: number, path: EventPath, name: string): number {
  if (value === (value | 0)) return value | 0;
  throw invalidEvent(path, `${value} is no 32-bit integer, the only number of CloudEvents. Send it as a string.`, name);
}

function text(value: unknown, path: string, limit: number): string {
  if (typeof value !== "string") throw invalidEvent(path, "It is a string.");
  if (value === "") throw invalidEvent(path, "It is not empty. Leave it out instead.");
  const fault = stringFault(value);
  if (fault !== undefined) throw invalidEvent(path, fault);
  const size = Buffer.byteLength(value);
  if (size > limit) throw invalidEvent(path, `It has ${size} bytes; the limit is ${limit}. Shorten it.`);
  return value;
}

function time(value: unknown, path: string): bigint {
  return parseTime(text(value, path, MAX_TIME_TEXT), path);
}

function mediaType(value: unknown, path: string): string {
  const type = text(value, path, ENVELOPE_LIMITS.contentType);
  if (/^[ -~]+$/.test(type)) return type;
  throw invalidEvent(path, "A media type is printable ASCII, for example application/json.");
}

function sequence(value: unknown, path: string): bigint {
  if (typeof value === "string" && DECIMAL.test(value)) {
    const number = BigInt(value);
    if (number <= MAX_UINT64) return number;
  }
  throw invalidEvent(path, `It is a string of decimal digits without leading zeros, "1" to "${MAX_UINT64}".`);
}

function eventClass(value: unknown, path: string): EventClass {
  const found = typeof value === "string" ? eventClassOf(value) : undefined;
  if (found !== undefined) return found;
  throw invalidEvent(path, `It is one of ${EVENT_CLASS_NAMES.slice(1).join(", ")}.`);
}

function priority(value: unknown, path: string): number {
  const max = ENVELOPE_LIMITS.priority;
  if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= max) return value | 0;
  throw invalidEvent(path, `It is an integer, 0 to ${max}; 9 is the highest.`);
}
