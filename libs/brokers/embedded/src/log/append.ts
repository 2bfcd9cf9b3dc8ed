/** An append as work of the group commit. */
import type { Appended } from "@distribution/core/brokers";
import type { DistributionError } from "@distribution/core/errors";
import type { PackedBatch } from "@distribution/core/events";
import type { Clock } from "@distribution/core/runtime";
import type { Transaction, Work } from "../storage/committer.ts";
import type { Partition } from "./partition.ts";
import { footprint, KEY_BYTES, writeRecord } from "./record.ts";
import { Stored } from "./stored.ts";

export interface CheckedWrite {
  readonly partition: Partition;
  readonly batch: PackedBatch;
}

/** Events next to each other, from `base` on. */
class Dense implements Appended {
  readonly epoch: string;
  readonly #base: number;

  constructor(epoch: string, base: number) {
    this.epoch = epoch;
    this.#base = base;
  }

  offsetAt(index: number): string {
    return String(this.#base + index);
  }
}

/** lmdb copies a key when it is put. */
const scratchKey = Buffer.alloc(KEY_BYTES);

export class AppendWork implements Work {
  readonly bytes: number;
  readonly append = true;
  readonly #writes: readonly CheckedWrite[];
  readonly #clock: Clock;
  readonly #resolve: (appended: readonly Appended[]) => void;
  readonly #reject: (error: DistributionError) => void;
  readonly #stored: Stored[] = [];

  constructor(
    writes: readonly CheckedWrite[],
    clock: Clock,
    resolve: (appended: readonly Appended[]) => void,
    reject: (error: DistributionError) => void,
  ) {
    this.#writes = writes;
    this.#clock = clock;
    this.#resolve = resolve;
    this.#reject = reject;
    let bytes = 0;
    for (const { batch } of writes) bytes += footprint(batch.bytes.length);
    this.bytes = bytes;
  }

  stage(transaction: Transaction): void {
    const wall = this.#clock.wallNs();
    for (const { partition } of this.#writes) partition.assertServed();
    for (const { partition, batch } of this.#writes) {
      transaction.touch(partition);
      const { staged } = partition;
      const appendedAt = wall > staged.appendedAt ? wall : staged.appendedAt;
      const stored = new Stored(partition.epoch, staged.end + 1, appendedAt, batch);
      const value = writeRecord(scratchKey, partition.id, stored);
      void transaction.store.log.put(scratchKey, value);
      staged.end += batch.count;
      staged.events += batch.count;
      staged.bytes += footprint(value.length);
      staged.appendedAt = appendedAt;
      this.#stored.push(stored);
    }
  }

  committed(): void {
    for (let write = 0; write < this.#stored.length; write += 1) {
      this.#writes[write]!.partition.remember(this.#stored[write]!);
    }
    this.#resolve(this.#stored.map(({ epoch, base }) => new Dense(epoch, base)));
  }

  failed(error: DistributionError): void {
    this.#reject(error);
  }
}
