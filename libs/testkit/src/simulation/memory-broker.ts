/**
 * A broker in memory, for simulations: keeps the laws of append and read in simulated time, and lets a simulation break things.
 * No groups, no compaction, and retention only when the simulation says so; nothing of it is for production.
 */

import {
  type Appended,
  AppendUnsettled,
  type Broker,
  type Stored as Kept,
  type PartitionInfo,
  type PartitionReader,
  type PartitionWrite,
  type ReadFrom,
  type StoredBatch,
  type TopicConfig,
} from "@distribution/core/brokers";
import { DistributionError } from "@distribution/core/errors";
import { type PackedBatch, selectEvents } from "@distribution/core/events";
import type { Runtime } from "@distribution/core/runtime";

export interface Faults {
  /** Milliseconds an append takes to be durable. */
  appendDelay(): number;
  /** Milliseconds until a reader sees what there is. */
  readDelay(): number;
  /** What the next append or read fails with, if it should; nothing of it then happened. */
  failure(operation: "append" | "read"): DistributionError | undefined;
  /** What becomes of an append that is rejected while it is not over; undefined: it is taken. Only without transactions. */
  doubt?(writes: number): Doubt | undefined;
}

/**
 * Of each write: in the log when the append is rejected, or its first half; in the log when the outcome is known; known not to be there
 * then; known at once not to be there. When all are known, it is a plain refusal.
 */
export type Fate = "stored" | "half" | "late" | "never" | "refused";

export interface Doubt {
  readonly fates: readonly Fate[];
  /** Milliseconds from the rejection until the outcome is known. */
  readonly knownAfter: number;
}

export interface MemoryBroker extends Broker {
  faults: Faults;
  /** Retention: the oldest events up to half of a partition go. */
  forget(topic: string, partition: number): void;
  /** The partition's history is lost: a new epoch begins. */
  lose(topic: string, partition: number): void;
}

export const NO_FAULTS: Faults = { appendDelay: () => 0, readDelay: () => 0, failure: () => undefined };

interface Partition {
  epoch: string;
  /** Offset of the first batch's first event. */
  first: number;
  next: number;
  batches: Stored[];
  wake: Set<() => void>;
  lastAppend: bigint;
  /** The end of the append before the next one. */
  turn: Promise<unknown>;
}

class Stored implements StoredBatch {
  readonly batch: PackedBatch;
  readonly epoch: string;
  readonly first: number;
  readonly appendedAt: bigint;

  constructor(batch: PackedBatch, epoch: string, first: number, appendedAt: bigint) {
    this.batch = batch;
    this.epoch = epoch;
    this.first = first;
    this.appendedAt = appendedAt;
  }

  offsetAt(index: number): string {
    return String(this.first + index);
  }

  get end(): number {
    return this.first + this.batch.count;
  }

  /** Without the events before the offset. */
  from(offset: number): Stored {
    const skip = offset - this.first;
    if (skip <= 0) return this;
    const rest = Array.from({ length: this.batch.count - skip }, (_, index) => skip + index);
    return new Stored(selectEvents(this.batch, rest), this.epoch, offset, this.appendedAt);
  }
}

export function createMemoryBroker(runtime: Runtime, { transactions = true } = {}): MemoryBroker {
  const topics = new Map<string, { config: TopicConfig; partitions: Partition[] }>();
  let epochs = 0;
  let queue: Promise<unknown> = Promise.resolve();
  let closed = false;

  const freshPartition = (): Partition => {
    epochs += 1;
    return {
      epoch: `e${epochs}`,
      first: 0,
      next: 0,
      batches: [],
      wake: new Set(),
      lastAppend: 0n,
      turn: Promise.resolve(),
    };
  };
  const topicOf = (name: string) => {
    const topic = topics.get(name);
    if (!topic) throw new DistributionError("unknown_topic", `There is no topic ${name}.`);
    return topic;
  };
  const partitionOf = (name: string, partition: number): Partition => {
    const found = topicOf(name).partitions[partition];
    if (!found) throw new DistributionError("invalid_request", `Topic ${name} has no partition ${partition}.`);
    return found;
  };
  const delay = (ms: number): Promise<void> => new Promise((resolve) => runtime.timers.after(ms, resolve));
  const wakeAll = (partition: Partition): void => {
    for (const wake of [...partition.wake]) wake();
  };

  const store = (target: Partition, batch: PackedBatch): Appended => {
    const now = runtime.clock.wallNs();
    if (now > target.lastAppend) target.lastAppend = now;
    const stored = new Stored(batch, target.epoch, target.next, target.lastAppend);
    target.batches.push(stored);
    target.next = stored.end;
    wakeAll(target);
    const { epoch, first } = stored;
    return { epoch, offsetAt: (at: number) => String(first + at) };
  };

  const append = async (
    writes: readonly PartitionWrite[],
    targets: readonly Partition[],
  ): Promise<readonly Appended[]> => {
    await delay(broker.faults.appendDelay());
    const failure = broker.faults.failure("append");
    if (failure) throw failure;
    const doubt = broker.faults.doubt?.(writes.length);
    if (doubt === undefined) return writes.map(({ batch }, at) => store(targets[at]!, batch));
    throw reject(doubt, writes, targets);
  };

  /** Stores what is to be there now, and the rest later. */
  const reject = (
    { fates, knownAfter }: Doubt,
    writes: readonly PartitionWrite[],
    targets: readonly Partition[],
  ): DistributionError => {
    const error = new DistributionError("unavailable", "simulated doubt");
    const place = (fate: Fate, now: Fate, at: number): Kept | undefined =>
      fate === now ? { ...store(targets[at]!, writes[at]!.batch), has: () => true } : undefined;
    const there = fates.map((fate, at) => place(fate, "stored", at) ?? halfOf(fate, writes[at]!.batch, targets[at]!));
    if (fates.every((fate) => fate === "refused")) return error;
    const settled = delay(knownAfter).then(() => fates.map((fate, at) => there[at] ?? place(fate, "late", at)));
    return new AppendUnsettled(error, settled);
  };

  const halfOf = (fate: Fate, batch: PackedBatch, target: Partition): Kept | undefined => {
    const count = Math.floor(batch.count / 2);
    if (fate !== "half" || count === 0) return undefined;
    const half = selectEvents(
      batch,
      Array.from({ length: count }, (_, index) => index),
    );
    return { ...store(target, half), has: (index) => index < count };
  };

  const broker: MemoryBroker = {
    name: "memory",
    faults: NO_FAULTS,
    capabilities: {
      transactions,
      groups: false,
      individualAck: false,
      delayedRedelivery: false,
      keyShared: false,
      nativeDeduplication: false,
      exactTruncation: true,
      compaction: false,
      maxBatchBytes: 16 * 1024 * 1024,
    },
    async append(writes) {
      // One after the other: the order of calls is the order in each log.
      const targets = writes.map(({ topic, partition }) => partitionOf(topic, partition));
      const result = Promise.all(targets.map(({ turn }) => turn)).then(() => append(writes, targets));
      const over = result.catch((failure: unknown) =>
        failure instanceof AppendUnsettled ? failure.settled : undefined,
      );
      for (const target of targets) target.turn = over;
      queue = Promise.all([queue, over]);
      return result;
    },
    async read(topic, partition, from) {
      const target = partitionOf(topic, partition);
      const failure = broker.faults.failure("read");
      if (failure) throw failure;
      return openReader(broker, runtime, target, from);
    },
    group: () => Promise.reject(new DistributionError("not_supported", "The memory broker has no groups.")),
    compareOffsets: (a, b) => offsetOf(a) - offsetOf(b),
    health: () => ({ ready: !closed, reasons: [] }),
    async close() {
      closed = true;
      await queue;
    },
    forget(topic, partition) {
      const target = partitionOf(topic, partition);
      const keep = target.batches.slice(Math.ceil(target.batches.length / 2));
      target.batches = keep;
      target.first = keep[0]?.first ?? target.next;
    },
    lose(topic, partition) {
      const target = partitionOf(topic, partition);
      epochs += 1;
      target.epoch = `e${epochs}`;
      target.batches = [];
      target.first = 0;
      target.next = 0;
      wakeAll(target);
    },
    admin: {
      async ensureTopic(config) {
        const known = topics.get(config.name);
        const partitions = known?.partitions ?? [];
        if (config.partitions < partitions.length) {
          throw new DistributionError(
            "invalid_request",
            `Topic ${config.name} has ${partitions.length} partitions; they can only grow.`,
          );
        }
        while (partitions.length < config.partitions) partitions.push(freshPartition());
        topics.set(config.name, { config, partitions });
      },
      topics: async () => [...topics.values()].map(({ config }) => config),
      partitions: async (topic) => topicOf(topic).partitions.map((each, partition) => infoOf(topic, partition, each)),
      lag: async () => [],
      async truncate({ topic, partition, offset }) {
        const target = partitionOf(topic, partition);
        target.first = Math.min(target.next, offsetOf(offset) + 1);
        target.batches = target.batches
          .filter((stored) => stored.end > target.first)
          .map((stored) => stored.from(target.first));
      },
      async deleteTopic(name) {
        topicOf(name);
        topics.delete(name);
      },
      maintain: async () => undefined,
    },
  };
  return broker;
}

const infoOf = (topic: string, partition: number, { epoch, first, next, batches }: Partition): PartitionInfo => ({
  topic,
  partition,
  epoch,
  start: String(first - 1),
  end: String(next - 1),
  whole: first === 0,
  bytes: batches.reduce((sum, { batch }) => sum + batch.bytes.length, 0),
  events: next - first,
});

function offsetOf(text: string): number {
  if (!/^(-1|\d{1,15})$/.test(text)) throw new DistributionError("invalid_request", `"${text}" is no offset.`);
  return Number(text);
}

function openReader(broker: MemoryBroker, runtime: Runtime, target: Partition, from: ReadFrom): PartitionReader {
  const { epoch } = target;
  let next = startOf(target, from);
  let closed = false;
  let wake: (() => void) | undefined;

  const gone = (): DistributionError => {
    closed = true;
    return new DistributionError("position_gone", `The log no longer has offset ${next} of epoch ${epoch}.`);
  };

  return {
    start: { epoch, offset: String(next - 1) },
    async next(maxBytes) {
      for (;;) {
        const delay = broker.faults.readDelay();
        if (delay > 0) await new Promise<void>((resolve) => runtime.timers.after(delay, resolve));
        if (closed) return [];
        const failure = broker.faults.failure("read");
        if (failure) throw failure;
        if (target.epoch !== epoch || next < target.first) throw gone();
        const found = take(target, next, maxBytes);
        if (found.length > 0) {
          next = found[found.length - 1]!.end;
          return found;
        }
        await new Promise<void>((resolve) => {
          wake = () => {
            target.wake.delete(wake!);
            resolve();
          };
          target.wake.add(wake);
        });
      }
    },
    async close() {
      closed = true;
      wake?.();
    },
  };
}

function startOf(target: Partition, from: ReadFrom): number {
  if ("after" in from) {
    const next = offsetOf(from.after.offset) + 1;
    if (from.after.epoch !== target.epoch || next < target.first || next > target.next) {
      throw new DistributionError(
        "position_gone",
        `The log has no position after ${from.after.offset} of epoch ${from.after.epoch}.`,
      );
    }
    return next;
  }
  if ("time" in from) return target.batches.find((stored) => stored.appendedAt >= from.time)?.first ?? target.next;
  return from.at === "earliest" ? target.first : target.next;
}

function take({ batches }: Partition, next: number, maxBytes: number): Stored[] {
  const found: Stored[] = [];
  let bytes = 0;
  for (const stored of batches) {
    if (stored.end <= next) continue;
    const part = stored.from(next);
    bytes += part.batch.bytes.length;
    if (found.length > 0 && bytes > maxBytes) break;
    found.push(part);
  }
  return found;
}
