/** Takes fetched record batches apart: checked, unpacked, without those that carry no events for us. */
import { AT, FRONT_BYTES, HEAD_BYTES, MAGIC } from "../batch-head.ts";
import { checksum } from "../checksum.ts";
import type { AbortedTransaction } from "./fetch.ts";
import { LogRecord, Walk } from "./record.ts";
import { unpack } from "./unpack.ts";

export interface Walked {
  readonly records: readonly LogRecord[];
  /** Behind everything that was looked at. */
  readonly next: bigint;
  /** The leader epoch of the last batch; undefined when there was no whole one. */
  readonly leaderEpoch: number | undefined;
  /** The batch at `next` cannot be read. */
  readonly damage: string | undefined;
  /** That batch, if it says where it ends. */
  readonly damaged: DamagedBatch | undefined;
  /** Bytes of the batch at `next`, when it was cut off; 0 when nothing was. */
  readonly cutOff: number;
}

/** What can be said of a batch that cannot be read. */
export interface DamagedBatch {
  readonly bytes: Buffer;
  /** Its last record's. */
  readonly last: bigint;
  /** Its newest record's, as it says, Unix ms. */
  readonly time: bigint;
}

const COMPRESSION = 0x07;
const LOG_APPEND_TIME = 0x08;
const TRANSACTIONAL = 0x10;
const CONTROL = 0x20;
const ABORT_MARKER = 0;

/** A batch has not more records, whatever it says. */
const MOST_RECORDS = 1 << 24;

/** Records from `from` on. Stops before what is damaged or cut off, and when it has unpacked `mostBytes`. */
export function walkBatches(
  bytes: Buffer,
  from: bigint,
  aborted: readonly AbortedTransaction[],
  mostBytes: number,
): Walked {
  const records: LogRecord[] = [];
  const transactions = new Transactions(aborted);
  let next = from;
  let leaderEpoch: number | undefined;
  let at = 0;
  let room = mostBytes;
  const walked = (rest: Partial<Walked> = {}): Walked => ({
    ...{ records, next, leaderEpoch, damage: undefined, damaged: undefined, cutOff: 0, ...rest },
  });
  while (at + FRONT_BYTES <= bytes.length) {
    const end = at + FRONT_BYTES + bytes.readInt32BE(at + AT.length);
    if (end < at + HEAD_BYTES) return walked({ damage: "has a length that no record batch has" });
    if (end > bytes.length) return walked({ cutOff: end - at });
    // What is unpacked together is bounded, too: the rest is asked for again.
    if (room <= 0) return walked();
    const batch = bytes.subarray(at, end);
    const read = readBatch(batch, next, transactions, records, mostBytes);
    if (typeof read === "string") return walked({ damage: read, damaged: damagedBatch(batch, next) });
    room -= read;
    const behind = batch.readBigInt64BE(AT.base) + BigInt(batch.readInt32BE(AT.last)) + 1n;
    if (behind > next) next = behind;
    leaderEpoch = batch.readInt32BE(AT.leaderEpoch);
    at = end;
  }
  return walked({ cutOff: at < bytes.length ? FRONT_BYTES : 0 });
}

function damagedBatch(bytes: Buffer, from: bigint): DamagedBatch | undefined {
  const more = bytes.readInt32BE(AT.last);
  const last = bytes.readBigInt64BE(AT.base) + BigInt(more);
  if (bytes[AT.magic] !== MAGIC || more < 0 || more > MOST_RECORDS || last < from) return undefined;
  return { bytes, last, time: bytes.readBigInt64BE(AT.maxTime) };
}

/** Why the batch cannot be read, or how many bytes it was unpacked to: 0 when it was not compressed. */
function readBatch(
  batch: Buffer,
  from: bigint,
  transactions: Transactions,
  into: LogRecord[],
  mostBytes: number,
): string | number {
  if (batch[AT.magic] !== MAGIC)
    return `is of message format ${batch[AT.magic]}, which is not read; only ${MAGIC} is (Kafka 0.11 and later)`;
  if (checksum(batch.subarray(AT.attributes)) !== batch.readUInt32BE(AT.crc)) return "fails its checksum";
  const attributes = batch.readInt16BE(AT.attributes);
  const base = batch.readBigInt64BE(AT.base);
  const count = batch.readInt32BE(AT.count);
  const producerId = batch.readBigInt64BE(AT.producer);
  const kept = into.length;
  try {
    const body = bodyOf(batch, attributes, mostBytes);
    const unpacked = (attributes & COMPRESSION) === 0 ? 0 : body.length;
    if ((attributes & CONTROL) !== 0) {
      if (count > 0 && isAbort(body)) transactions.ended(producerId);
      return unpacked;
    }
    transactions.reach(base + BigInt(batch.readInt32BE(AT.last)));
    if ((attributes & TRANSACTIONAL) !== 0 && transactions.isAborted(producerId)) return unpacked;
    const appendTime = (attributes & LOG_APPEND_TIME) !== 0;
    const time = batch.readBigInt64BE(appendTime ? AT.maxTime : AT.firstTime);
    const records = { bytes: body, offset: base, time, isSameTime: appendTime };
    const walk = new Walk().start(body, 0);
    const skipped = from > base ? Number(from - base) : 0;
    for (let index = 0; index < count; index += 1) {
      const record = new LogRecord(records, walk);
      if (record.place >= skipped) into.push(record);
    }
    return unpacked;
  } catch (failure) {
    into.length = kept;
    return `cannot be taken apart: ${failure instanceof Error ? failure.message : String(failure)}`;
  }
}

function bodyOf(batch: Buffer, attributes: number, mostBytes: number): Buffer {
  const body = batch.subarray(HEAD_BYTES);
  const algorithm = attributes & COMPRESSION;
  return algorithm === 0 ? body : unpack(algorithm, body, mostBytes);
}

/** A control record's key: version, then what it says. */
function isAbort(body: Buffer): boolean {
  const { key } = new LogRecord({ bytes: body, offset: 0n, time: 0n, isSameTime: true }, new Walk().start(body, 0));
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
