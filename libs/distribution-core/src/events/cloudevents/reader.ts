/** CloudEvents in JSON, structured and batched mode, to events. */
import type { Event } from "@distribution/proto-types/distribution/v1/event";
import { fieldError } from "../../errors.ts";
import {
  checkJsonValue,
  elementsOf,
  jsonText,
  MAX_JSON_DEPTH,
  memberPath,
  membersOf,
  parseJson,
  skipSpace,
} from "../json-text.ts";
import { payloadKind } from "../media.ts";
import { type EventPath, excerpt, invalidEvent, pathText } from "../path.ts";
import { SPEC_VERSION } from "./attributes.ts";
import { emptyEvent, setAttribute } from "./fields.ts";

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/**
 * The event of one CloudEvents JSON object that is parsed already. `data` becomes
 * - JSON text, when `datacontenttype` is a JSON type or absent (then it is application/json from here on); numbers are as
 *   exact as whoever parsed the object left them, `parseCloudEvent` keeps them digit for digit; `data: null` is the
 *   payload `null`;
 * - the UTF-8 bytes of the string, when it is any other type but protobuf, which needs `data_base64`.
 *
 * `data_base64` becomes its bytes, whatever the type. Attributes that are null are absent. Throws `invalid_event` at
 * `path`.name on a missing or wrong attribute, both kinds of data, `__proto__`, and nesting over 64 levels.
 */
export function cloudEventToEvent(value: unknown, path: EventPath = "event"): Event {
  return readObject(value, path, (data, place) => {
    checkJsonValue(data, place);
    return JSON.stringify(data);
  });
}

/** The event of a CloudEvents JSON text; JSON `data` is kept character for character. Otherwise as `cloudEventToEvent`. */
export function parseCloudEvent(source: string | Uint8Array, path: EventPath = "event"): Event {
  const text = textOf(source, path);
  // The object itself is one level more than its data may have.
  return readVerbatim(parseJson(text, path, MAX_JSON_DEPTH + 1), text, skipSpace(text, 0), path);
}

/** The events of a JSON list of CloudEvents. Throws `batch_too_large` over `maxEvents`, else as `parseCloudEvent`. */
export function parseCloudEventBatch(
  source: string | Uint8Array,
  limits: { readonly maxEvents: number },
  path = "events",
): Event[] {
  const text = textOf(source, path);
  const list = parseJson(text, path, MAX_JSON_DEPTH + 2);
  if (!Array.isArray(list)) throw invalidEvent(path, "A CloudEvents batch is a JSON list of CloudEvents.");
  if (list.length > limits.maxEvents) {
    const message = `The batch has ${list.length} events; the limit is ${limits.maxEvents}. Send it in several batches.`;
    throw fieldError("batch_too_large", path, message);
  }
  const spans = elementsOf(text, skipSpace(text, 0));
  return list.map((value, index) => readVerbatim(value, text, spans[index]!.start, memberPath(path, index)));
}

function textOf(source: string | Uint8Array, path: EventPath): string {
  return typeof source === "string" ? source : jsonText(source, 0, source.length, path);
}

function readVerbatim(value: unknown, text: string, start: number, path: EventPath): Event {
  return readObject(value, path, () => {
    const span = membersOf(text, start).find((member) => member.name === "data")!;
    return text.slice(span.start, span.end);
  });
}

function readObject(value: unknown, path: EventPath, jsonOf: (data: unknown, path: string) => string): Event {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw invalidEvent(path, "An event is a CloudEvents 1.0 JSON object.");
  }
  const attributes = value as Readonly<Record<string, unknown>>;
  checkSpecVersion(Object.hasOwn(attributes, "specversion") ? attributes["specversion"] : undefined, path);
  const event = emptyEvent();
  let data: unknown;
  let base64: unknown;
  for (const [name, attribute] of Object.entries(attributes)) {
    if (name === "data") data = attribute;
    else if (name === "data_base64") base64 = attribute ?? undefined;
    else if (name !== "specversion" && attribute !== null) setAttribute(event, name, attribute, path);
  }
  checkRequired(event, path);
  if (data !== undefined && base64 !== undefined) {
    throw invalidEvent(path, "An event has data or data_base64, not both.", "data_base64");
  }
  if (base64 !== undefined) event.data = bytesOfBase64(base64, path);
  if (data !== undefined) setData(event, data, path, jsonOf);
  return event;
}

/** Throws `invalid_event` unless the version is "1.0". */
export function checkSpecVersion(version: unknown, path: EventPath): void {
  if (version === SPEC_VERSION) return;
  const found = typeof version === "string" ? excerpt(version) : version === undefined ? "missing" : typeof version;
  throw invalidEvent(path, `It is ${found}; send "${SPEC_VERSION}".`, "specversion");
}

/** Throws `invalid_event` at the first attribute that CloudEvents requires and the event lacks. */
export function checkRequired(event: Event, path: EventPath): void {
  for (const name of ["id", "source", "type"] as const) {
    if (event[name] === "") throw invalidEvent(path, "CloudEvents requires it: a string that is not empty.", name);
  }
}

function setData(event: Event, data: unknown, path: EventPath, jsonOf: (data: unknown, path: string) => string): void {
  const kind = event.contentType === "" ? "json" : payloadKind(event.contentType);
  if (kind === "json") {
    event.contentType ||= "application/json";
    event.data = Buffer.from(jsonOf(data, `${pathText(path)}.data`));
  } else if (kind === "protobuf") {
    const message = "Protobuf goes into data_base64; or send the payload's JSON with datacontenttype application/json.";
    throw invalidEvent(path, message, "data");
  } else if (typeof data !== "string" || !data.isWellFormed()) {
    const message = `With datacontenttype ${excerpt(event.contentType)} it is a string of valid Unicode, or data_base64.`;
    throw invalidEvent(path, message, "data");
  } else event.data = Buffer.from(data);
}

function bytesOfBase64(value: unknown, path: EventPath): Buffer {
  if (typeof value !== "string" || !BASE64.test(value)) {
    throw invalidEvent(path, "It is a string of base64 (RFC 4648, section 4) with padding.", "data_base64");
  }
  return Buffer.from(value, "base64");
}
