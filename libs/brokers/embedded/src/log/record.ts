/**
 * A record: one batch in the store. The value is the batch's own bytes, so that an append copies nothing; what must be
 * known about it, and the checksum over both, stand in the key. Big-endian, so keys sort by partition, then offset:
 *
 *     partition id 4 | base offset 6 | span 4 | count 4 | appended at 8 | value's length 4 | CRC-32 4
 *
 * Base is the first event's offset, span reaches to the last one's. They are dense, event i at base + i, when span is count;
 * else the record is sparse, left by compaction: `count` 32-bit distances from the base stand before the batch's bytes.
 */
import { crc32 } from "node:zlib";
import { unpack } from "@distribution/broker-common";
import { Stored } from "./stored.ts";

export const KEY_BYTES = 34;
const PREFIX_BYTES = 10;
const CHECKED_BYTES = 30;

/** Offsets take 6 bytes: 9 years at a million events a second in one partition. */
export const MAX_OFFSET = 2 ** 48 - 1;

export interface RecordHeader {
  readonly base: number;
  /** Offset of the last event. */
  readonly last: number;
  readonly count: number;
  readonly appendedAt: bigint;
  /** Bytes that the record occupies in the file. */
  readonly footprint: number;
}

/** Writes the record's key into `key` and returns its value: the batch's own bytes when the record is dense. */
export function writeRecord(key: Buffer, partition: number, stored: Stored): Uint8Array {
  const { batch } = stored;
  const base = stored.numberAt(0);
  const span = stored.last - base + 1;
  const value = span === batch.count ? batch.bytes : sparseValue(stored, base);
  key.writeUInt32BE(partition, 0);
  key.writeUIntBE(base, 4, 6);
  key.writeUInt32BE(span, 10);
  key.writeUInt32BE(batch.count, 14);
  key.writeBigUInt64BE(stored.appendedAt, 18);
  key.writeUInt32BE(value.length, 26);
  key.writeUInt32BE(checksum(key, value), 30);
  return value;
}

function sparseValue(stored: Stored, base: number): Buffer {
  const { count, bytes } = stored.batch;
  const value = Buffer.allocUnsafe(4 * count + bytes.length);
  for (let event = 0; event < count; event += 1) value.writeUInt32BE(stored.numberAt(event) - base, 4 * event);
  value.set(bytes, 4 * count);
  return value;
}

const checksum = (key: Buffer, value: Uint8Array): number => crc32(value, crc32(key.subarray(0, CHECKED_BYTES)));

/** Below every record of the partition whose base is `offset` or more. */
export function lowKey(partition: number, offset: number): Buffer {
  const key = Buffer.allocUnsafe(PREFIX_BYTES);
  key.writeUInt32BE(partition, 0);
  key.writeUIntBE(offset, 4, 6);
  return key;
}

/** Above every record of the partition whose base is `offset` or less. */
export function highKey(partition: number, offset: number): Buffer {
  const key = Buffer.alloc(KEY_BYTES + 1, 0xff);
  key.writeUInt32BE(partition, 0);
  key.writeUIntBE(offset, 4, 6);
  return key;
}

/** What the key says; not checked, that takes the value. */
export function headerOf(key: Uint8Array): RecordHeader {
  const view = Buffer.from(key.buffer, key.byteOffset, key.length);
  const base = view.readUIntBE(4, 6);
  return {
    base,
    last: base + view.readUInt32BE(10) - 1,
    count: view.readUInt32BE(14),
    appendedAt: view.readBigUInt64BE(18),
    footprint: footprint(view.readUInt32BE(26)),
  };
}

/** The record as a batch, over the bytes of `value` (not copied); undefined when it is damaged. */
export function readRecord(epoch: string, key: Uint8Array, value: Uint8Array): Stored | undefined {
  if (key.length !== KEY_BYTES) return undefined;
  const view = Buffer.from(key.buffer, key.byteOffset, key.length);
  if (view.readUInt32BE(30) !== checksum(view, value)) return undefined;
  const { base, last, count, appendedAt } = headerOf(key);
  const sparse = last - base + 1 !== count;
  const batch = unpack(sparse ? value.subarray(4 * count) : value, count);
  if (batch === undefined) return undefined;
  return new Stored(epoch, base, appendedAt, batch, sparse ? readDeltas(value, count) : undefined);
}

function readDeltas(value: Uint8Array, count: number): Uint32Array {
  const view = new DataView(value.buffer, value.byteOffset);
  const deltas = new Uint32Array(count);
  for (let event = 0; event < count; event += 1) deltas[event] = view.getUint32(4 * event);
  return deltas;
}

/** Pages of the store are 4 KiB; a value that does not fit twice on one gets pages of its own. */
const PAGE_BYTES = 4096;
const PAGE_HEADER_BYTES = 16;
const NODE_BYTES = 10;
const LARGEST_INLINE = 2038;

/** Bytes that a record with a value of this length occupies in the file. */
export function footprint(valueBytes: number): number {
  const node = NODE_BYTES + KEY_BYTES + valueBytes;
  if (node <= LARGEST_INLINE) return node;
  return NODE_BYTES + KEY_BYTES + 8 + Math.ceil((PAGE_HEADER_BYTES + valueBytes) / PAGE_BYTES) * PAGE_BYTES;
}
