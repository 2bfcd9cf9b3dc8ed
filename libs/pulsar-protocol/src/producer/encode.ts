/** SEND frames, written by hand into one buffer of the right size: the producer's hot path. */
import type { Compression, OutgoingMessage } from "../contract.ts";
import { PulsarError } from "../errors.ts";
import { COMPRESSION_NUMBER, compress } from "../wire/compression.ts";
import { crc32c } from "../wire/crc32c.ts";
import { varint64Size, varintSize, writeVarint, writeVarint64 } from "../wire/writer.ts";

const CHECKSUM_MAGIC = 0x0e01;
const SEND = 6;
const EMPTY = new Uint8Array(0);

/** Field numbers of what MessageMetadata and SingleMessageMetadata have in common. All are below 16 but MessageMetadata's 18 and more. */
interface Fields {
  readonly properties: number;
  readonly key: number;
  readonly eventTime: number;
  readonly orderingKey: number;
  readonly tombstone: number;
}
const ALONE: Fields = { properties: 4, key: 6, eventTime: 12, orderingKey: 18, tombstone: 25 };
const BATCHED: Fields = { properties: 1, key: 2, eventTime: 5, orderingKey: 7, tombstone: 9 };

export const dataOf = (message: OutgoingMessage): Uint8Array => message.data ?? EMPTY;

const textSize = (text: string): number => {
  const size = Buffer.byteLength(text);
  return varintSize(size) + size;
};

/** Bytes of the fields that a message brings itself. */
function ownSize(message: OutgoingMessage, fields: Fields): number {
  let size = 0;
  const { properties, key, eventTime, orderingKey } = message;
  if (properties !== undefined) {
    for (const name in properties) {
      const pair = 2 + textSize(name) + textSize(properties[name]!);
      size += varintSize(fields.properties * 8) + varintSize(pair) + pair;
    }
  }
  if (key !== undefined) size += varintSize(fields.key * 8) + textSize(key);
  if (eventTime !== undefined) size += varintSize(fields.eventTime * 8) + varint64Size(eventTime);
  if (orderingKey !== undefined) {
    size += varintSize(fields.orderingKey * 8) + varintSize(orderingKey.length) + orderingKey.length;
  }
  if (message.data === null) size += varintSize(fields.tombstone * 8) + 1;
  return size;
}

function writeText(into: Buffer, at: number, field: number, text: string): number {
  const size = Buffer.byteLength(text);
  const pos = writeVarint(into, writeVarint(into, at, field * 8 + 2), size);
  into.write(text, pos, size, "utf8");
  return pos + size;
}

function writeOwn(into: Buffer, at: number, message: OutgoingMessage, fields: Fields): number {
  let pos = at;
  const { properties, key, eventTime, orderingKey } = message;
  if (properties !== undefined) {
    for (const name in properties) {
      const value = properties[name]!;
      pos = writeVarint(into, pos, fields.properties * 8 + 2);
      pos = writeVarint(into, pos, 2 + textSize(name) + textSize(value));
      pos = writeText(into, pos, 1, name);
      pos = writeText(into, pos, 2, value);
    }
  }
  if (key !== undefined) pos = writeText(into, pos, fields.key, key);
  if (eventTime !== undefined) pos = writeVarint64(into, writeVarint(into, pos, fields.eventTime * 8), eventTime);
  if (orderingKey !== undefined) {
    pos = writeVarint(into, writeVarint(into, pos, fields.orderingKey * 8 + 2), orderingKey.length);
    into.set(orderingKey, pos);
    pos += orderingKey.length;
  }
  if (message.data === null) pos = writeVarint(into, writeVarint(into, pos, fields.tombstone * 8), 1);
  return pos;
}

/** Bytes that a message takes in a batch. */
export function batchedSize(message: OutgoingMessage): number {
  const data = dataOf(message).length;
  let meta = 1 + varintSize(data) + ownSize(message, BATCHED);
  if (message.sequenceId !== undefined) meta += 1 + varint64Size(message.sequenceId);
  return 4 + meta + data;
}

function writeBatched(into: Buffer, at: number, message: OutgoingMessage): number {
  const data = dataOf(message);
  let pos = writeOwn(into, at + 4, message, BATCHED);
  pos = writeVarint(into, pos, 3 * 8);
  pos = writeVarint(into, pos, data.length);
  if (message.sequenceId !== undefined) {
    pos = writeVarint(into, pos, 8 * 8);
    pos = writeVarint64(into, pos, message.sequenceId);
  }
  into.writeUInt32BE(pos - at - 4, at);
  into.set(data, pos);
  return pos + data.length;
}

export interface Batch {
  readonly producerId: number;
  readonly producerName: string;
  readonly firstSequenceId: bigint;
  readonly lastSequenceId: bigint;
  readonly publishTime: bigint;
  readonly compression: Compression;
  /** One: it goes as a message by itself. */
  readonly messages: readonly OutgoingMessage[];
  /** The sum of `batchedSize`, if there are several. */
  readonly batchBytes: number;
  /** All messages have this key: the broker gives the batch to one consumer of a Key_Shared subscription. */
  readonly sharedKey: boolean;
}

export const tooLarge = (topic: string, size: number, most: number): PulsarError =>
  new PulsarError(
    "message_too_large",
    `A message of ${size} bytes with its metadata on ${topic}; the broker's maxMessageSize is ${most}.`,
  );

export interface SendFrame {
  readonly frame: Buffer;
  /** Bytes of metadata and payload, which the broker bounds. */
  readonly messageBytes: number;
}

export function encodeSend(batch: Batch): SendFrame {
  const { messages, compression } = batch;
  const first = messages[0]!;
  const alone = messages.length === 1;
  const plainBytes = alone ? dataOf(first).length : batch.batchBytes;
  const packed = compression === "none" ? undefined : compress(plainPayload(batch, plainBytes), compression);
  const payloadBytes = packed?.length ?? plainBytes;
  const metaBytes = metadataSize(batch, plainBytes);
  const count = messages.length;
  const { producerId, firstSequenceId, lastSequenceId } = batch;
  const sendBytes =
    3 + varintSize(producerId) + varint64Size(firstSequenceId) + varintSize(count) + 1 + varint64Size(lastSequenceId);
  const commandBytes = 3 + varintSize(sendBytes) + sendBytes;
  const frame = Buffer.allocUnsafe(18 + commandBytes + metaBytes + payloadBytes);

  frame.writeUInt32BE(frame.length - 4, 0);
  frame.writeUInt32BE(commandBytes, 4);
  frame[8] = 8;
  frame[9] = SEND;
  frame[10] = SEND * 8 + 2;
  let pos = writeVarint(frame, 11, sendBytes);
  pos = writeVarint(frame, writeVarint(frame, pos, 8), producerId);
  pos = writeVarint64(frame, writeVarint(frame, pos, 16), firstSequenceId);
  pos = writeVarint(frame, writeVarint(frame, pos, 24), count);
  pos = writeVarint64(frame, writeVarint(frame, pos, 48), lastSequenceId);
  const checksumAt = pos;
  frame.writeUInt16BE(CHECKSUM_MAGIC, pos);
  frame.writeUInt32BE(metaBytes, pos + 6);
  pos = writeMetadata(frame, pos + 10, batch, plainBytes);
  if (packed !== undefined) frame.set(packed, pos);
  else writePayload(frame, pos, batch);
  frame.writeUInt32BE(crc32c(frame, checksumAt + 6), checksumAt + 2);
  return { frame, messageBytes: metaBytes + payloadBytes };
}

function writePayload(into: Buffer, at: number, { messages }: Batch): void {
  let pos = at;
  if (messages.length === 1) into.set(dataOf(messages[0]!), pos);
  else for (const message of messages) pos = writeBatched(into, pos, message);
}

function plainPayload(batch: Batch, size: number): Buffer {
  const payload = Buffer.allocUnsafe(size);
  writePayload(payload, 0, batch);
  return payload;
}

function metadataSize(batch: Batch, plainBytes: number): number {
  const { messages, compression } = batch;
  const first = messages[0]!;
  let size =
    1 + textSize(batch.producerName) + 2 + varint64Size(batch.firstSequenceId) + varint64Size(batch.publishTime);
  if (compression !== "none") size += 2;
  size += 1 + varintSize(plainBytes);
  if (messages.length === 1) {
    size += ownSize(first, ALONE);
    if (first.deliverAt !== undefined) size += 2 + varint64Size(first.deliverAt);
  } else {
    size += 1 + varintSize(messages.length) + 2 + varint64Size(batch.lastSequenceId);
    if (batch.sharedKey) size += ownSize(keysOf(first), ALONE);
  }
  return size;
}

function writeMetadata(into: Buffer, at: number, batch: Batch, plainBytes: number): number {
  const { messages, compression } = batch;
  const first = messages[0]!;
  let pos = writeText(into, at, 1, batch.producerName);
  pos = writeVarint64(into, writeVarint(into, pos, 2 * 8), batch.firstSequenceId);
  pos = writeVarint64(into, writeVarint(into, pos, 3 * 8), batch.publishTime);
  if (compression !== "none") pos = writeVarint(into, writeVarint(into, pos, 8 * 8), COMPRESSION_NUMBER[compression]);
  pos = writeVarint(into, writeVarint(into, pos, 9 * 8), plainBytes);
  if (messages.length === 1) {
    pos = writeOwn(into, pos, first, ALONE);
    if (first.deliverAt === undefined) return pos;
    return writeVarint64(into, writeVarint(into, pos, 19 * 8), first.deliverAt);
  }
  pos = writeVarint(into, writeVarint(into, pos, 11 * 8), messages.length);
  if (batch.sharedKey) pos = writeOwn(into, pos, keysOf(first), ALONE);
  return writeVarint64(into, writeVarint(into, pos, 24 * 8), batch.lastSequenceId);
}

const keysOf = ({ key, orderingKey }: OutgoingMessage): OutgoingMessage => ({
  data: EMPTY,
  ...(key === undefined ? {} : { key }),
  ...(orderingKey === undefined ? {} : { orderingKey }),
});
