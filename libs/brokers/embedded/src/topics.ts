/** The topics of a data folder: checked, created, changed, grown and deleted, one change at a time. */

import { checkTopicConfig } from "@distribution/broker-common";
import type { TopicConfig } from "@distribution/core/brokers";
import { DistributionError, fieldError } from "@distribution/core/errors";
import type { Runtime } from "@distribution/core/runtime";
import { decodeState, emptyState, Partition } from "./log/partition.ts";
import type { RecentBatches } from "./log/recent.ts";
import type { Committer, Transaction } from "./storage/committer.ts";
import { recordKeys, type Store } from "./storage/store.ts";

export interface Topic {
  readonly config: TopicConfig;
  readonly partitions: readonly Partition[];
}

export interface Topics {
  list(): readonly Topic[];
  find(name: string): Topic | undefined;
  /** Throws `unknown_topic`. */
  get(name: string): Topic;
  /** Throws `unknown_topic`, `invalid_request`. */
  partition(name: string, index: number): Partition;
  ensure(config: TopicConfig): Promise<void>;
  delete(name: string): Promise<void>;
  /** Goes on with deletions that an earlier process did not finish. */
  clean(): Promise<void>;
  /** Waits for the change that runs; a deletion stops where it is, to be gone on with later. */
  close(): Promise<void>;
}

export interface TopicsOptions {
  readonly store: Store;
  readonly committer: Committer;
  readonly recents: RecentBatches;
  readonly runtime: Runtime;
  /** Told after a topic was created, changed or deleted. */
  onChange(name: string): void;
}

/** As stored. */
interface StoredTopic extends Omit<TopicConfig, "partitions" | "name"> {
  readonly partitions: readonly { readonly id: number; readonly epoch: string }[];
}

const NEXT_ID = "next-partition-id";
/** Ids of partitions whose records are being deleted. */
const GARBAGE = "garbage";
/** Records deleted by one transaction. */
const DELETE_CHUNK = 1000;
const TOPIC_BYTES = 64 * 1024;

export function createTopics(options: TopicsOptions): Topics {
  const { store, committer, recents, runtime } = options;
  const topics = new Map<string, Topic>();
  let turn: Promise<void> = Promise.resolve();
  let closed = false;

  for (const { key, value } of store.topics.getRange())
    topics.set(key, load(key, value as StoredTopic, store, recents));

  const get = (name: string): Topic => {
    const topic = topics.get(name);
    if (topic === undefined) {
      throw fieldError(
        "unknown_topic",
        "topic",
        `no topic is named ${JSON.stringify(name)}; create it with ensureTopic`,
      );
    }
    return topic;
  };

  /** One change at a time: each begins with what the one before left. */
  const exclusive = (change: () => Promise<void>): Promise<void> => {
    const run = turn.then(change);
    turn = run.catch(() => undefined);
    return run;
  };

  const save = (transaction: Transaction, config: TopicConfig, partitions: readonly Partition[]): void => {
    const { name, retention, compaction } = config;
    const stored: StoredTopic = {
      retention,
      compaction,
      partitions: partitions.map(({ id, epoch }) => ({ id, epoch })),
    };
    void transaction.store.topics.put(name, stored);
  };

  const ensure = async (config: TopicConfig): Promise<void> => {
    const before = topics.get(config.name);
    const had = before?.partitions.length ?? 0;
    if (config.partitions < had) {
      throw fieldError(
        "invalid_request",
        "partitions",
        `the topic has ${had} and may not shrink to ${config.partitions}`,
      );
    }
    if (before !== undefined && sameConfig(before.config, config)) return;
    const firstId = (store.meta.get(NEXT_ID) as number | undefined) ?? 1;
    const partitions = [...(before?.partitions ?? [])];
    for (let index = had; index < config.partitions; index += 1) {
      const epoch = Buffer.from(runtime.random.bytes(12)).toString("base64url");
      const place = { id: firstId + index - had, topic: config.name, index, epoch };
      partitions.push(new Partition(place, emptyState(), recents));
    }
    await committer.run(TOPIC_BYTES, (transaction) => {
      save(transaction, config, partitions);
      void store.meta.put(NEXT_ID, firstId + config.partitions - had);
      for (const partition of partitions.slice(had)) void store.partitions.put(partition.id, partition.encodeStaged());
    });
    topics.set(config.name, { config, partitions });
    options.onChange(config.name);
  };

  const remove = async (name: string): Promise<void> => {
    const { partitions } = get(name);
    const ids = new Set(partitions.map(({ id }) => id));
    const garbage = [...readGarbage(), ...ids];
    const settled = [...store.groups.getKeys()].filter((key) => ids.has(key[1] as number));
    await committer.run(TOPIC_BYTES, () => {
      void store.topics.remove(name);
      void store.meta.put(GARBAGE, garbage);
      for (const id of ids) void store.partitions.remove(id);
      for (const key of settled) void store.groups.remove(key);
    });
    topics.delete(name);
    const reason = new DistributionError("unknown_topic", `The topic ${name} was deleted.`);
    for (const partition of partitions) partition.refuse(reason);
    options.onChange(name);
    await clean();
  };

  const readGarbage = (): number[] => (store.meta.get(GARBAGE) as number[] | undefined) ?? [];

  const clean = async (): Promise<void> => {
    for (const id of readGarbage()) {
      let keys = recordKeys(store, id, DELETE_CHUNK);
      while (keys.length > 0) {
        if (closed) return;
        const chunk = keys;
        await committer.run(0, () => {
          for (const key of chunk) void store.log.remove(key);
        });
        keys = recordKeys(store, id, DELETE_CHUNK);
      }
      await committer.run(
        0,
        () =>
          void store.meta.put(
            GARBAGE,
            readGarbage().filter((other) => other !== id),
          ),
      );
    }
  };

  return {
    find: (name) => topics.get(name),
    list: () => [...topics.values()],
    get,
    partition(name, index) {
      const { partitions } = get(name);
      const partition = partitions[index];
      if (partition === undefined) {
        throw fieldError(
          "invalid_request",
          "partition",
          `${name} has the partitions 0 to ${partitions.length - 1}, not ${index}`,
        );
      }
      return partition;
    },
    async ensure(config) {
      const checked = checkTopicConfig(config);
      return exclusive(() => ensure(checked));
    },
    delete: (name) => exclusive(() => remove(name)),
    clean: () => exclusive(clean),
    async close() {
      closed = true;
      await turn;
    },
  };
}

function load(name: string, stored: StoredTopic, store: Store, recents: RecentBatches): Topic {
  const { retention, compaction } = stored;
  const partitions = stored.partitions.map(({ id, epoch }, index) => {
    const state = decodeState(store.partitions.get(id));
    const partition = new Partition({ id, topic: name, index, epoch }, state ?? emptyState(), recents);
    if (state === undefined) {
      partition.refuse(
        new DistributionError(
          "record_damaged",
          `What is stored about ${name}/${index} epoch ${epoch} fails its checksum: where the log ends is not known. Restore the data folder, or delete the topic.`,
        ),
      );
    }
    return partition;
  });
  return { config: { name, partitions: partitions.length, retention, compaction }, partitions };
}

const sameConfig = (a: TopicConfig, b: TopicConfig): boolean =>
  a.partitions === b.partitions &&
  a.compaction === b.compaction &&
  a.retention.ms === b.retention.ms &&
  a.retention.bytes === b.retention.bytes;
