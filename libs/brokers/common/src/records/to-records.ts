/** Events to the records that hold them. */
import { isUtf8 } from "node:buffer";
import { DistributionError } from "@distribution/core/errors";
import { messageAt, type PackedBatch, WireReader } from "@distribution/core/events";
import { cut, keyBytesOf } from "../packed.ts";
import { BY_TAG, DATA_TAG, EXTENSIONS_TAG, VERSION } from "./attributes.ts";
import { isExact } from "./from-record.ts";
import {
  type Binding,
  CONTENT_TYPE,
  COUNT_HEADER,
  type OutgoingRecord,
  PACKED_TYPE,
  type RecordForm,
  TYPES_HEADER,
} from "./record.ts";

type Headers = [name: string, value: Uint8Array][];

const PACKED = Buffer.from(PACKED_TYPE);
const SPEC_VERSION = Buffer.from("1.0");

/**
 * The records of a batch, in its order. Whatever the form, `fromRecord` gives every event's bytes back as they are in the
 * batch: an event that CloudEvents cannot carry so (no required attribute, an encoding that no encoder would choose) lies
 * packed, alone, under its key, and so does one whose value the engine would not keep (see Binding and RecordForm).
 */
export function toRecords(batch: PackedBatch, form: RecordForm, binding: Binding): OutgoingRecord[] {
  if (form === "packed") return [packedRecord(batch, commonKey(batch))];
  return Array.from({ length: batch.count }, (_, event) => oneRecord(batch, event, form, binding));
}

function packedRecord({ bytes, count }: PackedBatch, key: Uint8Array | undefined): OutgoingRecord {
  const headers: Headers = [
    [CONTENT_TYPE, PACKED],
    [COUNT_HEADER, Buffer.from(String(count))],
  ];
  return { key, headers, value: bytes, events: count };
}

/** The key of every event; undefined when they have several, or one has none. */
function commonKey(batch: PackedBatch): Uint8Array | undefined {
  const first = keyBytesOf(batch, 0);
  if (first === undefined) return undefined;
  for (let event = 1; event < batch.count; event += 1) {
    const key = keyBytesOf(batch, event);
    if (key === undefined || !same(first, key)) return undefined;
  }
  return first;
}

function oneRecord(batch: PackedBatch, event: number, form: RecordForm, binding: Binding): OutgoingRecord {
  const message = messageAt(batch, event);
  const key = keyBytesOf(batch, event) ?? (form === "compacted" ? ownKey(message) : undefined);
  const read = readMessage(message, binding);
  const isSaid = read !== undefined && isKept(read.data, form, binding);
  if (isSaid && isExact({ headers: read.headers, value: read.data }, binding, message)) {
    return { key, headers: read.headers, value: read.data, events: 1 };
  }
  return packedRecord(cut(batch, event, event + 1), key);
}

function isKept(data: Uint8Array | null, form: RecordForm, { nullValues }: Binding): boolean {
  if (data === null) return nullValues && form !== "compacted";
  return data.length > 0 || nullValues || form !== "compacted";
}

interface Read {
  readonly headers: Headers;
  readonly data: Uint8Array | null;
}

const same = (one: Uint8Array, other: Uint8Array): boolean => Buffer.compare(one, other) === 0;

/**
 * An event without a key is superseded by none, but every record of a compacted topic needs a key: the event's identity, which
 * no key of an event can be, since those have no control characters.
 */
function ownKey(message: Uint8Array): Uint8Array {
  const reader = new WireReader();
  const identity: Uint8Array[] = [];
  try {
    reader.open(message, 0, message.length, "event");
    while (reader.pos < message.length) {
      const tag = reader.tag();
      const start = reader.pos;
      reader.skip(tag & 7);
      if (BY_TAG[tag]?.name === "source" || BY_TAG[tag]?.name === "id") {
        identity.push(Uint8Array.of(0), message.subarray(start, reader.pos));
      }
    }
  } catch {
    // Bytes that are no message are their own identity.
    identity.push(Uint8Array.of(0), message);
  }
  return Buffer.concat(identity);
}

/** The message as headers in the order of its fields, and its data; undefined when headers cannot say it. */
function readMessage(message: Uint8Array, { prefix, headers: names }: Binding): Read | undefined {
  const headers: Headers = [[names[VERSION.tag]!, SPEC_VERSION]];
  const types: string[] = [];
  let data: Uint8Array | null = null;
  const reader = new WireReader();
  try {
    reader.open(message, 0, message.length, "event");
    while (reader.pos < message.length) {
      const tag = reader.tag();
      if (tag === DATA_TAG) data = readBytes(reader);
      else if (tag === EXTENSIONS_TAG) {
        if (!readExtension(readBytes(reader), prefix, headers, types)) return undefined;
      } else {
        const attribute = BY_TAG[tag];
        if (attribute === undefined) return undefined;
        const value = attribute.number === undefined ? readText(reader) : readNumber(reader, attribute.number.format);
        if (value === undefined) return undefined;
        headers.push([names[tag]!, value]);
      }
    }
  } catch (failure) {
    if (failure instanceof DistributionError) return undefined;
    throw failure;
  }
  if (types.length > 0) headers.unshift([TYPES_HEADER, Buffer.from(types.join(" "))]);
  return { headers, data };
}

function readBytes(reader: WireReader): Uint8Array {
  const length = reader.length();
  const start = reader.pos;
  reader.pos += length;
  return reader.bytes.subarray(start, reader.pos);
}

function readText(reader: WireReader): Uint8Array | undefined {
  const value = readBytes(reader);
  return isUtf8(value) ? value : undefined;
}

function readNumber(reader: WireReader, format: (value: bigint) => string | undefined): Uint8Array | undefined {
  reader.varint();
  const text = format((BigInt(reader.hi >>> 0) << 32n) | BigInt(reader.lo >>> 0));
  return text === undefined ? undefined : Buffer.from(text);
}

/** Tags of a map entry's key and value, and of an Attribute's three kinds. */
const ENTRY = { key: 0x0a, value: 0x12 } as const;
const KIND = { text: 0x0a, integer: 0x10, boolean: 0x18 } as const;

/** One entry of `extensions`; false when it is not as encoders write it. */
function readExtension(entry: Uint8Array, prefix: string, headers: Headers, types: string[]): boolean {
  const reader = new WireReader();
  reader.open(entry, 0, entry.length, "event.extensions");
  if (reader.tag() !== ENTRY.key) return false;
  const name = Buffer.from(readBytes(reader)).toString("latin1");
  if (reader.tag() !== ENTRY.value) return false;
  const value = readBytes(reader);
  reader.open(value, 0, value.length, "event.extensions");
  const kind = reader.tag();
  if (kind === KIND.text) {
    const text = readText(reader);
    if (text === undefined) return false;
    headers.push([prefix + name, text]);
    return true;
  }
  if (kind !== KIND.integer && kind !== KIND.boolean) return false;
  reader.varint();
  const integer = (reader.lo >>> 1) ^ -(reader.lo & 1);
  headers.push([prefix + name, Buffer.from(kind === KIND.integer ? String(integer) : String(reader.lo === 1))]);
  types.push(`${name}=${kind === KIND.integer ? "integer" : "boolean"}`);
  return true;
}
