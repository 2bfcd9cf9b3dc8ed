/** A record back to the events that lie in it. */
import { DistributionError } from "@distribution/core/errors";
import { encodeEvent, type PackedBatch, packMessages, parseCloudEvent, walkBatch } from "@distribution/core/events";
import { unpack } from "../packed.ts";
import { type Attribute, DATA_TAG, EXTENSIONS_TAG, LAST_REQUIRED_TAG, VERSION } from "./attributes.ts";
import { EventWriter } from "./event-writer.ts";
import {
  type Binding,
  CONTENT_TYPE,
  COUNT_HEADER,
  type HeaderValue,
  type IncomingRecord,
  NoEventError,
  PACKED_TYPE,
  TYPES_HEADER,
} from "./record.ts";

const STRUCTURED = "application/cloudevents";

/** A batch is no longer than this in any form, bytes. */
const MAX_BYTES = 2 ** 30;

/**
 * The events of a record, whichever form it has: packed, CloudEvents in binary mode, or (written by others) in structured JSON.
 * A packed record's events are not looked into, and share its value. Headers without the binding's prefix are not looked at;
 * those with it that name no attribute are extensions. Throws NoEventError on a record that is none of these.
 */
export function fromRecord(record: IncomingRecord, binding: Binding): PackedBatch {
  const { headers, value } = record;
  const contentType = find(headers, CONTENT_TYPE);
  // Most content types are shorter than those that say how the record is to be read.
  if (contentType != null && contentType.length >= STRUCTURED.length) {
    const type = textOf(contentType);
    if (type === PACKED_TYPE) return packedBatch(headers, value);
    if (type.toLowerCase().startsWith(STRUCTURED)) return structuredBatch(type, value);
  }
  try {
    const batch = binaryBatch(record, binding);
    if (batch !== undefined) return batch;
  } catch (failure) {
    if (failure instanceof DistributionError) throw new NoEventError(failure.message, { cause: failure });
    throw failure;
  }
  const required = ["specversion 1.0", "id", "source", "type"].map((name) => binding.prefix + name).join(", ");
  throw new NoEventError(`its content type is not ${PACKED_TYPE}, and it lacks one of the headers ${required}`);
}

function packedBatch(headers: IncomingRecord["headers"], value: IncomingRecord["value"]): PackedBatch {
  if (value == null || value.length === 0) throw new NoEventError("it says that it is packed, and has no value");
  const said = find(headers, COUNT_HEADER);
  if (said == null) return walk(value);
  const text = textOf(said);
  const count = Number(text);
  // Every event takes two bytes or more: a count that cannot be true makes no room.
  const batch = count > 0 && 2 * count <= value.length ? unpack(value, count) : undefined;
  if (batch === undefined)
    throw new NoEventError(`its ${COUNT_HEADER} is ${text}, and its value is not that many events`);
  return batch;
}

function walk(value: Uint8Array): PackedBatch {
  try {
    return walkBatch(value, { maxEvents: MAX_BYTES, maxEventBytes: MAX_BYTES });
  } catch (cause) {
    throw new NoEventError("it says that it is packed, and its value is no event batch", { cause });
  }
}

function structuredBatch(contentType: string, value: IncomingRecord["value"]): PackedBatch {
  if (!/^application\/cloudevents\+json *(;|$)/i.test(contentType)) {
    throw new NoEventError(`its content type is ${contentType}; of structured CloudEvents only +json is read`);
  }
  try {
    return packMessages([encodeEvent(parseCloudEvent(value ?? ""))]);
  } catch (failure) {
    if (failure instanceof DistributionError) throw new NoEventError(failure.message, { cause: failure });
    throw failure;
  }
}

/**
 * The one event of a record in binary mode, its fields in the order of the headers; undefined when a required attribute is
 * missing. Throws DistributionError on an attribute that has a value which it cannot have.
 */
export function binaryBatch(
  { headers, value }: IncomingRecord,
  { prefix, attributes }: Binding,
): PackedBatch | undefined {
  const types = typesOf(headers);
  const writer = new EventWriter(sizeOf(headers, value));
  /** Bits of the fields that are required; bit 0 is the version. */
  let required = 0;
  let data = value ?? undefined;
  for (let at = 0; at < headers.length; at += 1) {
    const header = headers[at]!;
    if (header[1] == null) continue;
    const text = typeof header[1] === "string" ? Buffer.from(header[1]) : header[1];
    const attribute = attributes.get(header[0]);
    if (attribute === VERSION) {
      if (isVersion(text)) required |= 1;
      continue;
    }
    const name = attribute === undefined ? extensionName(header[0], prefix) : attribute.name;
    if (name === undefined) continue;
    const tag = attribute === undefined ? EXTENSIONS_TAG : attribute.tag;
    // Encoders write fields in the order of their numbers, the data among them.
    if (tag > DATA_TAG && data !== undefined) {
      writer.bytes(DATA_TAG, data);
      data = undefined;
    }
    if (attribute === undefined) writer.extension(tag, name, text, types?.get(name));
    else if (attribute.number === undefined) writer.bytes(tag, text);
    else writeNumber(writer, attribute, text);
    if (tag <= LAST_REQUIRED_TAG && text.length > 0) required |= 1 << (tag >> 3);
  }
  if (data !== undefined) writer.bytes(DATA_TAG, data);
  return required === REQUIRED ? writer.finish() : undefined;
}

/** "1.0". */
const isVersion = (text: Uint8Array): boolean =>
  text.length === 3 && text[0] === 0x31 && text[1] === 0x2e && text[2] === 0x30;

/** The version, and fields 1 to 3. */
const REQUIRED = 0b1111;

const NAME = /^[a-z0-9]+$/;

/** The name of an attribute that no field is for; undefined when the header is no attribute's. */
function extensionName(header: string, prefix: string): string | undefined {
  if (!header.startsWith(prefix)) return undefined;
  const name = header.slice(prefix.length);
  return NAME.test(name) ? name : undefined;
}

function writeNumber(writer: EventWriter, { name, tag, number }: Attribute, text: Uint8Array): void {
  const value = { hi: 0, lo: 0 };
  if (!number!.parse(text, value)) {
    const found = JSON.stringify(textOf(text).slice(0, 40));
    throw new DistributionError("invalid_event", `its ${name} is ${found}, which it cannot be`);
  }
  writer.varint(tag, value);
}

function typesOf(headers: IncomingRecord["headers"]): ReadonlyMap<string, string> | undefined {
  const types = find(headers, TYPES_HEADER);
  if (types == null) return undefined;
  return new Map(
    textOf(types)
      .split(" ")
      .map((pair) => pair.split("=", 2) as [string, string]),
  );
}

/** The most bytes that the event can take. */
function sizeOf(headers: IncomingRecord["headers"], value: IncomingRecord["value"]): number {
  let size = 16 + (value?.length ?? 0);
  for (let at = 0; at < headers.length; at += 1) {
    const one = headers[at]![1];
    size += 20 + headers[at]![0].length + (typeof one === "string" ? 3 : 1) * (one?.length ?? 0);
  }
  return size;
}

function find(headers: IncomingRecord["headers"], name: string): HeaderValue {
  for (let at = 0; at < headers.length; at += 1) if (headers[at]![0] === name) return headers[at]![1];
  return undefined;
}

function textOf(value: Uint8Array | string): string {
  return typeof value === "string" ? value : Buffer.from(value.buffer, value.byteOffset, value.length).toString();
}
