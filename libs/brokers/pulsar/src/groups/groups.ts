/** The groups of this process: the common engine, with a Failover subscription for every partition and progress in its properties. */
import {
  createGroups,
  decodeProgress,
  type EngineGroup,
  encodeProgress,
  type GroupSession,
  type Progress,
} from "@distribution/broker-common";
import type { GroupMember, GroupOptions, PartitionInfo } from "@distribution/core/brokers";
import { DistributionError, toDistributionError } from "@distribution/core/errors";
import type { PartitionInfoOf } from "../admin/info.ts";
import type { Rest } from "../admin/rest.ts";
import { shareAfter } from "../admin/stats.ts";
import type { Topics } from "../admin/topics.ts";
import { failureOf } from "../failures.ts";
import { partitionPath, partitionUrl } from "../names.ts";
import { comparePlaces, parseOffset } from "../offset.ts";
import type { Settings } from "../options.ts";
import type { PulsarPort } from "../port.ts";
import type { Readers } from "../read/readers.ts";
import { countAfter } from "./count.ts";
import { inTime } from "./in-time.ts";
import { createProgressStore, type GroupPartition } from "./progress.ts";
import { createSeat, type Seat, type SeatWork, seatName } from "./seat.ts";

export interface PulsarGroups {
  join(options: GroupOptions): Promise<GroupMember>;
  lag(group: string, topic: string): Promise<readonly number[]>;
  /** The topic has more partitions than before. */
  refresh(topic: string): void;
  /** The topic is gone. */
  forget(topic: string): void;
  close(): Promise<void>;
}

export interface PulsarGroupsOptions {
  readonly settings: Settings;
  readonly port: PulsarPort;
  readonly rest: Rest;
  readonly topics: Topics;
  readonly readers: Pick<Readers, "open">;
  readonly info: PartitionInfoOf;
}

interface Session {
  readonly group: EngineGroup;
  readonly seats: Map<string, Seat<Progress>>;
  take(topic: string, partition: number, from: GroupOptions["from"]): Seat<Progress>;
}

/** The longest that a member keeps what it has in hand when its partition is given to another process, ms. */
const LONGEST_HANDOVER_MS = 10_000;

export function createPulsarGroups(options: PulsarGroupsOptions): PulsarGroups {
  const { settings, port, topics, readers } = options;
  const { runtime, logger } = settings;
  const store = createProgressStore<Progress>({
    rest: options.rest,
    pathOf: ({ topic, partition }) => partitionPath(settings, topic, partition),
    encode: (progress) => encodeProgress(progress, settings.groupProgressBytes),
    decode: decodeProgress,
  });
  const owner = `distribution-${Buffer.from(runtime.random.bytes(9)).toString("base64url")}`;
  const sessions = new Map<string, Session>();
  const compareOffsets = (a: string, b: string): number =>
    comparePlaces(parseOffset(a, "offset"), parseOffset(b, "offset"));

  const onFailure = (failure: unknown): void => {
    const { code, message } = toDistributionError(failureOf(failure, "A group"));
    logger?.warn({ code }, `A group of consumers goes on later: ${message}`);
  };

  const begin = async ({ topic, partition }: GroupPartition, from: GroupOptions["from"]): Promise<Progress> => {
    const { epoch, start, end } = await options.info(topic, partition);
    return { epoch, floor: from === "latest" ? end : start, above: [], attempts: [] };
  };

  const createSession = (group: EngineGroup, { ackTimeoutMs }: GroupOptions): Session => {
    const seats = new Map<string, Seat<Progress>>();
    const workOn = (of: GroupPartition, from: GroupOptions["from"]): SeatWork<Progress> => ({
      begin: () => begin(of, from),
      add: (progress) => group.add({ topic: of.topic, partition: of.partition, progress }),
      remove: (how) => group.remove([{ topic: of.topic, partition: of.partition }], how),
      floorOf: ({ floor }) => floor,
    });
    return {
      group,
      seats,
      take(topic, partition, from) {
        const of = { group: group.name, topic, partition };
        const had = seats.get(seatName(of));
        if (had !== undefined) return had;
        const handoverMs = Math.min(ackTimeoutMs, LONGEST_HANDOVER_MS);
        const url = partitionUrl(settings, topic, partition);
        const parts = { settings, port, store, url, owner, handoverMs, onFailure };
        const seat = createSeat({ ...parts, work: workOn(of, from) }, of);
        seats.set(seatName(of), seat);
        return seat;
      },
    };
  };

  const start = async (group: EngineGroup, wanted: GroupOptions): Promise<GroupSession> => {
    const session = createSession(group, wanted);
    const close = async (): Promise<void> => {
      watch.cancel();
      sessions.delete(group.name);
      await Promise.all([...session.seats.values()].map((seat) => seat.close()));
    };
    // Partitions that other processes add are seen here.
    const watch = runtime.timers.every(settings.topicRefreshMs, () => {
      for (const name of group.topics) topics.refresh(name).catch(() => undefined);
    });
    sessions.set(group.name, session);
    try {
      const found = await Promise.all(group.topics.map((name) => topics.refresh(name)));
      const seats = found.flatMap(({ config: { name, partitions } }) =>
        Array.from({ length: partitions }, (_, partition) => session.take(name, partition, wanted.from)),
      );
      await inTime(settings, group.name, Promise.all(seats.map(({ begun }) => begun)));
    } catch (failure) {
      await close();
      throw failureOf(failure, `the group ${group.name}`);
    }
    return { close };
  };

  const groups = createGroups({
    ...{ runtime, compareOffsets, start, onFailure },
    windowEvents: settings.groupWindowEvents,
    windowBytes: settings.groupWindowBytes,
    read: (topic, partition, from) => readers.open(topic, partition, from),
    async store(name, parts) {
      const session = sessions.get(name);
      await Promise.all(
        parts.map(async (part) => {
          const seat = session?.seats.get(seatName(part));
          if (seat === undefined)
            throw new DistributionError("unavailable", `The group ${name} is closed here; join it again.`);
          await seat.put(part.take());
        }),
      );
    },
  });

  const shareOf = async (topic: string, partition: number, offset: string): Promise<number> =>
    shareAfter(await topics.stats(topic, partition), parseOffset(offset, "offset"));

  const lagOf = async (group: string, info: PartitionInfo): Promise<number> => {
    const { topic, partition, epoch, start } = info;
    const parts = { compareOffsets, read: readers.open, shareAfter: shareOf };
    const standing = groups.find(group)?.standing({ topic, partition });
    if (standing !== undefined) {
      const { readTo, unsettled, ahead } = standing;
      return unsettled + (await countAfter(parts, info, { epoch: standing.epoch, after: readTo, except: ahead }));
    }
    const progress = (await store.get({ group, topic, partition }))?.progress;
    const { floor, above } = progress ?? { floor: start, above: [] };
    return countAfter(parts, info, { epoch: progress?.epoch ?? epoch, after: floor, except: above });
  };

  return {
    join: (wanted) => groups.join(wanted),
    async lag(group, topic) {
      const { partitions } = (await topics.refresh(topic)).config;
      return Promise.all(
        Array.from({ length: partitions }, async (_, partition) => lagOf(group, await options.info(topic, partition))),
      );
    },
    refresh(topic) {
      for (const { group, take } of sessions.values()) {
        if (!group.topics.includes(topic)) continue;
        topics.get(topic).then(
          ({ config: { partitions } }) => {
            // What lies in a new partition is new to the group.
            for (let partition = 0; partition < partitions; partition += 1) take(topic, partition, "earliest");
          },
          () => undefined,
        );
      }
    },
    forget(topic) {
      for (const { group, seats } of sessions.values()) {
        for (const [name, seat] of seats) {
          if (seat.of.topic !== topic) continue;
          seats.delete(name);
          void seat.close();
          group.remove([seat.of], { lost: true }).catch(onFailure);
        }
      }
    },
    close: () => groups.close(),
  };
}
