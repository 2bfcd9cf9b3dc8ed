/** A packed batch: many events as one run of bytes, walked and put together without being decoded. */
import type { Event } from "@distribution/proto-types/distribution/v1/event";
import { fieldError } from "../errors.ts";
import { encodeEvent } from "./codec.ts";
import { lengthSize, WireReader, writeLength } from "./wire.ts";

/**
 * The bytes of `EventBatch { repeated Event events = 1 }` and where each event's message lies in them.
 * The same bytes are stored, tailed and sent; only what a filter or a route names is ever decoded.
 */
export interface PackedBatch {
  /** Tag, length, message; tag, length, message ... Owned by the batch: nobody writes to it after it was made. */
  readonly bytes: Uint8Array;
  /** Number of events. */
  readonly count: number;
  /** Event i's message is `bytes.subarray(bounds[2 * i], bounds[2 * i + 1])`, without tag and length. */
  readonly bounds: Uint32Array;
}

export interface BatchLimits {
  /** Most events of one batch. */
  readonly maxEvents: number;
  /** Longest Event message, bytes, without tag and length. */
  readonly maxEventBytes: number;
}

/** The tag of EventBatch.events: field 1, length-delimited. */
export const BATCH_TAG = 0x0a;

/** A batch's bytes stay below this, so that bounds fit 32 bits with room to spare: 1 GiB. */
const MAX_BATCH_BYTES = 2 ** 30;

/**
 * Finds the events of an encoded EventBatch; their messages are not looked into. The result shares `bytes`, which
 * nobody may write to from then on. Throws `batch_too_large` over `maxEvents`, `event_too_large` over `maxEventBytes`,
 * `invalid_event` on malformed bytes and on fields that an EventBatch does not have, each at `events[i]`.
 */
export function walkBatch(bytes: Uint8Array, limits: BatchLimits): PackedBatch {
  checkBatchBytes(bytes.length);
  const reader = new WireReader();
  reader.open(bytes, 0, bytes.length, 0);
  let bounds = new Uint32Array(64);
  let count = 0;
  while (reader.pos < bytes.length) {
    reader.path = count;
    if (reader.tag() !== BATCH_TAG) reader.fail("is no EventBatch: it has another field than events = 1");
    const length = reader.length();
    if (count === limits.maxEvents) throw tooManyEvents(limits.maxEvents);
    if (length > limits.maxEventBytes) throw eventTooLarge(count, length, limits.maxEventBytes);
    if (2 * count === bounds.length) bounds = grow(bounds);
    bounds[2 * count] = reader.pos;
    reader.pos += length;
    bounds[2 * count + 1] = reader.pos;
    count += 1;
  }
  return { bytes, count, bounds: bounds.slice(0, 2 * count) };
}

/** Copies encoded Event messages into one batch, in this order. */
export function packMessages(messages: readonly Uint8Array[]): PackedBatch {
  let size = 0;
  for (const message of messages) size += 1 + lengthSize(message.length) + message.length;
  checkBatchBytes(size);
  // Not from Node's shared pool: a kept batch must not keep its neighbours.
  const bytes = Buffer.allocUnsafeSlow(size);
  const bounds = new Uint32Array(2 * messages.length);
  let pos = 0;
  for (const [index, message] of messages.entries()) {
    bytes[pos] = BATCH_TAG;
    pos = writeLength(bytes, pos + 1, message.length);
    bytes.set(message, pos);
    bounds[2 * index] = pos;
    pos += message.length;
    bounds[2 * index + 1] = pos;
  }
  return { bytes, count: messages.length, bounds };
}

export function packEvents(events: readonly Event[]): PackedBatch {
  return packMessages(events.map((event, index) => encodeEvent(event, index)));
}

/** A batch of its own with the events at `indexes`, in that order. Throws RangeError on an index that the batch does not have. */
export function selectEvents(batch: PackedBatch, indexes: readonly number[]): PackedBatch {
  return packMessages(indexes.map((index) => messageAt(batch, index)));
}

/** Event i's message: a view, not a copy. Throws RangeError on an index that the batch does not have. */
export function messageAt(batch: PackedBatch, index: number): Uint8Array {
  const start = batch.bounds[2 * index];
  const end = batch.bounds[2 * index + 1];
  if (start === undefined || end === undefined || index >= batch.count) {
    throw new RangeError(`The batch has ${batch.count} events; there is no event ${index}.`);
  }
  return batch.bytes.subarray(start, end);
}

function checkBatchBytes(size: number): void {
  if (size < MAX_BATCH_BYTES) return;
  throw fieldError("batch_too_large", "events", `The batch has ${size} bytes; the limit is ${MAX_BATCH_BYTES - 1}.`);
}

function tooManyEvents(limit: number) {
  return fieldError(
    "batch_too_large",
    "events",
    `The batch has more than ${limit} events. Send it in several batches.`,
  );
}

/** `event_too_large` at `events[index]`, for callers that meet an oversized event outside a batch. */
export function eventTooLarge(index: number, size: number, limit: number) {
  return fieldError(
    "event_too_large",
    `events[${index}]`,
    `The event has ${size} bytes; the limit is ${limit}. Put large payloads elsewhere and send a reference.`,
  );
}

function grow(bounds: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(bounds.length * 2);
  larger.set(bounds);
  return larger;
}
