/** The writers of this process: one a partition, made with its first append. */
import { type AppendCall, AppendCalls, isPacked } from "@distribution/broker-common";
import type { Appended, PartitionWrite } from "@distribution/core/brokers";
import { DistributionError, fieldError, toDistributionError } from "@distribution/core/errors";
import type { Topic } from "../admin/properties.ts";
import type { Topics } from "../admin/topics.ts";
import { failureOf } from "../failures.ts";
import { partitionUrl } from "../names.ts";
import type { Settings } from "../options.ts";
import type { PulsarPort } from "../port.ts";
import type { Ends } from "../read/ends.ts";
import { createWriter, type Writer } from "./writer.ts";

export interface Writers {
  append(writes: readonly PartitionWrite[]): Promise<readonly Appended[]>;
  /** Why appends wait for unusually long; undefined: they do not. */
  readonly stuck: string | undefined;
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

export function createWriters({ settings, port, topics, ends, ready }: WritersOptions): Writers {
  const written = new Map<string, Written>();
  const { runtime, maxQueuedBytes, appendTimeoutMs } = settings;
  const calls = new AppendCalls({
    ...{ runtime, maxQueuedBytes, engine: "Pulsar", timeoutMs: appendTimeoutMs },
    late({ waitsFor: { topic, partition } }) {
      const why = written.get(topic)?.partitions.get(partition)?.trouble ?? "no answer";
      const what = `${topic}/${partition} was not confirmed within ${appendTimeoutMs} ms (appendTimeoutMs): ${why}`;
      return new DistributionError("unavailable", `${what.replace(/\.$/, "")}. Append again.`);
    },
  });

  const open = (topic: Topic, partition: number, counts: Written): Writer => {
    const { name, compaction } = topic.config;
    const batches = compaction || settings.recordsOf(name) !== "packed";
    return createWriter({
      name: `${name}/${partition}`,
      form: compaction ? "compacted" : settings.recordsOf(name),
      runtime: settings.runtime,
      maxMessageBytes: settings.maxBatchBytes,
      maxInFlightBytes: settings.maxInFlightBytes,
      open: () =>
        port.produce({
          topic: partitionUrl(settings, name, partition),
          batches,
          compression: settings.compression,
        }),
      epochNow: async () => (await topics.stored(name, partition)).epoch,
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

  /** All of a call's writes on their way in one turn; false when something has to be asked before. */
  const place = (call: AppendCall, writes: readonly PartitionWrite[]): boolean => {
    const places: Writer[] = [];
    for (const { topic: name, partition } of writes) {
      const topic = topics.seen(name);
      if (topic === undefined || !Number.isInteger(partition)) return false;
      if (partition < 0 || partition >= topic.config.partitions) return false;
      places.push(writerOf(topic, partition));
    }
    for (const [at, writer] of places.entries()) writer.write(writes[at]!.batch, call, at);
    return true;
  };

  /** By topic: the last call that asks about it. Those after it wait, so that calls keep their order. */
  const asking = new Map<string, Promise<unknown>>();

  const placeLater = async (call: AppendCall, writes: readonly PartitionWrite[]): Promise<void> => {
    const names = [...new Set(writes.map(({ topic }) => topic))];
    const before = Promise.all(names.map((name) => asking.get(name)));
    const placing = before.then(async () => {
      await ready();
      for (const { topic, partition } of writes) await topics.partition(topic, partition);
      return call.dropped || place(call, writes);
    });
    const settled = placing.catch(() => undefined);
    for (const name of names) asking.set(name, settled);
    const isPlaced = await placing.finally(() => {
      for (const name of names) if (asking.get(name) === settled) asking.delete(name);
    });
    if (!isPlaced) throw new DistributionError("unavailable", "A topic of the append is being changed. Append again.");
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
      const call = calls.begin(writes, bytes);
      if (!isKnown(writes) || !place(call, writes)) {
        const { topic, partition } = writes[0]!;
        placeLater(call, writes).catch((failure: unknown) =>
          call.giveUp(toDistributionError(failureOf(failure, `${topic}/${partition} was not appended to`))),
        );
      }
      return call.answer;
    },
    get stuck() {
      return calls.stuck(() => {
        const writers = [...written.values()].flatMap(({ partitions }) => [...partitions.values()]);
        return writers.find(({ trouble }) => trouble !== undefined)?.trouble;
      });
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
      await calls.idle();
      const all = [...written.values()].flatMap(({ partitions }) => [...partitions.values()]);
      await Promise.all(all.map((writer) => writer.close()));
    },
  };
}
