/** All partitions of all topics of the service, read once each, however many subscribers there are. */
import type { Broker } from "../brokers/contract.ts";
import type { Logger, Metrics } from "../observability/index.ts";
import type { Runtime, Timer } from "../runtime/index.ts";
import type { TopicDefinition } from "../topics.ts";
import type { Checkpoints } from "./checkpoint.ts";
import { openPartitionTail, type PartitionTail, type Place } from "./partition-tail.ts";
import type { RingBatch } from "./ring.ts";

/**
 * One that throws keeps neither the tail nor other listeners from going on; it is logged by its name. One that throws
 * on events is told that they are lost, as it cannot say how far it came with them.
 */
export interface TailListener {
  /** For the log. */
  readonly name: string;
  /** What just came, in log order; never empty. */
  events(tail: PartitionTail, batches: readonly RingBatch[]): void;
  /** Nothing more will come between the two places. */
  lost(tail: PartitionTail, from: Place, to: Place): void;
  /** Its `trouble` came or went. */
  troubled?(tail: PartitionTail): void;
}

export interface Tail {
  /** One a partition, in order; empty for a topic that is not the service's. */
  partitions(topic: string): readonly PartitionTail[];
  readonly all: readonly PartitionTail[];
  /** Partitions that do not move although they should, with the reason. */
  troubles(): readonly string[];
  /** Listeners are called in the order they were added. */
  listen(listener: TailListener): void;
  /** Saves the tables and stops reading. */
  close(): Promise<void>;
}

export interface TailOptions {
  readonly broker: Broker;
  readonly topics: readonly TopicDefinition[];
  readonly runtime: Runtime;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly checkpoints?: Checkpoints | undefined;
  /** Milliseconds between two checkpoints of the tables. */
  readonly checkpointEveryMs?: number;
}

/**
 * Resolves when ring and table of every partition hold what was in the log at start, or as much of it as can be read:
 * `troubles` names the others. Rejects when the broker is away.
 */
export async function openTail(options: TailOptions): Promise<Tail> {
  const { broker, topics, runtime, logger, metrics, checkpoints, checkpointEveryMs = 30_000 } = options;
  const listeners = createListeners(logger);
  const byTopic = new Map<string, PartitionTail[]>();

  const open = async (topic: TopicDefinition): Promise<void> => {
    const counter = metrics.counter("distribution_tail_events_total", { topic: topic.name });
    const partitions = Array.from({ length: topic.partitions }, async (_, partition) =>
      openPartitionTail({
        broker,
        topic,
        partition,
        runtime,
        logger,
        seed: topic.table && (await checkpoints?.load(topic.name, partition)),
        onEvents: (tail, batches, from) => {
          for (const { stored } of batches) counter.value += stored.batch.count;
          listeners.events(tail, batches, from);
        },
        onLost: (tail, from, to) => {
          logger.error({ topic: topic.name, partition, from, to }, "The log lost events that were not read yet.");
          listeners.lost(tail, from, to);
        },
        onTrouble: listeners.troubled,
      }),
    );
    const results = await Promise.allSettled(partitions);
    const tails = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
    byTopic.set(topic.name, tails);
    for (const result of results) if (result.status === "rejected") throw result.reason;
    const sum = (read: (tail: PartitionTail) => number) => () => tails.reduce((total, tail) => total + read(tail), 0);
    metrics.gauge(
      "distribution_tail_stuck_partitions",
      { topic: topic.name },
      sum((tail) => (tail.trouble ? 1 : 0)),
    );
    metrics.gauge(
      "distribution_ring_bytes",
      { topic: topic.name },
      sum((tail) => tail.ring.bytes),
    );
    if (!topic.table) return;
    metrics.gauge(
      "distribution_table_keys",
      { topic: topic.name },
      sum((tail) => tail.table?.keys ?? 0),
    );
    metrics.gauge(
      "distribution_table_bytes",
      { topic: topic.name },
      sum((tail) => tail.table?.bytes ?? 0),
    );
  };

  const openings = await Promise.allSettled(topics.map(open));
  const all = [...byTopic.values()].flat();
  for (const opening of openings) {
    if (opening.status === "fulfilled") continue;
    await Promise.all(all.map((tail) => tail.close()));
    throw opening.reason;
  }
  await Promise.all(all.map((tail) => tail.caughtUp));

  const saved = new Map<PartitionTail, number>();
  const saveTables = async (): Promise<void> => {
    for (const tail of all) {
      const { number } = tail.head;
      if (!tail.table || saved.get(tail) === number) continue;
      try {
        await checkpoints?.save(tail);
        saved.set(tail, number);
      } catch (failure) {
        const { topic, partition } = tail;
        logger.warn(
          { err: failure, topic: topic.name, partition },
          "A table's checkpoint was not saved; a start now would read more of the log.",
        );
      }
    }
  };
  let saving: Promise<void> = Promise.resolve();
  const save = (): Promise<void> => {
    saving = saving.then(saveTables);
    return saving;
  };
  const timer: Timer | undefined = checkpoints && runtime.timers.every(checkpointEveryMs, () => void save());

  return {
    all,
    partitions: (topic) => byTopic.get(topic) ?? [],
    troubles: () =>
      all.filter((tail) => tail.trouble).map((tail) => `${tail.topic.name}/${tail.partition}: ${tail.trouble}`),
    listen: listeners.add,
    async close() {
      timer?.cancel();
      await Promise.all(all.map((tail) => tail.close()));
      await save();
    },
  };
}

/** Called in the order they were added, each on its own. */
function createListeners(logger: Logger) {
  const all: { readonly listener: TailListener; failures: number }[] = [];

  const failed = (entry: (typeof all)[number], tail: PartitionTail, failure: unknown): void => {
    entry.failures += 1;
    // At 1, 2, 4, 8 ...: one that fails on every batch must not flood the log.
    if (!Number.isInteger(Math.log2(entry.failures))) return;
    const { listener, failures } = entry;
    logger.error(
      { err: failure, listener: listener.name, topic: tail.topic.name, partition: tail.partition, failures },
      "A listener of the tail failed; the others go on.",
    );
  };
  const tellLost = (entry: (typeof all)[number], tail: PartitionTail, from: Place, to: Place): void => {
    try {
      entry.listener.lost(tail, from, to);
    } catch (failure) {
      failed(entry, tail, failure);
    }
  };

  return {
    add: (listener: TailListener): void => void all.push({ listener, failures: 0 }),
    events(tail: PartitionTail, batches: readonly RingBatch[], from: Place): void {
      for (const entry of all) {
        try {
          entry.listener.events(tail, batches);
        } catch (failure) {
          failed(entry, tail, failure);
          tellLost(entry, tail, from, tail.head);
        }
      }
    },
    lost(tail: PartitionTail, from: Place, to: Place): void {
      for (const entry of all) tellLost(entry, tail, from, to);
    },
    troubled(tail: PartitionTail): void {
      for (const entry of all) {
        try {
          entry.listener.troubled?.(tail);
        } catch (failure) {
          failed(entry, tail, failure);
        }
      }
    },
  };
}
