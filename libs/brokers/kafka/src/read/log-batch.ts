/** Events of the log as the contract gives them out: of one record, or of a run of records with an event each. */
import { cut } from "@distribution/broker-common";
import type { StoredBatch } from "@distribution/core/brokers";
import type { PackedBatch } from "@distribution/core/events";
import { formatOffset } from "../offset.ts";

export abstract class LogBatch implements StoredBatch {
  readonly epoch: string;
  /** The first event's record. */
  readonly record: bigint;
  readonly appendedAt: bigint;
  readonly batch: PackedBatch;

  constructor(epoch: string, record: bigint, appendedAt: bigint, batch: PackedBatch) {
    this.epoch = epoch;
    this.record = record;
    this.appendedAt = appendedAt;
    this.batch = batch;
  }

  /** Records that its events lie in. */
  abstract readonly records: number;
  abstract offsetAt(index: number): string;
  /** Events `from` up to, not including, `to`, without copying their bytes. */
  abstract cut(from: number, to: number): LogBatch;

  /** What follows this event of the first record; undefined: nothing. */
  after(index: number): LogBatch | undefined {
    return index + 1 < this.batch.count ? this.cut(index + 1, this.batch.count) : undefined;
  }
}

/** Events of one record. */
export class RecordBatch extends LogBatch {
  readonly records = 1;
  /** Of the record's events, the batch's first. */
  readonly #first: number;
  /** Events in the whole record. */
  readonly #total: number;

  constructor(epoch: string, record: bigint, appendedAt: bigint, batch: PackedBatch, first = 0, total = batch.count) {
    super(epoch, record, appendedAt, batch);
    this.#first = first;
    this.#total = total;
  }

  offsetAt(index: number): string {
    return formatOffset(this.record, this.#first + index, this.#total);
  }

  cut(from: number, to: number): RecordBatch {
    if (from === 0 && to === this.batch.count) return this;
    const { epoch, record, appendedAt } = this;
    return new RecordBatch(epoch, record, appendedAt, cut(this.batch, from, to), this.#first + from, this.#total);
  }
}

/** The events of records that follow one another, one in each. */
export class RunBatch extends LogBatch {
  get records(): number {
    return this.batch.count;
  }

  offsetAt(index: number): string {
    return (this.record + BigInt(index)).toString();
  }

  cut(from: number, to: number): RunBatch {
    if (from === 0 && to === this.batch.count) return this;
    const { epoch, record, appendedAt } = this;
    return new RunBatch(epoch, record + BigInt(from), appendedAt, cut(this.batch, from, to));
  }

  override after(): LogBatch | undefined {
    return super.after(0);
  }
}
