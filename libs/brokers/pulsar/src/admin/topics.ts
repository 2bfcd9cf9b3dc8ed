/** The topics of the namespace: known for a while, created, changed, grown, cut and deleted. */
import { checkTopicConfig } from "@distribution/broker-common";
import type { TopicConfig } from "@distribution/core/brokers";
import { DistributionError, fieldError } from "@distribution/core/errors";
import { pause } from "@distribution/core/runtime";
import { checkTopicName, partitionPath, topicOf, topicPath } from "../names.ts";
import { comparePlaces, type EntryId, type Place } from "../offset.ts";
import type { Settings } from "../options.ts";
import { COMPACTION_THRESHOLD, retentionPolicy, SNAPSHOT_INTERVAL_S } from "./config.ts";
import {
  adoptedProperties,
  changedProperties,
  firstLedgerProperty,
  firstProperties,
  floorProperty,
  type Properties,
  sameConfig,
  type Topic,
  topicFrom,
} from "./properties.ts";
import type { Rest } from "./rest.ts";
import { type InternalStats, type PartitionStats, statsOf } from "./stats.ts";

export interface Topics {
  /** As it was known at most `topicRefreshMs` ago. Throws `unknown_topic`, `unavailable`. */
  get(name: string): Promise<Topic>;
  /** As it is now. */
  refresh(name: string): Promise<Topic>;
  /** As last seen, without asking; undefined when it is not known. Begins to ask when that is too long ago. */
  seen(name: string): Topic | undefined;
  /** The same, and that it has the partition. Throws `invalid_request`. */
  partition(name: string, partition: number): Promise<Topic>;
  list(): Promise<readonly TopicConfig[]>;
  ensure(config: TopicConfig): Promise<void>;
  /** Hides everything up to the place. */
  cut(name: string, partition: number, floor: Place): Promise<void>;
  delete(name: string): Promise<void>;
  /** As it is now, after an event was stored in the partition: where its first one lies is kept before that is confirmed. */
  stored(name: string, partition: number): Promise<Topic>;
  /** Throws `unknown_topic` when the partition is not there. */
  stats(name: string, partition: number): Promise<PartitionStats>;
  /** The first entry of this time or later, Unix ms; the place of the next one when all are older. */
  entryAt(name: string, partition: number, time: bigint): Promise<EntryId>;
}

export interface TopicsOptions {
  readonly settings: Pick<Settings, "tenant" | "namespace" | "runtime" | "topicRefreshMs" | "adminTimeoutMs">;
  readonly rest: Rest;
  /** Told after a topic was seen to be gone, or to be another one of that name. */
  onGone(name: string, isReplaced: boolean): void;
  /** Told after a topic was seen with more partitions. */
  onGrown(name: string): void;
}

/** Partitioned metadata as the admin API has it. */
interface Metadata {
  readonly partitions: number;
  readonly properties?: Properties;
}

interface Known {
  readonly topic: Topic;
  readonly atMs: number;
}

const METADATA = "application/vnd.partitioned-topic-metadata+json";
const CONFLICT = 409;
const NOT_FOUND = 404;
const LIST_AT_A_TIME = 16;
const LOOK_EVERY_MS = 25;

export function createTopics({ settings, rest, onGone, onGrown }: TopicsOptions): Topics {
  const { runtime } = settings;
  const known = new Map<string, Known>();
  const asking = new Map<string, Promise<Topic>>();
  let turn: Promise<unknown> = Promise.resolve();

  /** One change at a time: each begins with what the one before left. */
  const exclusive = <T>(change: () => Promise<T>): Promise<T> => {
    const run = turn.then(change);
    turn = run.catch(() => undefined);
    return run;
  };

  const metadata = async (name: string): Promise<Metadata | undefined> => {
    const found = await rest.get<Metadata>(`${topicPath(settings, name)}/partitions`);
    return found === undefined || found.partitions === 0 ? undefined : found;
  };

  const learn = (name: string, topic: Topic | undefined): Topic => {
    const before = known.get(name)?.topic;
    if (topic === undefined) {
      known.delete(name);
      if (before !== undefined) onGone(name, false);
      throw unknown(name);
    }
    known.set(name, { topic, atMs: runtime.clock.monotonicMs() });
    if (before !== undefined && before.epoch !== topic.epoch) onGone(name, true);
    else if (before !== undefined && before.config.partitions < topic.config.partitions) onGrown(name);
    return topic;
  };

  const refresh = (name: string): Promise<Topic> => {
    const ask = async (): Promise<Topic> => {
      const found = isName(name) ? await metadata(name) : undefined;
      return learn(name, found && topicFrom(name, found.partitions, found.properties ?? {}));
    };
    const asked = ask().finally(() => {
      if (asking.get(name) === asked) asking.delete(name);
    });
    asking.set(name, asked);
    return asked;
  };

  const isFresh = ({ atMs }: Known): boolean => runtime.clock.monotonicMs() - atMs < settings.topicRefreshMs;

  const get = async (name: string): Promise<Topic> => {
    const had = known.get(name);
    return had !== undefined && isFresh(had) ? had.topic : (asking.get(name) ?? refresh(name));
  };

  const putProperties = (name: string, properties: Properties): Promise<unknown> =>
    rest.send("PUT", `${topicPath(settings, name)}/properties`, { body: properties });

  const create = async (config: TopicConfig): Promise<boolean> => {
    const epoch = Buffer.from(runtime.random.bytes(12)).toString("base64url");
    const properties = firstProperties(config, epoch, Number(runtime.clock.wallNs() / 1_000_000n));
    const { status } = await rest.send("PUT", `${topicPath(settings, config.name)}/partitions`, {
      ...{ body: { partitions: config.partitions, properties }, contentType: METADATA, also: [CONFLICT] },
    });
    return status !== CONFLICT;
  };

  const change = async (config: TopicConfig, had: Metadata): Promise<void> => {
    const { name, partitions } = config;
    const path = topicPath(settings, name);
    if (partitions < had.partitions) {
      const why = `the topic has ${had.partitions} and may not shrink to ${partitions}`;
      throw fieldError("invalid_request", "partitions", why);
    }
    if (partitions > had.partitions) await rest.send("POST", `${path}/partitions`, { body: partitions });
    const nowMs = Number(runtime.clock.wallNs() / 1_000_000n);
    const before = topicFrom(name, had.partitions, had.properties ?? {});
    if (before === undefined) {
      const epoch = Buffer.from(runtime.random.bytes(12)).toString("base64url");
      await putProperties(name, adoptedProperties(config, epoch, nowMs));
    } else if (!sameConfig(before.config, config)) {
      await putProperties(name, changedProperties(config, had.properties ?? {}, nowMs));
    }
  };

  /** Sets one policy of the topic where it is another one, and waits until the broker says so itself: they travel through a topic of their own. */
  const setPolicy = async (name: string, policy: string, value: unknown): Promise<boolean> => {
    const path = `${topicPath(settings, name)}/${policy}`;
    const isSet = async (): Promise<boolean> => same(await rest.get(path), value);
    if (await isSet()) return false;
    if (value === undefined) await rest.send("DELETE", path);
    else await rest.send("POST", path, { body: value });
    await until(isSet, `the policy ${policy} of ${name}`);
    return true;
  };

  const until = async (isSo: () => Promise<boolean>, what: string): Promise<void> => {
    const deadline = runtime.clock.monotonicMs() + settings.adminTimeoutMs;
    while (!(await isSo())) {
      if (runtime.clock.monotonicMs() >= deadline) {
        const limit = `within ${settings.adminTimeoutMs} ms (adminTimeoutMs)`;
        throw new DistributionError("unavailable", `Pulsar did not take over ${what} ${limit}. Try again.`);
      }
      await pause(runtime, LOOK_EVERY_MS);
    }
  };

  const ensure = async (config: TopicConfig): Promise<void> => {
    const { name, compaction } = config;
    const had = await metadata(name);
    const created = had === undefined && (await create(config));
    if (!created) await change(config, (await metadata(name)) ?? { partitions: 0 });
    await setPolicy(name, "retention", retentionPolicy(config));
    const fresh = await setPolicy(name, "deduplicationEnabled", true);
    await setPolicy(name, "deduplicationSnapshotInterval", SNAPSHOT_INTERVAL_S);
    await setPolicy(name, "compactionThreshold", compaction ? COMPACTION_THRESHOLD : undefined);
    if (fresh || created || config.partitions > (had?.partitions ?? 0)) {
      await until(() => deduplicates(config), `the deduplication of ${name}`);
    }
    await refresh(name);
  };

  const deduplicates = async ({ name, partitions }: TopicConfig): Promise<boolean> => {
    const path = `${topicPath(settings, name)}/partitioned-internalStats`;
    const found = (await rest.get<{ partitions: Record<string, InternalStats> }>(path))?.partitions ?? {};
    // Of every partition that is loaded.
    const all = Object.values(found).map(statsOf);
    return all.length >= partitions && all.every((one) => one.deduplicates);
  };

  const keepFirst = async (name: string, partition: number): Promise<Topic> => {
    const topic = await refresh(name);
    if (topic.firstLedgers.has(partition)) return topic;
    const first = (await stats(name, partition)).ledgers.find(({ entries }) => entries > 0n);
    if (first === undefined) return topic;
    await putProperties(name, firstLedgerProperty(partition, first.id));
    return refresh(name);
  };

  const stats = async (name: string, partition: number): Promise<PartitionStats> => {
    const raw = await rest.get<InternalStats>(`${partitionPath(settings, name, partition)}/internalStats`);
    if (raw === undefined) throw unknown(name);
    return statsOf(raw);
  };

  return {
    get,
    refresh,
    seen(name) {
      const had = known.get(name);
      if (had !== undefined && !isFresh(had) && !asking.has(name)) refresh(name).catch(() => undefined);
      return had?.topic;
    },
    async partition(name, partition) {
      const has = (topic: Topic): boolean =>
        Number.isInteger(partition) && partition >= 0 && partition < topic.config.partitions;
      let topic = await get(name);
      if (!has(topic)) topic = await refresh(name);
      if (has(topic)) return topic;
      const last = topic.config.partitions - 1;
      throw fieldError("invalid_request", "partition", `${name} has the partitions 0 to ${last}, not ${partition}`);
    },
    async list() {
      const path = topicPath(settings, "").replace(/\/$/, "");
      const names = ((await rest.get<string[]>(`${path}/partitioned`)) ?? []).flatMap(
        (url) => topicOf(settings, url) ?? [],
      );
      const found: TopicConfig[] = [];
      for (let at = 0; at < names.length; at += LIST_AT_A_TIME) {
        const some = names.slice(at, at + LIST_AT_A_TIME);
        const topics = await Promise.all(some.map((name) => refresh(name).catch(notUnknown)));
        for (const topic of topics) if (topic !== undefined) found.push(topic.config);
      }
      return found;
    },
    ensure: async (config) => {
      const checked = checkTopicConfig(config, checkTopicName);
      return exclusive(() => ensure(checked));
    },
    cut: (name, partition, floor) =>
      exclusive(async () => {
        const before = (await refresh(name)).floors.get(partition);
        if (before !== undefined && comparePlaces(floor, before) <= 0) return;
        await putProperties(name, floorProperty(partition, floor));
        await refresh(name);
      }),
    delete: (name) =>
      exclusive(async () => {
        await refresh(name);
        const path = `${topicPath(settings, name)}/partitions?force=true`;
        const { status } = await rest.send("DELETE", path, { also: [NOT_FOUND] });
        await until(async () => (await metadata(name)) === undefined, `the deletion of ${name}`);
        known.delete(name);
        onGone(name, false);
        if (status === NOT_FOUND) throw unknown(name);
      }),
    async stored(name, partition) {
      const topic = await refresh(name);
      return topic.firstLedgers.has(partition) ? topic : exclusive(() => keepFirst(name, partition));
    },
    stats,
    async entryAt(name, partition, time) {
      const path = `${partitionPath(settings, name, partition)}/messageid/${time}`;
      const found = await rest.get<{ ledgerId: string; entryId: string }>(path);
      if (found === undefined) throw unknown(name);
      return { ledger: BigInt(found.ledgerId), entry: BigInt(found.entryId) };
    },
  };
}

const isName = (name: unknown): name is string => typeof name === "string" && name !== "" && !name.includes("/");

const unknown = (name: string): DistributionError =>
  fieldError("unknown_topic", "topic", `no topic is named ${JSON.stringify(name)}; create it with ensureTopic`);

function notUnknown(failure: unknown): undefined {
  if (!(failure instanceof DistributionError && failure.code === "unknown_topic")) throw failure;
}

/** Whether a policy is this; the broker may say more than was set. */
function same(had: unknown, wanted: unknown): boolean {
  if (typeof wanted !== "object" || wanted === null) return (had ?? undefined) === wanted;
  if (typeof had !== "object" || had === null) return false;
  return Object.entries(wanted).every(([key, value]) => (had as Record<string, unknown>)[key] === value);
}
