/** One write of an `append` on its way, cut into parts that fit a record batch, and what became of them. */
import {
  type AppendCall,
  KAFKA_BINDING,
  type OutgoingRecord,
  type RecordForm,
  toRecords,
} from "@distribution/broker-common";
import type { Appended, Stored } from "@distribution/core/brokers";
import type { DistributionError } from "@distribution/core/errors";
import type { PackedBatch } from "@distribution/core/events";
import { formatOffset } from "../offset.ts";
import { recordBytes } from "./record-batch.ts";

/** What goes into one record batch together: a packed batch, which may share a record with its neighbours, or whole records. */
export interface Part {
  readonly write: Write;
  /** Empty when `packed` is there. */
  readonly records: readonly OutgoingRecord[];
  readonly packed: PackedBatch | undefined;
  /** Encoded, before compression. */
  readonly bytes: number;
}

/** Where a part lies in its record batch. */
export interface Placement {
  /** Of its first record, counted from the batch's first. */
  readonly record: number;
  /** Packed: its first event among those of the record, and how many these are. */
  readonly first: number;
  readonly total: number;
}

/** Headers and key of a packed record, bytes. */
const PACKED_ROOM = 200;

/** Next to each other in one record. */
class Packed implements Appended {
  readonly epoch: string;
  readonly #record: bigint;
  readonly #first: number;
  readonly #total: number;

  constructor(epoch: string, record: bigint, { first, total }: Placement) {
    this.epoch = epoch;
    this.#record = record;
    this.#first = first;
    this.#total = total;
  }

  offsetAt(index: number): string {
    return formatOffset(this.#record, this.#first + index, this.#total);
  }
}

/** From event `first` on, records lie next to each other. */
interface Run {
  readonly first: number;
  readonly offset: bigint;
}

/** Each in a record of its own. */
class Single implements Stored {
  readonly epoch: string;
  readonly #runs: readonly Run[];
  readonly #count: number;

  constructor(epoch: string, runs: readonly Run[], count: number) {
    this.epoch = epoch;
    this.#runs = runs;
    this.#count = count;
  }

  has(index: number): boolean {
    return index < this.#count;
  }

  offsetAt(index: number): string {
    let run = this.#runs[0]!;
    for (let at = 1; at < this.#runs.length && this.#runs[at]!.first <= index; at += 1) run = this.#runs[at]!;
    return formatOffset(run.offset + BigInt(index - run.first), 0, 1);
  }
}

export class Write {
  readonly call: AppendCall;
  readonly parts: readonly Part[];
  readonly #at: number;
  readonly #runs: Run[] = [];
  #epoch = "";
  #placed = 0;
  #done = 0;
  #refused = false;

  /** `at`: which of the call's writes. */
  constructor(call: AppendCall, at: number, batch: PackedBatch, form: RecordForm, maxBytes: number) {
    this.call = call;
    this.#at = at;
    this.parts =
      form === "packed"
        ? [{ write: this, records: [], packed: batch, bytes: batch.bytes.length + PACKED_ROOM }]
        : this.#cut(toRecords(batch, form, KAFKA_BINDING), maxBytes);
  }

  /** Whether parts of it that wait are not to be sent any more. */
  get over(): boolean {
    return this.#refused || this.call.dropped;
  }

  /** The next part is refused for good; those behind it will not be sent. */
  refused(error: DistributionError): void {
    if (this.#refused) return;
    this.#refused = true;
    const stored = this.#placed === 0 ? undefined : new Single(this.#epoch, this.#runs, this.#placed);
    this.call.refused(this.#at, error, stored);
  }

  /** The next part is in the log, in the record batch that begins at `base`. Parts are sent in order. */
  placed({ packed, records }: Part, epoch: string, base: bigint, placement: Placement): void {
    const record = base + BigInt(placement.record);
    if (packed !== undefined) {
      this.call.done(this.#at, new Packed(epoch, record, placement));
      return;
    }
    this.#epoch = epoch;
    this.#runs.push({ first: this.#placed, offset: record });
    this.#placed += records.length;
    this.#done += 1;
    if (this.#done === this.parts.length) this.call.done(this.#at, new Single(epoch, this.#runs, this.#placed));
  }

  #cut(records: readonly OutgoingRecord[], maxBytes: number): Part[] {
    const parts: Part[] = [];
    const cut = (from: number, to: number, bytes: number): void => {
      parts.push({ write: this, records: records.slice(from, to), packed: undefined, bytes });
    };
    let from = 0;
    let bytes = 0;
    for (let at = 0; at < records.length; at += 1) {
      const size = recordBytes(records[at]!);
      if (at > from && bytes + size > maxBytes) {
        cut(from, at, bytes);
        from = at;
        bytes = 0;
      }
      bytes += size;
    }
    cut(from, records.length, bytes);
    return parts;
  }
}
