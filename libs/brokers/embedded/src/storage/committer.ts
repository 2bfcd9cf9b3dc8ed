/**
 * Group commit: one transaction is on its way to disk at a time, and what arrives meanwhile goes into the next one together.
 * Work is staged only when its transaction is built, so a failed transaction leaves nothing to take back:
 * offsets it would have given are given again.
 */
import { Fifo } from "@distribution/collections";
import { DistributionError } from "@distribution/core/errors";
import type { Runtime } from "@distribution/core/runtime";
import type { Partition } from "../log/partition.ts";
import type { Space } from "./space.ts";
import { type Store, storeFailure } from "./store.ts";

/** What is being written together. */
export interface Transaction {
  readonly store: Store;
  /** To be called before a partition's `staged` is read or changed; the partition's state is written with the rest. */
  touch(partition: Partition): void;
}

export interface Work {
  /** Bytes it adds to the file. */
  readonly bytes: number;
  /** Whether it is publishers' work, which stops before the disk is full. */
  readonly append: boolean;
  /** Writes with the store's `put` and `remove`. A throw fails this work alone: nothing may be written before it. */
  stage(transaction: Transaction): void;
  /** Durable; in the order of staging. */
  committed(): void;
  failed(error: DistributionError): void;
}

export interface CommitterOptions {
  readonly store: Store;
  readonly space: Space;
  readonly runtime: Runtime;
  readonly directory: string;
  readonly maxTransactionBytes: number;
  /** Bytes that the logs hold, transactions on their way included. */
  liveBytes(): number;
  /** Told with each append, and by `reviewSpace`: why publishers are refused, undefined when they are not. */
  onSpace(refused: string | undefined): void;
}

export interface Committer {
  /** Bytes of work that is not durable yet. */
  readonly queuedBytes: number;
  enqueue(work: Work): void;
  /** Writes something small of the broker's own; resolves when durable. */
  run(bytes: number, stage: (transaction: Transaction) => void): Promise<void>;
  /** Looks whether what was refused last for want of space would be taken now. Free while nothing is refused. */
  reviewSpace(): void;
  /** Finishes what was enqueued, and fails what comes later with `unavailable`: lmdb would not survive a write to a closed store. */
  close(): Promise<void>;
}

export function createCommitter(options: CommitterOptions): Committer {
  const { store, space, runtime, directory } = options;
  const queue = new Fifo<Work>();
  let queuedBytes = 0;
  let running = false;
  let closed = false;
  /** Of the append, or of the works together, that was refused last; undefined when what came last was taken. */
  let refusedBytes: number | undefined;
  const waiters: (() => void)[] = [];

  const enqueue = (work: Work): void => {
    if (closed) {
      work.failed(new DistributionError("unavailable", "The broker is closed. Open it again."));
      return;
    }
    queue.push(work);
    queuedBytes += work.bytes;
    if (running) return;
    running = true;
    void drain();
  };

  /** Never rejects: `settle` turns every failure into the answer of the work that it befell. */
  const drain = async (): Promise<void> => {
    while (queue.length > 0) {
      // Not at once: whoever else appends in this turn of the event loop shares the flush.
      await new Promise<void>((resolve) => runtime.timers.soon(resolve));
      await settle(takeWorks());
    }
    running = false;
    for (const resolve of waiters.splice(0)) resolve();
  };

  const takeWorks = (): Work[] => {
    const works: Work[] = [];
    let bytes = 0;
    while (queue.length > 0 && (works.length === 0 || bytes + queue.at(0)!.bytes <= options.maxTransactionBytes)) {
      const work = queue.shift()!;
      works.push(work);
      bytes += work.bytes;
    }
    return works;
  };

  const settle = async (works: readonly Work[]): Promise<void> => {
    const admitted = new Set(admit(works));
    const touched = new Set<Partition>();
    try {
      if (admitted.size > 0) await commit(admitted, touched);
      for (const partition of touched) partition.promote();
      for (const work of admitted) work.committed();
      for (const partition of touched) partition.announce();
    } catch (failure) {
      for (const partition of touched) partition.revert();
      const error = await storeFailure(failure, directory);
      if (error.code === "storage_full") options.onSpace(error.message);
      for (const work of admitted) work.failed(error);
    }
    for (const work of works) queuedBytes -= work.bytes;
  };

  const tellSpace = (refused: string | undefined, bytes: number): void => {
    refusedBytes = refused === undefined ? undefined : bytes;
    options.onSpace(refused);
  };

  /** Those for which there is room; the others are failed. */
  const admit = (works: readonly Work[]): Work[] => {
    let total = 0;
    for (const work of works) total += work.bytes;
    const refusedAny = space.refuseAny(total);
    if (refusedAny !== undefined) {
      tellSpace(refusedAny, total);
      for (const work of works) work.failed(storageFull(refusedAny));
      return [];
    }
    const admitted: Work[] = [];
    const live = options.liveBytes();
    let appended = 0;
    // Once for all of them, as a rule; one by one only when that is too much.
    const refusedAll = space.refuseAppend(total, live);
    for (const work of works) {
      const refused =
        work.append && refusedAll !== undefined ? space.refuseAppend(appended + work.bytes, live) : undefined;
      if (work.append) tellSpace(refused, work.bytes);
      if (refused !== undefined) work.failed(storageFull(refused));
      else {
        admitted.push(work);
        if (work.append) appended += work.bytes;
      }
    }
    return admitted;
  };

  /** Work that fails alone is taken out of `works`. */
  const commit = (works: Set<Work>, touched: Set<Partition>): Promise<boolean> => {
    const transaction: Transaction = {
      store,
      touch(partition) {
        if (!touched.has(partition)) {
          touched.add(partition);
          partition.begin();
        }
      },
    };
    return store.log.batch(() => {
      for (const work of works) {
        try {
          work.stage(transaction);
        } catch (failure) {
          works.delete(work);
          work.failed(failure instanceof DistributionError ? failure : stagingFailure(failure));
        }
      }
      for (const partition of touched) void store.partitions.put(partition.id, partition.encodeStaged());
    });
  };

  return {
    get queuedBytes() {
      return queuedBytes;
    },
    enqueue,
    run: (bytes, stage) =>
      new Promise((resolve, reject) => enqueue({ bytes, append: false, stage, committed: resolve, failed: reject })),
    reviewSpace() {
      if (refusedBytes === undefined) return;
      const refused = space.refuseAny(refusedBytes) ?? space.refuseAppend(refusedBytes, options.liveBytes());
      tellSpace(refused, refusedBytes);
    },
    async close() {
      closed = true;
      if (running) await new Promise<void>((resolve) => waiters.push(resolve));
    },
  };
}

const storageFull = (reason: string): DistributionError =>
  new DistributionError("storage_full", `The log cannot grow: ${reason}.`);

const stagingFailure = (cause: unknown): DistributionError =>
  new DistributionError("internal", "The write could not be prepared.", { cause });
