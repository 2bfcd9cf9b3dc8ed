/** A batch with its place in the log: what append answers, what readers are given, what the newest batches are kept as. */

import { cut } from "@distribution/broker-common";
import type { StoredBatch } from "@distribution/core/brokers";
import type { PackedBatch } from "@distribution/core/events";

export class Stored implements StoredBatch {
  readonly epoch: string;
  readonly batch: PackedBatch;
  readonly appendedAt: bigint;
  /** Offset of the first event when dense; what `deltas` count from when sparse. */
  readonly base: number;
  /** Sparse batches, left by compaction: event i is at `base + deltas[i]`. Dense ones have none: event i is at `base + i`. */
  readonly deltas: Uint32Array | undefined;

  constructor(epoch: string, base: number, appendedAt: bigint, batch: PackedBatch, deltas?: Uint32Array) {
    this.epoch = epoch;
    this.base = base;
    this.appendedAt = appendedAt;
    this.batch = batch;
    this.deltas = deltas;
  }

  numberAt(index: number): number {
    return this.base + (this.deltas === undefined ? index : this.deltas[index]!);
  }

  offsetAt(index: number): string {
    return String(this.numberAt(index));
  }

  get last(): number {
    return this.numberAt(this.batch.count - 1);
  }

  /** The place of the first event at `offset` or after it; `count` when all are before. */
  placeOf(offset: number): number {
    const { deltas } = this;
    const { count } = this.batch;
    if (deltas === undefined) return Math.min(Math.max(offset - this.base, 0), count);
    let place = 0;
    while (place < count && this.base + deltas[place]! < offset) place += 1;
    return place;
  }

  /** Events `from` up to, not including, `to`, without copying their bytes. */
  cut(from: number, to: number): Stored {
    if (from === 0 && to === this.batch.count) return this;
    const batch = cut(this.batch, from, to);
    return this.deltas === undefined
      ? new Stored(this.epoch, this.base + from, this.appendedAt, batch)
      : new Stored(this.epoch, this.base, this.appendedAt, batch, this.deltas.subarray(from, to));
  }
}
