/** One record of a batch: where its parts lie. They are taken out when they are asked for, as most of them mostly are not. */
import type { IncomingRecord, LyingRecord } from "@distribution/broker-common";

/** What the records of a batch have in common. */
export interface RecordsOfBatch {
  /** All of them, unpacked. */
  readonly bytes: Buffer;
  /** Of the first record. */
  readonly offset: bigint;
  /** Of the first record, Unix ms. */
  readonly time: bigint;
  /** Every record has the batch's time; else each says how much later it is. */
  readonly isSameTime: boolean;
}

export class LogRecord implements IncomingRecord, LyingRecord {
  readonly batch: RecordsOfBatch;
  /** Its offset less the batch's. */
  readonly place: number;
  /** Its time less the batch's, ms. */
  readonly later: number;
  readonly keyFrom: number;
  readonly keyTo: number;
  readonly valueFrom: number;
  readonly valueTo: number;
  /** Where the number of headers is, and where the last one ends. */
  readonly headersFrom: number;
  readonly headersTo: number;

  /** Reads on from where `walk` is. Throws on what is no record. */
  constructor(batch: RecordsOfBatch, walk: Walk) {
    const end = walk.length("a record reaches over its end");
    walk.at += 1;
    this.batch = batch;
    const later = walk.varint();
    this.later = batch.isSameTime ? 0 : later;
    this.place = walk.varint();
    this.keyTo = walk.field();
    this.keyFrom = walk.from;
    this.valueTo = walk.field();
    this.valueFrom = walk.from;
    this.headersFrom = walk.at;
    for (let left = walk.varint(); left > 0; left -= 1) {
      walk.at = walk.length("a header reaches over the end");
      walk.field();
    }
    this.headersTo = walk.at;
    if (walk.at !== end) throw new Error("a record does not end where it says");
  }

  get offset(): bigint {
    return this.batch.offset + BigInt(this.place);
  }

  /** When it was appended, Unix ms. */
  get time(): bigint {
    return this.batch.time + BigInt(this.later);
  }

  get key(): Buffer | undefined {
    return this.keyFrom < 0 ? undefined : this.bytes.subarray(this.keyFrom, this.keyTo);
  }

  get value(): Buffer | undefined {
    return this.valueFrom < 0 ? undefined : this.bytes.subarray(this.valueFrom, this.valueTo);
  }

  get headers(): readonly (readonly [name: string, value: Buffer | undefined])[] {
    const { bytes } = this;
    const headers: [string, Buffer | undefined][] = [];
    WALK.start(bytes, this.headersFrom);
    for (let left = WALK.varint(); left > 0; left -= 1) {
      const nameTo = WALK.field();
      const name = bytes.toString("utf8", WALK.from, nameTo);
      const to = WALK.field();
      headers.push([name, WALK.from < 0 ? undefined : bytes.subarray(WALK.from, to)]);
    }
    return headers;
  }

  get bytes(): Buffer {
    return this.batch.bytes;
  }

  get headersSize(): number {
    return this.headersTo - this.headersFrom;
  }

  layHeaders(places: Int32Array): number {
    WALK.start(this.bytes, this.headersFrom);
    const count = WALK.varint();
    if (4 * count > places.length) return -1;
    for (let at = 0; at < 4 * count; at += 4) {
      places[at + 1] = WALK.field();
      places[at] = WALK.from;
      places[at + 3] = WALK.field();
      places[at + 2] = WALK.from;
    }
    return count;
  }
}

/** Walks over what records are made of. */
export class Walk {
  at = 0;
  /** Where the last field begins; -1: it is null. */
  from = 0;
  #bytes: Buffer = Buffer.alloc(0);

  start(bytes: Buffer, at: number): this {
    this.#bytes = bytes;
    this.at = at;
    return this;
  }

  /** Reads a length, and answers where what has it ends. Throws this when it has none, or ends behind everything. */
  length(otherwise: string): number {
    const length = this.varint();
    const end = this.at + length;
    if (length < 0 || end > this.#bytes.length) throw new Error(otherwise);
    return end;
  }

  /** Goes over a field, and answers where it ends. */
  field(): number {
    const length = this.varint();
    this.from = length < 0 ? -1 : this.at;
    if (length > 0) this.at += length;
    if (this.at > this.#bytes.length) throw new Error("a field reaches over the end");
    return this.at;
  }

  /** Zigzag; up to 53 bits, which only the distance of times could pass. */
  varint(): number {
    const first = this.#bytes[this.at]!;
    if (first < 0x80) {
      this.at += 1;
      return (first >>> 1) ^ -(first & 1);
    }
    let value = 0;
    let factor = 1;
    for (let size = 0; size < 10; size += 1) {
      const byte = this.#bytes[this.at];
      if (byte === undefined) break;
      this.at += 1;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
      factor *= 128;
    }
    throw new Error("a number reaches over the end");
  }
}

const WALK = new Walk();
