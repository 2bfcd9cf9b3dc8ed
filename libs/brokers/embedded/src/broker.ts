/** The embedded broker: topics, logs and groups in one LMDB environment, for one process. */
import { resolve } from "node:path";
import { isPacked } from "@distribution/broker-common";
import type {
  Appended,
  Broker,
  BrokerAdmin,
  Offset,
  PartitionInfo,
  PartitionReader,
  PartitionWrite,
  ReadFrom,
} from "@distribution/core/brokers";
import { DistributionError, fieldError } from "@distribution/core/errors";
import { type Ownership, ownFolder } from "@distribution/core/ownership";
import { EMBEDDED_CAPABILITIES } from "./capabilities.ts";
import { createGroups, type Groups } from "./groups/groups.ts";
import { AppendWork, type CheckedWrite } from "./log/append.ts";
import { createLog, type Log } from "./log/log.ts";
import { parseOffset } from "./log/offset.ts";
import type { Partition } from "./log/partition.ts";
import { createReader, firstOffset } from "./log/reader.ts";
import { RecentBatches } from "./log/recent.ts";
import { createMaintenance, type Maintenance } from "./maintenance/rounds.ts";
import { type EmbeddedBrokerOptions, type Settings, settingsOf } from "./options.ts";
import { type Committer, createCommitter } from "./storage/committer.ts";
import { createSpace } from "./storage/space.ts";
import { openStore, type Store } from "./storage/store.ts";
import { createTopics, type Topics } from "./topics.ts";

/** Damaged records that health names; more are counted. */
const DAMAGE_SHOWN = 10;

/** How long a publisher waits before it tries again after its bytes found no room in the queue, ms. */
const RETRY_MS = 50;

/**
 * Opens the broker on a data folder. Throws `unavailable` when another process uses it or it cannot be opened, naming folder and
 * process, and `invalid_request` naming a bad option.
 */
export async function createEmbeddedBroker(options: EmbeddedBrokerOptions): Promise<Broker> {
  const settings = settingsOf(options);
  const directory = resolve(settings.directory);
  const store = open(directory);
  let ownership: Ownership;
  try {
    ownership = ownFolder(directory);
  } catch (failure) {
    await store.environment.close();
    throw failure;
  }
  return compose({ ...settings, directory }, options.logger, store, ownership);
}

function open(directory: string): Store {
  try {
    return openStore(directory);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new DistributionError("unavailable", `The data folder ${directory} cannot be opened: ${why}.`, { cause });
  }
}

/** What the broker's faces share. */
interface Parts {
  readonly settings: Settings;
  readonly store: Store;
  readonly ownership: Ownership;
  readonly committer: Committer;
  readonly topics: Topics;
  readonly log: Log;
  readonly groups: Groups;
  readonly maintenance: Maintenance;
  readonly readers: Set<PartitionReader>;
  readonly status: Status;
}

interface Status {
  /** Why publishers are refused. */
  full: string | undefined;
  readonly damaged: Set<string>;
  closing: Promise<void> | undefined;
}

function compose(
  settings: Settings,
  logger: EmbeddedBrokerOptions["logger"],
  store: Store,
  ownership: Ownership,
): Broker {
  const { runtime, directory } = settings;
  const status: Status = { full: undefined, damaged: new Set(), closing: undefined };
  const recents = new RecentBatches(settings.recentBytes);
  const readers = new Set<PartitionReader>();
  const committer = createCommitter({
    store,
    space: createSpace(store, settings),
    runtime,
    directory,
    maxTransactionBytes: settings.maxTransactionBytes,
    liveBytes: () => liveBytes(topics),
    onSpace(refused) {
      if (refused !== undefined && status.full === undefined)
        logger?.error({ directory }, `Publishers are refused: ${refused}`);
      if (refused === undefined && status.full !== undefined)
        logger?.info({ directory }, "Publishers are taken again.");
      status.full = refused;
    },
  });
  const topics: Topics = createTopics({
    store,
    committer,
    recents,
    runtime,
    onChange: (name) => onTopicChange(parts, name),
  });
  const log = createLog({
    store,
    onDamage({ message }) {
      if (!status.damaged.has(message)) logger?.error({ directory }, message);
      status.damaged.add(message);
    },
  });
  const groups = createGroups({
    ...{ store, log, committer, topics, runtime },
    windowEvents: settings.groupWindowEvents,
    windowBytes: settings.groupWindowBytes,
    compareOffsets,
    read: async (topic, index, from) => read(parts, topic, index, from),
    onFailure: ({ code, message }) => logger?.warn({ code }, `What a group settled is not stored yet: ${message}`),
  });
  const maintenance = createMaintenance({
    ...{ store, log, committer, topics, runtime, logger },
    intervalMs: settings.maintenanceIntervalMs,
  });
  const parts: Parts = { settings, store, ownership, committer, topics, log, groups, maintenance, readers, status };
  topics.clean().catch(({ message }: Error) => logger?.warn({ directory }, `A deletion is not finished: ${message}`));
  return createFace(parts);
}

function liveBytes(topics: Topics): number {
  let bytes = 0;
  for (const { partitions } of topics.list()) for (const { state } of partitions) bytes += state.bytes;
  return bytes;
}

function onTopicChange({ groups, topics }: Parts, name: string): void {
  if (topics.list().some(({ config }) => config.name === name)) groups.refresh(name);
}

const compareOffsets = (a: Offset, b: Offset): number => parseOffset(a, "a") - parseOffset(b, "b");

function read(
  { topics, log, settings, readers }: Parts,
  topic: string,
  index: number,
  from: ReadFrom,
): PartitionReader {
  const partition = topics.partition(topic, index);
  partition.assertServed();
  const reader = createReader({
    ...{ partition, next: firstOffset(partition, log, from), log },
    runtime: settings.runtime,
    onClose: (closed) => readers.delete(closed),
  });
  readers.add(reader);
  return reader;
}

function createFace(parts: Parts): Broker {
  const { settings, groups, committer, status } = parts;
  const assertOpen = (): void => {
    if (status.closing !== undefined)
      throw new DistributionError("unavailable", "The broker is closed. Open it again.");
  };
  return {
    name: "embedded",
    capabilities: { ...EMBEDDED_CAPABILITIES, maxBatchBytes: settings.maxBatchBytes },
    admin: createAdmin(parts, assertOpen),
    async append(writes) {
      assertOpen();
      return append(parts, writes);
    },
    async read(topic, index, from) {
      assertOpen();
      return read(parts, topic, index, from);
    },
    async group(options) {
      assertOpen();
      return groups.join(options);
    },
    compareOffsets,
    health() {
      // Nobody may publish for long, and yet be told that there is space again.
      if (status.closing === undefined) committer.reviewSpace();
      return { ready: status.closing === undefined, reasons: reasons(status) };
    },
    close() {
      status.closing ??= close(parts);
      return status.closing;
    },
  };
}

function append(parts: Parts, writes: readonly PartitionWrite[]): Promise<readonly Appended[]> {
  const { settings, committer } = parts;
  if (writes.length === 0) return Promise.resolve([]);
  const checked = writes.map((write, at) => checkWrite(parts, write, at));
  return new Promise((resolve, reject) => {
    const work = new AppendWork(checked, settings.runtime.clock, resolve, reject);
    if (committer.queuedBytes > 0 && committer.queuedBytes + work.bytes > settings.maxQueuedBytes) {
      const limit = `${committer.queuedBytes} of ${settings.maxQueuedBytes} bytes (maxQueuedBytes) wait for the disk`;
      reject(new DistributionError("unavailable", `${limit}; append again shortly.`, { retryAfterMs: RETRY_MS }));
    } else committer.enqueue(work);
  });
}

function checkWrite({ topics, settings }: Parts, write: PartitionWrite, at: number): CheckedWrite {
  const partition = topics.partition(write.topic, write.partition);
  partition.assertServed();
  const { batch } = write;
  const path = `writes[${at}].batch`;
  if (!isPacked(batch))
    throw fieldError("invalid_request", path, "count, bounds and bytes do not fit together, or it is empty");
  if (batch.bytes.length > settings.maxBatchBytes) {
    const limit = `${batch.bytes.length} bytes are more than ${settings.maxBatchBytes} (maxBatchBytes)`;
    throw fieldError("batch_too_large", path, `${limit}; split it`);
  }
  return { partition, batch };
}

function createAdmin({ topics, groups, maintenance }: Parts, assertOpen: () => void): BrokerAdmin {
  return {
    async ensureTopic(config) {
      assertOpen();
      await topics.ensure(config);
    },
    async topics() {
      assertOpen();
      return topics.list().map(({ config }) => config);
    },
    async partitions(topic) {
      assertOpen();
      return topics.get(topic).partitions.map(infoOf);
    },
    async lag(group, topic) {
      assertOpen();
      return topics.get(topic).partitions.map((partition) => groups.lag(group, partition));
    },
    async truncate({ topic, partition: index, epoch, offset: text }) {
      assertOpen();
      const partition = topics.partition(topic, index);
      partition.assertServed();
      const offset = parseOffset(text, "position.offset");
      if (epoch !== partition.epoch || offset > partition.state.end) {
        const place = `${topic}/${index} has offsets up to ${partition.state.end} of epoch ${partition.epoch}`;
        throw fieldError("position_gone", "position", `${place}; take a position from partitions()`);
      }
      await maintenance.truncate(partition, offset);
    },
    async deleteTopic(name) {
      assertOpen();
      await topics.delete(name);
    },
    async maintain() {
      assertOpen();
      await maintenance.maintain();
    },
  };
}

function infoOf({ topic, index, epoch, state }: Partition): PartitionInfo {
  const { start, end, bytes, events } = state;
  const place = { topic, partition: index, epoch, start: String(start), end: String(end) };
  return { ...place, whole: start === 0, bytes, events };
}

function reasons({ full, damaged, closing }: Status): string[] {
  const found: string[] = [];
  if (closing !== undefined) found.push("The broker is closed.");
  if (full !== undefined) found.push(`Publishers are refused: ${full}.`);
  for (const message of damaged) {
    if (found.length >= DAMAGE_SHOWN) break;
    found.push(message);
  }
  return found;
}

async function close({ topics, groups, readers, maintenance, committer, ownership, store }: Parts): Promise<void> {
  await maintenance.close();
  await topics.close();
  await groups.close();
  for (const reader of [...readers]) await reader.close();
  await committer.close();
  ownership.release();
  await store.environment.close();
}
