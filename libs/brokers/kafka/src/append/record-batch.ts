/** Kafka's record batch (message format 2): encoded once, and its head written anew for every producer state it is sent with. */
import type { OutgoingRecord } from "@distribution/broker-common";
import { compressionsAlgorithms } from "@platformatic/kafka";
import { AT, FRONT_BYTES, HEAD_BYTES, MAGIC } from "../batch-head.ts";
import { checksum } from "../checksum.ts";
import type { Compression } from "../options.ts";

/** Whose batch it is, for the broker to know it again. */
export interface ProducerState {
  readonly id: bigint;
  readonly epoch: number;
  /** Of the batch's first record. */
  readonly sequence: number;
}

/** Bytes that a record takes in a batch, uncompressed; a few more at most. */
export function recordBytes({ key, headers, value }: OutgoingRecord): number {
  let size = 5 + 1 + 1 + 5 + 5 + (key?.length ?? 0) + 5 + (value?.length ?? 0) + 5;
  for (const [name, text] of headers) size += 5 + 3 * name.length + 5 + text.length;
  return size;
}

/** The batch with room for its head, which `stamp` fills in. */
export function encodeBatch(records: readonly OutgoingRecord[], compression: Compression, now: bigint): Buffer {
  let size = HEAD_BYTES;
  for (const record of records) size += recordBytes(record);
  const bytes = Buffer.allocUnsafe(size);
  let at = HEAD_BYTES;
  for (let index = 0; index < records.length; index += 1) at = writeRecord(bytes, at, records[index]!, index);
  const batch = compress(bytes.subarray(0, at), compression);
  batch.writeBigInt64BE(0n, AT.base);
  batch.writeInt32BE(batch.length - FRONT_BYTES, AT.length);
  batch.writeInt32BE(-1, AT.leaderEpoch);
  batch.writeInt8(MAGIC, AT.magic);
  batch.writeInt16BE(compressionsAlgorithms[compression].bitmask, AT.attributes);
  batch.writeInt32BE(records.length - 1, AT.last);
  batch.writeBigInt64BE(now, AT.firstTime);
  batch.writeBigInt64BE(now, AT.maxTime);
  batch.writeInt32BE(records.length, AT.count);
  return batch;
}

function compress(plain: Buffer, compression: Compression): Buffer {
  if (compression === "none") return plain;
  const packed = compressionsAlgorithms[compression].compressSync(plain.subarray(HEAD_BYTES));
  return Buffer.concat([plain.subarray(0, HEAD_BYTES), packed]);
}

/** Fills in whose batch this is, and the checksum. */
export function stamp(batch: Buffer, { id, epoch, sequence }: ProducerState): void {
  batch.writeBigInt64BE(id, AT.producer);
  batch.writeInt16BE(epoch, AT.producerEpoch);
  batch.writeInt32BE(sequence, AT.sequence);
  batch.writeUInt32BE(checksum(batch.subarray(AT.attributes)), AT.crc);
}

function writeRecord(bytes: Buffer, start: number, { key, headers, value }: OutgoingRecord, index: number): number {
  // The length comes first and is known last: it is written where it will end, and the record moved up to it.
  const body = start + 5;
  let at = body;
  bytes[at++] = 0; // attributes
  bytes[at++] = 0; // timestamp delta
  at = writeVarint(bytes, at, index);
  at = writeBytes(bytes, at, key);
  at = writeBytes(bytes, at, value);
  at = writeVarint(bytes, at, headers.length);
  for (const [name, text] of headers) {
    const length = Buffer.byteLength(name);
    at = writeVarint(bytes, at, length);
    bytes.write(name, at);
    at = writeBytes(bytes, at + length, text);
  }
  const length = at - body;
  const lengthEnd = writeVarint(bytes, start, length);
  if (lengthEnd !== body) bytes.copyWithin(lengthEnd, body, at);
  return lengthEnd + length;
}

function writeBytes(bytes: Buffer, at: number, value: Uint8Array | null | undefined): number {
  if (value == null) return writeVarint(bytes, at, -1);
  const start = writeVarint(bytes, at, value.length);
  bytes.set(value, start);
  return start + value.length;
}

/** Zigzag, as all of a record's numbers. */
function writeVarint(bytes: Buffer, start: number, value: number): number {
  let rest = ((value << 1) ^ (value >> 31)) >>> 0;
  let at = start;
  while (rest > 0x7f) {
    bytes[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  bytes[at++] = rest;
  return at;
}

/** Sequences are 31 bits and begin anew. */
export const nextSequence = (sequence: number, records: number): number => (sequence + records) % 2 ** 31;
