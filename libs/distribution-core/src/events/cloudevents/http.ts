/** CloudEvents over HTTP in binary mode: attributes are headers, the payload is the body. */
import { type Attribute, type Event, EventClass } from "@distribution/proto-types/distribution/v1/event";
import { eventClassName } from "../event-class.ts";
import { type EventPath, excerpt, invalidEvent } from "../path.ts";
import { ATTRIBUTE, SPEC_VERSION } from "./attributes.ts";
import { emptyEvent, setAttribute } from "./fields.ts";
import { checkRequired, checkSpecVersion } from "./reader.ts";
import { formatTime } from "./time.ts";

export interface HttpBinary {
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Absent when the event has no payload; an empty payload is a body of no bytes. */
  readonly body: Uint8Array | undefined;
}

/** As Node gives them: names in lower case. */
export type HttpHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

const PREFIX = "ce-";

/**
 * The event as headers and body. HTTP knows text only: an extension that is an integer or a boolean comes back as its
 * text (`5`, `true`); all else comes back as it was.
 */
export function toHttpBinary(event: Event): HttpBinary {
  const headers: Record<string, string> = { "ce-specversion": SPEC_VERSION };
  const add = (name: string, value: string): void => {
    if (value !== "") headers[`${PREFIX}${name}`] = percentEncode(value);
  };
  add("id", event.id);
  add("source", event.source);
  add("type", event.type);
  add("subject", event.subject);
  if (event.time !== 0n) add("time", formatTime(event.time));
  add("dataschema", event.dataSchema);
  add(ATTRIBUTE.key, event.key);
  if (event.sequence !== 0n) add(ATTRIBUTE.sequence, String(event.sequence));
  if (event.class !== EventClass.UNSPECIFIED) add(ATTRIBUTE.class, eventClassName(event.class));
  if (event.priority !== 0) add(ATTRIBUTE.priority, String(event.priority));
  if (event.ingested !== 0n) add(ATTRIBUTE.ingested, formatTime(event.ingested));
  for (const [name, attribute] of Object.entries(event.extensions)) {
    headers[`${PREFIX}${name}`] = percentEncode(attributeText(attribute));
  }
  if (event.contentType !== "") headers["content-type"] = event.contentType;
  return { headers, body: event.data };
}

/**
 * The event of a request or response in binary mode. `body` undefined: the event has no data. Headers that do not start
 * with `ce-` are not looked at, except `content-type`. Throws `invalid_event` at `path`.name on a missing or wrong
 * attribute, on a header that came twice, and on bad percent encoding.
 */
export function fromHttpBinary(headers: HttpHeaders, body: Uint8Array | undefined, path: EventPath = "event"): Event {
  const event = emptyEvent();
  let version: string | undefined;
  for (const [header, value] of Object.entries(headers)) {
    if (value === undefined || !header.startsWith(PREFIX)) continue;
    const name = header.slice(PREFIX.length);
    const text = decodeHeader(value, name, path);
    if (name === "specversion") version = text;
    else if (name === "datacontenttype") {
      throw invalidEvent(path, "In binary mode the Content-Type header says it. Leave ce-datacontenttype out.", name);
    } else setAttribute(event, name, name === ATTRIBUTE.priority ? numberOf(text) : text, path);
  }
  checkSpecVersion(version, path);
  checkRequired(event, path);
  const contentType = headers["content-type"];
  if (contentType !== undefined) setAttribute(event, "datacontenttype", contentType, path);
  if (body !== undefined) event.data = Buffer.from(body);
  return event;
}

function attributeText(attribute: Attribute): string {
  return attribute.value === undefined ? "" : String(attribute.value.value);
}

/** A priority in a header is text; what is no number stays text and is refused as such. */
function numberOf(text: string): number | string {
  return /^\d{1,10}$/.test(text) ? Number(text) : text;
}

/** HTTP binding 3.1.3.2: space, double quote, percent and everything outside U+0021 to U+007E as %XX of its UTF-8. */
function percentEncode(value: string): string {
  return value.replace(/[^!#$&-~]/gu, (char) => (char < "\u0080" ? percent(char) : encodeURIComponent(char)));
}

function percent(char: string): string {
  return `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
}

function decodeHeader(value: string | readonly string[], name: string, path: EventPath): string {
  if (typeof value !== "string") throw invalidEvent(path, "The header came more than once. Send it once.", name);
  const quoted = value.length >= 2 && value.startsWith('"') && value.endsWith('"');
  const text = quoted ? value.slice(1, -1).replace(/\\(.)/g, "$1") : value;
  try {
    if (/^[ -~]*$/.test(text)) return decodeURIComponent(text);
  } catch {
    // Said below, with the header's name.
  }
  throw invalidEvent(
    path,
    `${excerpt(value)} is not percent-encoded UTF-8. Encode as the HTTP binding of CloudEvents says.`,
    name,
  );
}
