/** All partitions of all topics of the service, read once each, however many subscribers there are. */
import type { Broker } from "../brokers/contract.ts";
import type { Logger, Metrics } from "../observability/index.ts";
import { doneWithin, type Runtime, type Timer } from "../runtime/index.ts";
import type { TopicDefinition } from "../topics.ts";
import type { Checkpoints } from "./checkpoint.ts";
import { createGrowth, type Growth } from "./growth.ts";
import { openPartitionTail, type PartitionTail, type PartitionTailOptions, type Place } from "./partition-tail.ts";
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
  /** Its partition was added to the topic. It stands at its start, and nothing of it has come yet. */
  added?(tail: PartitionTail): void;
}

export interface Tail {
  /** One a partition, in order; empty for a topic that is not the service's. */
  partitions(topic: string): readonly PartitionTail[];
  /** Those that were added come last, in the order in which they were seen. */
  readonly all: readonly PartitionTail[];
  /** Partitions that do not move although they should, and those that were added and cannot be opened, with the reason. */
  troubles(): readonly string[];
  /**
   * Looks now for partitions that were added to the topic, as is done now and then anyway; resolves when they are there. Rejects with
   * what the broker rejects with.
   */
  look(topic: string): Promise<void>;
  /** Listeners are called in the order they were added. */
  listen(listener: TailListener): void;
  /** Saves the tables and stops reading. */
  close(): Promise<void>;
}

/** How long readers may take to let go when the tail closes, ms. */
const READERS_WITHIN_MS = 1_000;

export interface TailOptions {
  readonly broker: Broker;
  readonly topics: readonly TopicDefinition[];
  readonly runtime: Runtime;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly checkpoints?: Checkpoints | undefined;
  /** Milliseconds between two checkpoints of the tables. */
  readonly checkpointEveryMs?: number;
  /** Milliseconds between two looks for partitions that were added. Default 60,000. */
  readonly lookEveryMs?: number;
}

/**
 * Resolves when ring and table of every partition hold what was in the log at start, or as much of it as can be read:
 * `troubles` names the others. Rejects when the broker is away.
 */
export async function openTail(options: TailOptions): Promise<Tail> {
  const { broker, topics, runtime, logger, metrics, checkpoints, checkpointEveryMs = 30_000 } = options;
  const listeners = createListeners(logger);
  const byTopic = new Map<string, PartitionTail[]>();
  let growth: Growth | undefined;

  const openOne = (
    topic: TopicDefinition,
    partition: number,
    how: Pick<PartitionTailOptions, "seed" | "added" | "onOpen">,
  ): Promise<PartitionTail> => {
    const counter = metrics.counter("distribution_tail_events_total", { topic: topic.name });
    return openPartitionTail({
      ...{ broker, topic, partition, runtime, logger, ...how },
      onEvents: (tail, batches, from) => {
        for (const { stored } of batches) counter.value += stored.batch.count;
        listeners.events(tail, batches, from);
      },
      onLost: (tail, from, to) => {
        logger.error({ topic: topic.name, partition, from, to }, "The log lost events that were not read yet.");
        listeners.lost(tail, from, to);
      },
      onTrouble: listeners.troubled,
    });
  };

  const open = async (topic: TopicDefinition): Promise<void> => {
    const partitions = Array.from({ length: topic.partitions }, async (_, partition) =>
      openOne(topic, partition, { seed: topic.table && (await checkpoints?.load(topic.name, partition)) }),
    );
    const results = await Promise.allSettled(partitions);
    const tails = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
    byTopic.set(topic.name, tails);
    for (const result of results) if (result.status === "rejected") throw result.reason;
    const sum = (read: (tail: PartitionTail) => number) => () => tails.reduce((total, tail) => total + read(tail), 0);
    const inTrouble = sum((tail) => (tail.trouble ? 1 : 0));
    metrics.gauge(
      "distribution_tail_stuck_partitions",
      { topic: topic.name },
      () => inTrouble() + (growth?.missing(topic.name) ?? 0),
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

  growth = createGrowth({
    ...{ broker, topics, runtime, logger, everyMs: options.lookEveryMs ?? 60_000 },
    known: (topic) => byTopic.get(topic.name)!.length,
    async open(topic, partition) {
      const onOpen = (tail: PartitionTail): void => {
        byTopic.get(topic.name)!.push(tail);
        all.push(tail);
        listeners.added(tail);
      };
      await openOne(topic, partition, { added: true, onOpen });
    },
  });

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
    troubles: () => [
      ...all.filter((tail) => tail.trouble).map((tail) => `${tail.topic.name}/${tail.partition}: ${tail.trouble}`),
      ...growth.troubles(),
    ],
    look: growth.look,
    listen: listeners.add,
    async close() {
      timer?.cancel();
      const readers = growth.close().then(() => Promise.all(all.map((tail) => tail.close())));
      // A broker that does not answer must not keep the tables from being saved.
      await doneWithin(runtime, readers, READERS_WITHIN_MS);
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
  const tellOne = (entry: (typeof all)[number], tail: PartitionTail, what: (listener: TailListener) => void): void => {
    try {
      what(entry.listener);
    } catch (failure) {
      failed(entry, tail, failure);
    }
  };
  const tell = (tail: PartitionTail, what: (listener: TailListener) => void): void => {
    for (const entry of all) tellOne(entry, tail, what);
  };

  return {
    add: (listener: TailListener): void => void all.push({ listener, failures: 0 }),
    events(tail: PartitionTail, batches: readonly RingBatch[], from: Place): void {
      for (const entry of all) {
        try {
          entry.listener.events(tail, batches);
        } catch (failure) {
          failed(entry, tail, failure);
          tellOne(entry, tail, (listener) => listener.lost(tail, from, tail.head));
        }
      }
    },
    lost: (tail: PartitionTail, from: Place, to: Place): void =>
      tell(tail, (listener) => listener.lost(tail, from, to)),
    troubled: (tail: PartitionTail): void => tell(tail, (listener) => listener.troubled?.(tail)),
    added: (tail: PartitionTail): void => tell(tail, (listener) => listener.added?.(tail)),
  };
}
