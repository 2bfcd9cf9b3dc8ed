/** The Kafka broker: the Broker contract on a Kafka cluster. */
import type {
  Broker,
  BrokerAdmin,
  BrokerHealth,
  ForeignReader,
  ForeignRecord,
  PartitionReader,
  ReadFrom,
} from "@distribution/core/brokers";
import { readPartitions, truncate } from "./admin/partitions.ts";
import { createTopics, type Topics } from "./admin/topics.ts";
import { type Appender, createAppender } from "./append/appender.ts";
import { KAFKA_CAPABILITIES } from "./capabilities.ts";
import { Cluster } from "./connection/cluster.ts";
import { unavailable } from "./connection/failures.ts";
import { createDensity, type Density } from "./density.ts";
import { createForeignGroups, type ForeignGroups } from "./groups/foreign.ts";
import { createGroups, type Groups } from "./groups/groups.ts";
import { readLag } from "./groups/lag.ts";
import { compareOffsets } from "./offset.ts";
import { type KafkaBrokerOptions, settingsOf } from "./options.ts";
import { createForeignGathering, createForeignReader, damagedRecord } from "./read/foreign.ts";
import { EventGathering } from "./read/gathering.ts";
import type { LogBatch } from "./read/log-batch.ts";
import { createPoller, type Poller } from "./read/poller.ts";
import { createReader } from "./read/reader.ts";
import { createSource, type PartitionPlace, type Source, type SourceOptions } from "./read/source.ts";
import { findStart } from "./read/start.ts";

/** Partitions in trouble that health names. */
const TROUBLES_SHOWN = 10;

/** What the broker's faces share. */
interface Parts {
  readonly cluster: Cluster;
  readonly topics: Topics;
  readonly density: Density;
  readonly appender: Appender;
  readonly poller: Poller;
  readonly readers: Set<Reading>;
  /** Why partitions that are being read cannot be read for now. */
  readonly troubles: Map<Reading, string>;
  readonly groups: Groups;
  readonly foreignGroups: ForeignGroups;
  closing: Promise<void> | undefined;
}

/**
 * Resolves once the cluster answered, or after `connectTimeoutMs` without: then `health` says why, and it connects when it can.
 * Throws `invalid_request` naming a bad option.
 */
export async function createKafkaBroker(options: KafkaBrokerOptions): Promise<Broker> {
  const settings = settingsOf(options);
  const cluster = new Cluster(settings);
  const density = createDensity();
  const topics = createTopics(cluster, (name) => {
    parts.appender.forget(name);
    parts.groups.refresh(name);
  });
  const parts: Parts = {
    ...{ cluster, topics, density },
    appender: createAppender(cluster, topics, density),
    poller: createPoller(cluster),
    readers: new Set(),
    troubles: new Map(),
    groups: createGroups({
      cluster,
      read: (topic, partition, from) => open(parts, topic, partition, from),
      onFailure: ({ code, message }) => settings.logger?.warn({ code }, `A group goes on trying: ${message}`),
    }),
    foreignGroups: createForeignGroups(cluster),
    closing: undefined,
  };
  await cluster.ready(settings.connectTimeoutMs);
  if (cluster.problem === undefined) parts.appender.prepare();
  return createFace(parts);
}

function createFace(parts: Parts): Broker {
  const { cluster, appender } = parts;
  const assertOpen = (): void => {
    if (parts.closing !== undefined) throw unavailable("The broker is closed. Open it again.");
  };
  return {
    name: "kafka",
    capabilities: { ...KAFKA_CAPABILITIES, maxBatchBytes: cluster.settings.maxBatchBytes },
    admin: createAdmin(parts, assertOpen),
    async append(writes) {
      assertOpen();
      return appender.append(writes);
    },
    async read(topic, partition, from) {
      assertOpen();
      return open(parts, topic, partition, from);
    },
    async group(options) {
      assertOpen();
      return parts.groups.join(options);
    },
    foreign: {
      async partitions(topic) {
        assertOpen();
        return (await cluster.topic(topic, 0)).partitions.length;
      },
      async read(topic, partition, from) {
        assertOpen();
        return openForeign(parts, topic, partition, from);
      },
      async join(group) {
        assertOpen();
        return parts.foreignGroups.join(group);
      },
    },
    compareOffsets,
    health() {
      if (parts.closing !== undefined) return { ready: false, reasons: ["The broker is closed."] };
      return healthOf(parts);
    },
    close() {
      parts.closing ??= close(parts);
      return parts.closing;
    },
  };
}

function healthOf({ cluster, appender, troubles }: Parts): BrokerHealth {
  const { problem } = cluster;
  const away = problem === undefined ? [] : [`Kafka is away: ${problem}.`];
  const stuck = appender.stuck === undefined ? [] : [appender.stuck];
  const unread = [...new Set(troubles.values())].slice(0, TROUBLES_SHOWN).map((why) => `${why}.`);
  return { ready: problem === undefined, reasons: [...away, ...stuck, ...unread] };
}

/** Anything that reads a partition until it is closed. */
type Reading = Pick<PartitionReader, "close">;

async function open(parts: Parts, topic: string, partition: number, from: ReadFrom): Promise<PartitionReader> {
  const start = await findStart(parts.cluster, topic, partition, from);
  const { epoch } = start;
  const items: ItemsOf<LogBatch> = {
    gathering: new EventGathering(epoch),
    onTaken: (batches) =>
      parts.density.note(
        epoch,
        partition,
        batches.reduce((sum, { records }) => sum + records, 0),
        batches.reduce((sum, { batch }) => sum + batch.count, 0),
      ),
  };
  return follow(parts, { topic, partition, epoch }, start.record, items, (source) =>
    createReader({ start, ...source }),
  );
}

async function openForeign(parts: Parts, topic: string, partition: number, from: ReadFrom): Promise<ForeignReader> {
  const start = await findStart(parts.cluster, topic, partition, from);
  const { epoch, record } = start;
  const items: ItemsOf<ForeignRecord> = {
    gathering: createForeignGathering(epoch),
    itemOfDamaged: (batch, why) => damagedRecord(epoch, batch, why),
  };
  return follow(parts, { topic, partition, epoch }, record, items, (source) =>
    createForeignReader({ start, ...source }),
  );
}

type ItemsOf<Item> = Pick<SourceOptions<Item>, "gathering" | "itemOfDamaged" | "onTaken">;

interface Followed<Item> {
  readonly source: Source<Item>;
  readonly abort: AbortController;
  onClose(reader: Reading): void;
}

/** A reader of the partition from this record on; it is closed with the broker, and health tells of its troubles. */
function follow<Item, Reader extends Reading>(
  { cluster, poller, readers, troubles }: Parts,
  place: PartitionPlace,
  from: bigint,
  items: ItemsOf<Item>,
  create: (followed: Followed<Item>) => Reader,
): Reader {
  const abort = new AbortController();
  const source = createSource({
    ...{ cluster, poller, place, from, signal: abort.signal, ...items },
    onTrouble(why) {
      if (why === undefined || !readers.has(reader)) troubles.delete(reader);
      else troubles.set(reader, why);
    },
  });
  const reader = create({
    ...{ source, abort },
    onClose(closed) {
      readers.delete(closed);
      troubles.delete(closed);
    },
  });
  readers.add(reader);
  return reader;
}

function createAdmin(parts: Parts, assertOpen: () => void): BrokerAdmin {
  const { cluster, topics, density, groups } = parts;
  return {
    async ensureTopic(config) {
      assertOpen();
      await topics.ensure(config);
    },
    async topics() {
      assertOpen();
      return topics.list();
    },
    async partitions(topic) {
      assertOpen();
      return readPartitions(cluster, topics, topic, density);
    },
    async lag(group, topic) {
      assertOpen();
      const read = (name: string, partition: number, from: ReadFrom) => open(parts, name, partition, from);
      return readLag({ cluster, density, read }, group, topic, groups.find(group));
    },
    async truncate(position) {
      assertOpen();
      await truncate(cluster, position);
    },
    async deleteTopic(name) {
      assertOpen();
      await topics.delete(name);
    },
    async maintain() {
      // Kafka retains and compacts in rounds of its own, which nobody can ask for.
      assertOpen();
    },
  };
}

async function close({ groups, foreignGroups, appender, readers, poller, cluster }: Parts): Promise<void> {
  await groups.close();
  await foreignGroups.close();
  for (const reader of [...readers]) await reader.close();
  await appender.close();
  await poller.close();
  await cluster.close();
}
