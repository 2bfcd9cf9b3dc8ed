/** A record back to the events that lie in it. */
import { DistributionError } from "@distribution/core/errors";
import { encodeEvent, type PackedBatch, packMessages, parseCloudEvent, walkBatch } from "@distribution/core/events";
import { unpack } from "../packed.ts";
import { EventBuilder } from "./event-builder.ts";
import {
  type Binding,
  CONTENT_TYPE,
  COUNT_HEADER,
  type HeaderValue,
  type IncomingRecord,
  NoEventError,
  PACKED_TYPE,
  STRUCTURED_TYPE,
  TYPES_HEADER,
} from "./record.ts";

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
  if (contentType != null && contentType.length >= STRUCTURED_TYPE.length) {
    const type = textOf(contentType);
    if (type === PACKED_TYPE) return packedBatch(headers, value);
    if (type.toLowerCase().startsWith(STRUCTURED_TYPE)) return structuredBatch(type, value);
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
function binaryBatch(record: IncomingRecord, binding: Binding): PackedBatch | undefined {
  build(record, binding);
  return builder.end() ? builder.take() : undefined;
}

/** Whether the record's event is, byte for byte, this message. Throws as `fromRecord` does. */
export function isExact(record: IncomingRecord, binding: Binding, message: Uint8Array): boolean {
  build(record, binding);
  return builder.endsAs(message);
}

function build({ headers, value }: IncomingRecord, { prefix, attributes }: Binding): void {
  const types = typesOf(headers);
  const length = value?.length ?? 0;
  builder.begin(sizeOf(headers, length), value ?? undefined, 0, length);
  for (let at = 0; at < headers.length; at += 1) {
    const header = headers[at]!;
    if (header[1] == null) continue;
    const text = typeof header[1] === "string" ? Buffer.from(header[1]) : header[1];
    const attribute = attributes.get(header[0]);
    if (attribute !== undefined) {
      builder.attribute(attribute, text, 0, text.length);
      continue;
    }
    const name = extensionName(header[0], prefix);
    if (name !== undefined) builder.extension(name, text, 0, text.length, types?.get(name));
  }
}

/** Empty between two calls. */
const builder = new EventBuilder();

const NAME = /^[a-z0-9]+$/;

/** The name of an attribute that no field is for; undefined when the header is no attribute's. */
export function extensionName(header: string, prefix: string): string | undefined {
  if (!header.startsWith(prefix)) return undefined;
  const name = header.slice(prefix.length);
  return NAME.test(name) ? name : undefined;
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
function sizeOf(headers: IncomingRecord["headers"], valueBytes: number): number {
  let size = 16 + valueBytes;
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
