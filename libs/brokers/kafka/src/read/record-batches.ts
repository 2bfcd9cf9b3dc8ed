/** Takes fetched record batches apart: checked, unpacked, without those that carry no events for us. */
import type { IncomingRecord } from "@distribution/broker-common";
import { compressionsAlgorithmsByBitmask } from "@platformatic/kafka";
import { checksum } from "../checksum.ts";
import type { AbortedTransaction } from "./fetch.ts";

export interface LogRecord extends IncomingRecord {
  readonly headers: readonly (readonly [name: string, value: Buffer | undefined])[];
  readonly value: Buffer | undefined;
  readonly key: Buffer | undefined;
  readonly offset: bigint;
  /** When it was appended, Unix ms. */
  readonly time: bigint;
}

export interface Walked {
  readonly records: readonly LogRecord[];
  /** Behind everything that was looked at. */
  readonly next: bigint;
  /** The leader epoch of the last batch; undefined when there was no whole one. */
  readonly leaderEpoch: number | undefined;
  /** The batch at `next` cannot be read. */
  readonly damage: string | undefined;
  /** Bytes of the batch at `next`, when it was cut off; 0 when nothing was. */
  readonly cutOff: number;
}

const HEAD_BYTES = 61;
/** Base offset and length, which are not counted by the length. */
const FRONT_BYTES = 12;
const COMPRESSION = 0x07;
const LOG_APPEND_TIME = 0x08;
const TRANSACTIONAL = 0x10;
const CONTROL = 0x20;
const ABORT_MARKER = 0;

/** Records from `from` on. Stops before what is damaged or cut off. */
export function walkBatches(bytes: Buffer, from: bigint, aborted: readonly AbortedTransaction[]): Walked {
  const records: LogRecord[] = [];
  const transactions = new Transactions(aborted);
  let next = from;
  let leaderEpoch: number | undefined;
  let at = 0;
  while (at + FRONT_BYTES <= bytes.length) {
    const end = at + FRONT_BYTES + bytes.readInt32BE(at + 8);
    const damage = end < at + HEAD_BYTES ? "has a length that no record batch has" : undefined;
    if (damage !== undefined) return { records, next, leaderEpoch, damage, cutOff: 0 };
    if (end > bytes.length) return { records, next, leaderEpoch, damage, cutOff: end - at };
    const batch = bytes.subarray(at, end);
    const why = readBatch(batch, next, transactions, records);
    if (why !== undefined) return { records, next, leaderEpoch, damage: why, cutOff: 0 };
    const behind = batch.readBigInt64BE(0) + BigInt(batch.readInt32BE(23)) + 1n;
    if (behind > next) next = behind;
    leaderEpoch = batch.readInt32BE(12);
    at = end;
  }
  return { records, next, leaderEpoch, damage: undefined, cutOff: at < bytes.length ? FRONT_BYTES : 0 };
}

/** Why the batch cannot be read; undefined: it was. */
function readBatch(batch: Buffer, from: bigint, transactions: Transactions, into: LogRecord[]): string | undefined {
  if (batch[16] !== 2) return `is of message format ${batch[16]}, which is not read; only 2 is (Kafka 0.11 and later)`;
  if (checksum(batch.subarray(21)) !== batch.readUInt32BE(17)) return "fails its checksum";
  const attributes = batch.readInt16BE(21);
  const base = batch.readBigInt64BE(0);
  const count = batch.readInt32BE(57);
  const producerId = batch.readBigInt64BE(43);
  const kept = into.length;
  try {
    const body = bodyOf(batch, attributes);
    if ((attributes & CONTROL) !== 0) {
      if (count > 0 && isAbort(body)) transactions.ended(producerId);
      return undefined;
    }
    transactions.reach(base + BigInt(batch.readInt32BE(23)));
    if ((attributes & TRANSACTIONAL) !== 0 && transactions.isAborted(producerId)) return undefined;
    const appendTime = (attributes & LOG_APPEND_TIME) !== 0;
    const reader = new RecordReader(body, base, batch.readBigInt64BE(appendTime ? 35 : 27), appendTime);
    for (let index = 0; index < count; index += 1) {
      const record = reader.next();
      if (record.offset >= from) into.push(record);
    }
    return undefined;
  } catch (failure) {
    into.length = kept;
    return `cannot be taken apart: ${failure instanceof Error ? failure.message : String(failure)}`;
  }
}

function bodyOf(batch: Buffer, attributes: number): Buffer {
  const body = batch.subarray(HEAD_BYTES);
  const algorithm = attributes & COMPRESSION;
  if (algorithm === 0) return body;
  const known = compressionsAlgorithmsByBitmask[algorithm];
  if (known === undefined) throw new Error(`its compression ${algorithm} is not known`);
  return known.decompressSync(body);
}

/** A control record's key: version, then what it says. */
function isAbort(body: Buffer): boolean {
  const { key } = new RecordReader(body, 0n, 0n, true).next();
  return key?.readInt16BE(2) === ABORT_MARKER;
}

/** Which producers' records are given up at this place of the log: as the answer lists them, until their end is passed. */
class Transactions {
  readonly #coming: AbortedTransaction[];
  readonly #open = new Set<bigint>();

  constructor(aborted: readonly AbortedTransaction[]) {
    this.#coming = [...aborted].sort((a, b) => (a.firstOffset < b.firstOffset ? 1 : -1));
  }

  reach(offset: bigint): void {
    while (this.#coming.length > 0 && this.#coming.at(-1)!.firstOffset <= offset) {
      this.#open.add(this.#coming.pop()!.producerId);
    }
  }

  isAborted(producerId: bigint): boolean {
    return this.#open.has(producerId);
  }

  ended(producerId: bigint): void {
    this.#open.delete(producerId);
  }
}

class RecordReader {
  readonly #bytes: Buffer;
  readonly #base: bigint;
  readonly #time: bigint;
  readonly #sameTime: boolean;
  #at = 0;

  /** `sameTime`: every record has the batch's; else each says how much later it is. */
  constructor(bytes: Buffer, base: bigint, time: bigint, sameTime: boolean) {
    this.#bytes = bytes;
    this.#base = base;
    this.#time = time;
    this.#sameTime = sameTime;
  }

  next(): LogRecord {
    const length = this.#varint();
    const end = this.#at + length;
    if (length < 0 || end > this.#bytes.length) throw new Error("a record reaches over its end");
    this.#at += 1;
    const later = this.#varint();
    const offset = this.#base + BigInt(this.#varint());
    const key = this.#slice();
    const value = this.#slice();
    const headers: [string, Buffer | undefined][] = [];
    for (let left = this.#varint(); left > 0; left -= 1) headers.push([this.#name(), this.#slice()]);
    if (this.#at !== end) throw new Error("a record does not end where it says");
    return { offset, time: this.#sameTime ? this.#time : this.#time + BigInt(later), key, value, headers };
  }

  #name(): string {
    const length = this.#varint();
    const start = this.#at;
    this.#at += length;
    if (length < 0 || this.#at > this.#bytes.length) throw new Error("a header reaches over the end");
    return this.#bytes.toString("utf8", start, this.#at);
  }

  #slice(): Buffer | undefined {
    const length = this.#varint();
    if (length < 0) return undefined;
    const start = this.#at;
    this.#at += length;
    if (this.#at > this.#bytes.length) throw new Error("a field reaches over the end");
    return this.#bytes.subarray(start, this.#at);
  }

  /** Zigzag; up to 53 bits, which only the distance of times could pass. */
  #varint(): number {
    let value = 0;
    let factor = 1;
    for (let size = 0; size < 10; size += 1) {
      const byte = this.#bytes[this.#at];
      if (byte === undefined) break;
      this.#at += 1;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
      factor *= 128;
    }
    throw new Error("a number reaches over the end");
  }
}
