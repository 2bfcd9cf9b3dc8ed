/** The events of one record, or a run of them, as the contract gives them out. */
import { cut } from "@distribution/broker-common";
import type { StoredBatch } from "@distribution/core/brokers";
import type { PackedBatch } from "@distribution/core/events";
import { formatOffset } from "../offset.ts";

export class LogBatch implements StoredBatch {
  readonly epoch: string;
  readonly batch: PackedBatch;
  readonly appendedAt: bigint;
  /** The record's offset. */
  readonly record: bigint;
  /** Of the record's events, the batch's first. */
  readonly first: number;
  /** Events in the whole record. */
  readonly total: number;

  constructor(epoch: string, record: bigint, appendedAt: bigint, batch: PackedBatch, first = 0, total = batch.count) {
    this.epoch = epoch;
    this.record = record;
    this.appendedAt = appendedAt;
    this.batch = batch;
    this.first = first;
    this.total = total;
  }

  offsetAt(index: number): string {
    return formatOffset(this.record, this.first + index, this.total);
  }

  /** Events `from` up to, not including, `to`, without copying their bytes. */
  cut(from: number, to: number): LogBatch {
    if (from === 0 && to === this.batch.count) return this;
    const { epoch, record, appendedAt, first, total } = this;
    return new LogBatch(epoch, record, appendedAt, cut(this.batch, from, to), first + from, total);
  }
}
