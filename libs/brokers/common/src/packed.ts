/** Packed batches as bytes: where the events lie, cutting at their bounds, picking some of them, reading an event's key. */
import type { PackedBatch } from "@distribution/core/events";

/** Tag of `EventBatch.events` (field 1, length-delimited) and of `Event.key` (field 6, length-delimited). */
const EVENTS_TAG = 0x0a;
const KEY_FIELD = 6;

/** The batch that these bytes are, or undefined when they are not exactly `count` packed events. */
export function unpack(bytes: Uint8Array, count: number): PackedBatch | undefined {
  const bounds = new Uint32Array(2 * count);
  let at = 0;
  for (let event = 0; event < count; event += 1) {
    if (bytes[at] !== EVENTS_TAG) return undefined;
    at += 1;
    let length = 0;
    let factor = 1;
    let byte: number;
    do {
      byte = bytes[at] ?? -1;
      if (byte < 0 || factor > 2 ** 28) return undefined;
      length += (byte & 0x7f) * factor;
      factor *= 128;
      at += 1;
    } while (byte >= 0x80);
    bounds[2 * event] = at;
    at += length;
    bounds[2 * event + 1] = at;
  }
  return at === bytes.length ? { bytes, count, bounds } : undefined;
}

/** Whether bounds, count and bytes fit together at the ends; what lies between is the packer's word. */
export function isPacked(batch: PackedBatch): boolean {
  const { bytes, count, bounds } = batch;
  return Number.isInteger(count) && count > 0 && bounds.length === 2 * count && bounds[2 * count - 1] === bytes.length;
}

/** Where event i's tag is. */
const tagOf = (batch: PackedBatch, event: number): number => (event === 0 ? 0 : batch.bounds[2 * event - 1]!);

/** Bytes that events `from` up to, not including, `to` take. */
export function sizeOf(batch: PackedBatch, from: number, to: number): number {
  return tagOf(batch, to) - tagOf(batch, from);
}

/** Events `from` up to, not including, `to`: the same bytes, not copied. */
export function cut(batch: PackedBatch, from: number, to: number): PackedBatch {
  if (from === 0 && to === batch.count) return batch;
  const origin = tagOf(batch, from);
  const bounds = batch.bounds.slice(2 * from, 2 * to);
  for (let at = 0; at < bounds.length; at += 1) bounds[at]! -= origin;
  return { bytes: batch.bytes.subarray(origin, tagOf(batch, to)), count: to - from, bounds };
}

/** The events at these places, in ascending order; copies unless they lie side by side. */
export function pick(batch: PackedBatch, places: readonly number[]): PackedBatch {
  const first = places[0]!;
  if (places.at(-1)! - first === places.length - 1) return cut(batch, first, first + places.length);
  let size = 0;
  for (const place of places) size += sizeOf(batch, place, place + 1);
  const bytes = new Uint8Array(size);
  const bounds = new Uint32Array(2 * places.length);
  let at = 0;
  for (let event = 0; event < places.length; event += 1) {
    const place = places[event]!;
    const tag = tagOf(batch, place);
    const end = batch.bounds[2 * place + 1]!;
    bytes.set(batch.bytes.subarray(tag, end), at);
    bounds[2 * event] = at + batch.bounds[2 * place]! - tag;
    at += end - tag;
    bounds[2 * event + 1] = at;
  }
  return { bytes, count: places.length, bounds };
}

/** Event i's key as latin1 text, one character a byte, so that different bytes are different keys; empty when it has none. */
export function keyOf(batch: PackedBatch, event: number): string {
  const { bytes } = batch;
  const at = findKey(batch, event);
  if (at < 0) return "";
  const length = varintAt(bytes, at);
  return Buffer.from(bytes.buffer, bytes.byteOffset + at + sizeAt(bytes, at), length).toString("latin1");
}

/** Event i's key: a view; undefined when it has none. */
export function keyBytesOf(batch: PackedBatch, event: number): Uint8Array | undefined {
  const { bytes } = batch;
  const at = findKey(batch, event);
  const length = at < 0 ? 0 : varintAt(bytes, at);
  const start = at + sizeAt(bytes, at);
  return length === 0 ? undefined : bytes.subarray(start, start + length);
}

/**
 * Where the length of the key is, which the key follows; -1 when there is none. Walks the message's fields without decoding
 * them; bytes that are no message have no key. Of several keys the last counts.
 */
function findKey({ bytes, bounds }: PackedBatch, event: number): number {
  const end = bounds[2 * event + 1]!;
  let at = bounds[2 * event]!;
  let key = -1;
  while (at < end) {
    const tag = varintAt(bytes, at);
    at += sizeAt(bytes, at);
    const wire = tag % 8;
    if (wire === 1) at += 8;
    else if (wire === 5) at += 4;
    else if (wire === 0) at += sizeAt(bytes, at);
    else if (wire !== 2 || at >= end) return key;
    else {
      const after = at + sizeAt(bytes, at) + varintAt(bytes, at);
      if (Math.floor(tag / 8) === KEY_FIELD && after <= end) key = at;
      at = after;
    }
  }
  return key;
}

/** The number that begins at `at`; infinite where it does not end. */
function varintAt(bytes: Uint8Array, at: number): number {
  const first = bytes[at]!;
  if (first < 0x80) return first;
  let value = first & 0x7f;
  let factor = 128;
  for (let next = at + 1; next < bytes.length && next < at + MAX_VARINT_BYTES; next += 1) {
    const byte = bytes[next]!;
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) return value;
    factor *= 128;
  }
  return Number.POSITIVE_INFINITY;
}

/** Bytes of the number that begins at `at`. */
function sizeAt(bytes: Uint8Array, at: number): number {
  let size = 1;
  while (bytes[at + size - 1]! >= 0x80) size += 1;
  return size;
}

const MAX_VARINT_BYTES = 10;
