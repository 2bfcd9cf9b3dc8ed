/** Puts stored events into a new batch and stamps each with the time of its ingest: the copy that ingest makes anyway. */
import { BATCH_TAG, type PackedBatch } from "./batch.ts";
import { lengthSize, WireReader, writeLength } from "./wire.ts";

/** Tag of Event.ingested. */
const INGESTED_TAG = 0x60;

/** The most that a stamp adds to a message: its tag and ten bytes of varint. */
const MAX_STAMP_BYTES = 11;

/** Below this a loop copies faster than a call into the runtime. Measured on Node 24. */
const LOOP_COPY_BYTES = 48;

export interface BatchWriterOptions {
  /** Room made at the start, bytes; it doubles as needed. Default 4096. */
  readonly initialBytes?: number;
}

/**
 * Collects events for one batch. `finish` gives the batch and leaves the writer empty, with buffers of its own, so that
 * one writer makes any number of batches and none shares memory with the next.
 */
export class BatchWriter {
  readonly #initialBytes: number;
  readonly #reader = new WireReader();
  #bytes: Buffer;
  #pos = 0;
  #bounds = new Uint32Array(128);
  #count = 0;
  #stampedNs = 0n;
  readonly #stamp = Buffer.alloc(MAX_STAMP_BYTES);
  #stampBytes = 0;

  constructor(options: BatchWriterOptions = {}) {
    this.#initialBytes = Math.max(64, options.initialBytes ?? 4096);
    this.#bytes = Buffer.allocUnsafeSlow(this.#initialBytes);
    this.#encodeStamp(0n);
  }

  /** Number of events since the last `finish`. */
  get count(): number {
    return this.#count;
  }

  /** Bytes of the batch so far. */
  get size(): number {
    return this.#pos;
  }

  /**
   * Appends the Event message at `bytes[start, end)` with `ingested` set to `ingestedNs` (Unix nanoseconds, int64).
   * `hasIngested` (see Envelope): false spares the search for an `ingested` that the message already carries.
   * Throws `invalid_event` when that search meets bytes that are no protobuf; the batch is then as before.
   */
  append(bytes: Uint8Array, start: number, end: number, ingestedNs: bigint, hasIngested = true): void {
    if (ingestedNs !== this.#stampedNs) this.#encodeStamp(ingestedNs);
    const old = hasIngested ? this.#ingestedBytes(bytes, start, end) : 0;
    const length = end - start - old + this.#stampBytes;
    this.#reserve(1 + lengthSize(length) + length);
    const target = this.#bytes;
    target[this.#pos] = BATCH_TAG;
    const messageStart = writeLength(target, this.#pos + 1, length);
    let pos = messageStart;
    if (old === 0) pos = copy(bytes, start, end, target, pos);
    else pos = this.#copyWithoutIngested(bytes, start, end, pos);
    pos = copy(this.#stamp, 0, this.#stampBytes, target, pos);
    if (2 * this.#count === this.#bounds.length) this.#growBounds();
    this.#bounds[2 * this.#count] = messageStart;
    this.#bounds[2 * this.#count + 1] = pos;
    this.#count += 1;
    this.#pos = pos;
  }

  /** The batch of everything appended since the last `finish`. At most a quarter of what it holds on to is unused. */
  finish(): PackedBatch {
    const used = this.#pos;
    const exact = used * 4 >= this.#bytes.length * 3;
    const batch: PackedBatch = {
      bytes: exact ? this.#bytes.subarray(0, used) : Uint8Array.prototype.slice.call(this.#bytes, 0, used),
      count: this.#count,
      bounds: this.#bounds.slice(0, 2 * this.#count),
    };
    // A buffer that was not given away may be written again.
    if (exact) this.#bytes = Buffer.allocUnsafeSlow(this.#initialBytes);
    this.#pos = 0;
    this.#count = 0;
    return batch;
  }

  #encodeStamp(ns: bigint): void {
    let rest = BigInt.asUintN(64, ns);
    let pos = 0;
    this.#stamp[pos++] = INGESTED_TAG;
    while (rest > 0x7fn) {
      this.#stamp[pos++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.#stamp[pos++] = Number(rest);
    this.#stampBytes = pos;
    this.#stampedNs = ns;
  }

  /** How many bytes of the message are `ingested` fields. */
  #ingestedBytes(bytes: Uint8Array, start: number, end: number): number {
    const reader = this.#reader;
    reader.open(bytes, start, end, this.#count);
    let found = 0;
    while (reader.pos < end) {
      const fieldStart = reader.pos;
      const tag = reader.tag();
      reader.skip(tag & 7);
      if (tag === INGESTED_TAG) found += reader.pos - fieldStart;
    }
    return found;
  }

  #copyWithoutIngested(bytes: Uint8Array, start: number, end: number, target: number): number {
    const reader = this.#reader;
    reader.open(bytes, start, end, this.#count);
    let pos = target;
    while (reader.pos < end) {
      const fieldStart = reader.pos;
      const tag = reader.tag();
      reader.skip(tag & 7);
      if (tag !== INGESTED_TAG) pos = copy(bytes, fieldStart, reader.pos, this.#bytes, pos);
    }
    return pos;
  }

  #reserve(size: number): void {
    const needed = this.#pos + size;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.length * 2));
    this.#bytes.copy(larger, 0, 0, this.#pos);
    this.#bytes = larger;
  }

  #growBounds(): void {
    const larger = new Uint32Array(this.#bounds.length * 2);
    larger.set(this.#bounds);
    this.#bounds = larger;
  }
}

function copy(source: Uint8Array, start: number, end: number, target: Buffer, at: number): number {
  const length = end - start;
  if (length <= LOOP_COPY_BYTES)
    for (let index = 0; index < length; index++) target[at + index] = source[start + index]!;
  else Buffer.prototype.copy.call(source, target, at, start, end);
  return at + length;
}
