/** The broker's `append`: checks calls, cuts them into lanes in their order, and answers each in its own time. */
import { type AppendCall, AppendCalls, isPacked, type RecordForm } from "@distribution/broker-common";
import type { Appended, PartitionWrite } from "@distribution/core/brokers";
import { DistributionError, fieldError } from "@distribution/core/errors";
import type { Topics } from "../admin/topics.ts";
import { type Cluster, type KnownTopic, unknownPartition } from "../connection/cluster.ts";
import { unavailable } from "../connection/failures.ts";
import type { Density } from "../density.ts";
import { Write } from "./call.ts";
import { Lane } from "./lane.ts";
import { Sender } from "./sender.ts";

export interface Appender {
  append(writes: readonly PartitionWrite[]): Promise<readonly Appended[]>;
  /** Why appends wait for unusually long; undefined: they do not. */
  readonly stuck: string | undefined;
  /** Gets what the first append needs, so that it does not have to wait for it. */
  prepare(): void;
  /** The topic was changed: how its records are written is asked for anew. */
  forget(topic: string): void;
  /** Waits for what was appended, each within its time. */
  close(): Promise<void>;
}

export function createAppender(cluster: Cluster, topics: Topics, density: Density): Appender {
  const { runtime, maxQueuedBytes, maxBatchBytes, appendTimeoutMs, recordsOf } = cluster.settings;
  const sender = new Sender(cluster, density);
  const lanes = new Map<string, Lane>();
  const forms = new Map<string, RecordForm>();
  /** Calls that wait for news of a topic; later ones wait behind them, because calls keep their order. */
  let admission: Promise<void> | undefined;

  const late = (): DistributionError => {
    const why = cluster.problem ?? sender.trouble ?? "no answer";
    const what = `Kafka did not acknowledge within ${appendTimeoutMs} ms (appendTimeoutMs): ${why}.`;
    // Kafka has no word for a full disk: it takes the log's folder out of service.
    const full = why.startsWith("KAFKA_STORAGE_ERROR");
    return full ? new DistributionError("storage_full", `${what} Is a disk full?`) : unavailable(what);
  };

  const calls = new AppendCalls({ runtime, maxQueuedBytes, engine: "Kafka", timeoutMs: appendTimeoutMs, late });

  const laneOf = (topic: string, partition: number): Lane => {
    const key = `${topic}/${partition}`;
    let lane = lanes.get(key);
    if (lane === undefined) {
      lane = new Lane(topic, partition, maxBatchBytes);
      lanes.set(key, lane);
    }
    return lane;
  };

  /** What must be known before a write can be cut; undefined: it is. */
  const unknown = ({ topic, partition }: PartitionWrite): boolean =>
    !forms.has(topic) || cluster.known(topic)?.partitions[partition] === undefined;

  const formOf = async (topic: KnownTopic): Promise<void> => {
    const compacted = await topics.isCompacted(topic);
    forms.set(topic.name, compacted ? "compacted" : recordsOf(topic.name));
  };

  const learn = async (writes: readonly PartitionWrite[]): Promise<void> => {
    for (const write of writes) if (unknown(write)) await formOf(await cluster.partition(write.topic, write.partition));
  };

  const enqueue = (call: AppendCall, writes: readonly PartitionWrite[]): void => {
    const touched = new Set<Lane>();
    for (const [at, { topic, partition, batch }] of writes.entries()) {
      const lane = laneOf(topic, partition);
      lane.add(new Write(call, at, batch, forms.get(topic)!, maxBatchBytes).parts);
      touched.add(lane);
    }
    for (const lane of touched) sender.wake(lane);
  };

  const admit = (call: AppendCall, writes: readonly PartitionWrite[]): void => {
    if (admission === undefined && !writes.some(unknown)) {
      enqueue(call, writes);
      return;
    }
    const turn = (admission ?? Promise.resolve())
      .then(() => learn(writes))
      .then(
        () => {
          if (!call.dropped) enqueue(call, writes);
        },
        (failure: DistributionError) => call.giveUp(failure),
      )
      .then(() => {
        if (admission === turn) admission = undefined;
      });
    admission = turn;
  };

  return {
    async append(writes) {
      if (writes.length === 0) return [];
      let bytes = 0;
      for (const [at, write] of writes.entries()) {
        check(write, at, maxBatchBytes, cluster.known(write.topic));
        bytes += write.batch.bytes.length;
      }
      const call = calls.begin(writes, bytes);
      admit(call, writes);
      return call.answer;
    },
    get stuck() {
      return calls.stuck(() => sender.trouble);
    },
    prepare: () => sender.prepare(),
    forget: (topic) => void forms.delete(topic),
    async close() {
      await calls.idle();
      sender.close();
    },
  };
}

function check({ topic, partition, batch }: PartitionWrite, at: number, maxBytes: number, known?: KnownTopic): void {
  const path = `writes[${at}].batch`;
  if (!isPacked(batch))
    throw fieldError("invalid_request", path, "count, bounds and bytes do not fit together, or it is empty");
  if (batch.bytes.length > maxBytes) {
    const limit = `${batch.bytes.length} bytes are more than ${maxBytes} (maxBatchBytes)`;
    throw fieldError("batch_too_large", path, `${limit}; split it`);
  }
  if (Number.isInteger(partition) && partition >= 0) return;
  throw known === undefined
    ? fieldError("invalid_request", `writes[${at}].partition`, `${topic} has no partition ${partition}`)
    : unknownPartition(known, partition);
}
