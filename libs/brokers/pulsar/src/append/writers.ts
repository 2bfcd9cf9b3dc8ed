/** The writers of this process: one a partition, made with its first append. */
import { isPacked } from "@distribution/broker-common";
import type { Appended, PartitionWrite } from "@distribution/core/brokers";
import { DistributionError, fieldError } from "@distribution/core/errors";
import type { Topic } from "../admin/properties.ts";
import type { Topics } from "../admin/topics.ts";
import { partitionUrl } from "../names.ts";
import type { Settings } from "../options.ts";
import type { PulsarPort } from "../port.ts";
import type { Ends } from "../read/ends.ts";
import { createWriter, type Writer } from "./writer.ts";

export interface Writers {
  append(writes: readonly PartitionWrite[]): Promise<readonly Appended[]>;
  /** Events a message, on average, of what was written here; undefined when nothing was. */
  eventsPerEntry(topic: string): number | undefined;
  /** Refuses what waits for the topic, which is gone. */
  forget(topic: string): void;
  close(): Promise<void>;
}

export interface WritersOptions {
  readonly settings: Settings;
  readonly port: PulsarPort;
  readonly topics: Topics;
  readonly ends: Ends;
  /** Waits until Pulsar was reached. */
  ready(): Promise<void>;
}

interface Written {
  readonly partitions: Map<number, Writer>;
  entries: number;
  events: number;
}

/** How long a publisher waits before it tries again after its bytes found no room in the queue, ms. */
const RETRY_MS = 50;

export function createWriters({ settings, port, topics, ends, ready }: WritersOptions): Writers {
  const written = new Map<string, Written>();
  let queuedBytes = 0;

  const open = (topic: Topic, partition: number, counts: Written): Writer => {
    const { name, compaction } = topic.config;
    const batches = compaction || settings.recordsOf(name) !== "packed";
    return createWriter({
      name: `${name}/${partition}`,
      form: compaction ? "compacted" : settings.recordsOf(name),
      runtime: settings.runtime,
      maxMessageBytes: settings.maxBatchBytes,
      maxInFlightBytes: settings.maxInFlightBytes,
      timeoutMs: settings.appendTimeoutMs,
      open: () =>
        port.produce({
          topic: partitionUrl(settings, name, partition),
          ...{ batches, compression: settings.compression, timeoutMs: settings.appendTimeoutMs },
        }),
      epochNow: async () => (await topics.refresh(name)).epoch,
      onStored(place) {
        counts.entries += 1;
        counts.events += place.index;
        ends.learn(name, partition, { place, time: undefined });
      },
      onUnknownTopic: () => void topics.refresh(name).catch(() => undefined),
    });
  };

  const writerOf = (topic: Topic, partition: number): Writer => {
    const { name } = topic.config;
    let of = written.get(name);
    if (of === undefined) {
      of = { partitions: new Map(), entries: 0, events: 0 };
      written.set(name, of);
    }
    let writer = of.partitions.get(partition);
    if (writer === undefined) {
      writer = open(topic, partition, of);
      of.partitions.set(partition, writer);
    }
    return writer;
  };

  const check = ({ batch }: PartitionWrite, at: number): number => {
    const path = `writes[${at}].batch`;
    if (!isPacked(batch))
      throw fieldError("invalid_request", path, "count, bounds and bytes do not fit together, or it is empty");
    const { length } = batch.bytes;
    if (length <= settings.maxBatchBytes) return length;
    throw fieldError(
      "batch_too_large",
      path,
      `${length} bytes are more than ${settings.maxBatchBytes} (maxBatchBytes); split it`,
    );
  };

  /** All of a call's writes on their way in one turn; undefined when something has to be asked before. */
  const place = (writes: readonly PartitionWrite[]): Promise<readonly Appended[]> | undefined => {
    const places: Writer[] = [];
    for (const { topic: name, partition } of writes) {
      const topic = topics.seen(name);
      if (topic === undefined || !Number.isInteger(partition)) return undefined;
      if (partition < 0 || partition >= topic.config.partitions) return undefined;
      places.push(writerOf(topic, partition));
    }
    return Promise.all(places.map((writer, at) => writer.write(writes[at]!.batch)));
  };

  /** By topic: the last call that asks about it. Those after it wait, so that calls keep their order. */
  const asking = new Map<string, Promise<unknown>>();

  const placeLater = async (writes: readonly PartitionWrite[]): Promise<readonly Appended[]> => {
    const names = [...new Set(writes.map(({ topic }) => topic))];
    const before = Promise.all(names.map((name) => asking.get(name)));
    const placing = before.then(async () => {
      await ready();
      for (const { topic, partition } of writes) await topics.partition(topic, partition);
      // In an object, so that waiting ends with the placing.
      return { placed: place(writes) };
    });
    const settled = placing.catch(() => undefined);
    for (const name of names) asking.set(name, settled);
    const { placed } = await placing.finally(() => {
      for (const name of names) if (asking.get(name) === settled) asking.delete(name);
    });
    if (placed !== undefined) return placed;
    throw new DistributionError("unavailable", "A topic of the append is being changed. Append again.");
  };

  const isKnown = (writes: readonly PartitionWrite[]): boolean => {
    if (asking.size === 0) return true;
    return writes.every(({ topic }) => !asking.has(topic));
  };

  return {
    async append(writes) {
      if (writes.length === 0) return [];
      let bytes = 0;
      for (const [at, write] of writes.entries()) bytes += check(write, at);
      if (queuedBytes > 0 && queuedBytes + bytes > settings.maxQueuedBytes) {
        const limit = `${queuedBytes} of ${settings.maxQueuedBytes} bytes (maxQueuedBytes) wait for Pulsar`;
        throw new DistributionError("unavailable", `${limit}; append again shortly.`, { retryAfterMs: RETRY_MS });
      }
      queuedBytes += bytes;
      try {
        return await ((isKnown(writes) ? place(writes) : undefined) ?? placeLater(writes));
      } finally {
        queuedBytes -= bytes;
      }
    },
    eventsPerEntry(topic) {
      const of = written.get(topic);
      return of === undefined || of.entries === 0 ? undefined : of.events / of.entries;
    },
    forget(topic) {
      const of = written.get(topic);
      written.delete(topic);
      const reason = fieldError("unknown_topic", "topic", `${topic} was deleted; create it with ensureTopic`);
      for (const writer of of?.partitions.values() ?? []) writer.abandon(reason);
    },
    async close() {
      const all = [...written.values()].flatMap(({ partitions }) => [...partitions.values()]);
      await Promise.all(all.map((writer) => writer.close()));
    },
  };
}
