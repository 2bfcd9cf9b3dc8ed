/** Groups that share topics of others: Failover subscriptions say which process has which partition, and hold what is not settled. */
import { checkNote } from "@distribution/broker-common";
import type { ForeignGroup, ForeignMember, ForeignProgress } from "@distribution/core/brokers";
import { DistributionError, toDistributionError } from "@distribution/core/errors";
import { endedWithin } from "@distribution/core/runtime";
import type { Rest } from "../admin/rest.ts";
import { failureOf } from "../failures.ts";
import { inTime } from "../groups/in-time.ts";
import { createProgressStore, type GroupPartition, type ProgressStore } from "../groups/progress.ts";
import { createSeat, type Seat, type SeatWork } from "../groups/seat.ts";
import { parseOffset } from "../offset.ts";
import type { ForeignParts } from "./reader.ts";
import type { ForeignLog } from "./topics.ts";

export interface ForeignGroups {
  join(group: ForeignGroup): Promise<ForeignMember>;
  close(): Promise<void>;
}

export interface ForeignGroupsParts extends ForeignParts {
  readonly rest: Rest;
}

/** How long who has a partition may take to come to an end with it, ms. */
const HANDOVER_MS = 10_000;

export function createForeignGroups(parts: ForeignGroupsParts): ForeignGroups {
  const members = new Set<ForeignMember>();
  return {
    join: (group) => joinGroup(parts, group, members),
    async close() {
      await Promise.all([...members].map((member) => member.close()));
    },
  };
}

async function joinGroup(
  parts: ForeignGroupsParts,
  group: ForeignGroup,
  members: Set<ForeignMember>,
): Promise<ForeignMember> {
  const { settings, admin } = parts;
  const { runtime, logger } = settings;
  const owner = `distribution-${Buffer.from(runtime.random.bytes(9)).toString("base64url")}`;
  /** By the log's address. */
  const places = new Map<string, Place>();
  let closing: Promise<void> | undefined;

  const onFailure = (failure: unknown): void => {
    const { code, message } = toDistributionError(failureOf(failure, `The group ${group.name}`));
    logger?.warn({ code }, `The group ${group.name} goes on trying: ${message}`);
  };

  const drop = async (topic: string): Promise<void> => {
    for (const [url, place] of places) {
      if (place.log.topic !== topic) continue;
      places.delete(url);
      await place.close({ lost: true });
    }
    counts.delete(topic);
  };

  /** By topic: asked once for all its partitions, since it stays what it is. */
  const counts = new Map<string, Promise<number>>();
  const countOf = (topic: string, ask: () => Promise<number>): Promise<number> => {
    const had = counts.get(topic);
    if (had !== undefined) return had;
    const asked = ask();
    counts.set(topic, asked);
    asked.catch(() => counts.delete(topic));
    return asked;
  };

  /** Takes a place at every log that it has none at yet, and gives those. */
  const look = async (topic: string): Promise<readonly Place[]> => {
    try {
      const logs = await admin.logs(topic);
      const added = closing === undefined ? logs.filter(({ url }) => !places.has(url)) : [];
      return added.map((log) => {
        const place = createPlace({ ...parts, group, owner, onFailure, countOf }, log, logs);
        places.set(log.url, place);
        return place;
      });
    } catch (failure) {
      if (!isUnknown(failure)) throw failure;
      await drop(topic);
      return [];
    }
  };

  let looking = false;
  const watch = runtime.timers.every(settings.topicRefreshMs, () => {
    if (looking) return;
    looking = true;
    void Promise.all(group.topics.map((topic) => look(topic).catch(onFailure))).finally(() => {
      looking = false;
    });
  });

  const close = async (): Promise<void> => {
    watch.cancel();
    await Promise.all([...places.values()].map((place) => place.close({ lost: false })));
    members.delete(member);
  };
  const member: ForeignMember = {
    close() {
      closing ??= close();
      return closing;
    },
  };
  members.add(member);
  const begin = async (): Promise<void> => {
    const taken = (await Promise.all(group.topics.map(look))).flat();
    await Promise.all(taken.map(({ begun }) => begun));
  };
  try {
    await inTime(settings, group.name, begin());
  } catch (failure) {
    await member.close();
    throw failureOf(failure, `the group ${group.name}`);
  }
  return member;
}

const isUnknown = (failure: unknown): boolean =>
  failure instanceof DistributionError && failure.code === "unknown_topic";

/** This process's place in the line for one log, and what is done while the log is its own. */
interface Place {
  readonly log: ForeignLog;
  /** Resolves once it is known who has the log; also when the log is gone by then. */
  readonly begun: Promise<void>;
  close(how: { readonly lost: boolean }): Promise<void>;
}

interface PlaceParts extends ForeignGroupsParts {
  readonly group: ForeignGroup;
  readonly owner: string;
  onFailure(failure: unknown): void;
  /** As of `Standing`. */
  countOf(topic: string, ask: () => Promise<number>): Promise<number>;
}

/** What is known of a log where it is taken. */
interface Standing {
  readonly progress: ForeignProgress | undefined;
  /** How many partitions the topic had when the group began with it: those from there on were added later. */
  readonly count: number;
}

/** A log that was given to the group's member. */
interface Given {
  readonly ending: AbortController;
  /** Nothing is kept any more. */
  lost: boolean;
  done: Promise<void>;
}

function createPlace(parts: PlaceParts, log: ForeignLog, all: readonly ForeignLog[]): Place {
  const { settings, port, group, rest } = parts;
  const { topic, partition } = log;
  const of: GroupPartition = { group: group.name, topic, partition };
  const store = createProgressStore<Standing>({
    ...{ rest, encode, decode },
    pathOf: (one) => all[one.partition]!.path,
  });
  let given: Given | undefined;
  let closed = false;

  const settle = async (mine: Given, { progress, count }: Standing & { progress: ForeignProgress }): Promise<void> => {
    parseOffset(progress.offset, "progress.offset");
    checkNote(progress.note);
    if (!mine.lost) await seat.put({ progress, count });
    if (mine.lost) {
      const where = `${topic}/${partition} of the group ${group.name}`;
      throw new DistributionError(
        "unavailable",
        `${where} is another member's by now: what it was to settle comes again.`,
      );
    }
  };

  const work: SeatWork<Standing> = {
    begin: async () => ({ progress: undefined, count: await parts.countOf(topic, () => countKept(store, of, all)) }),
    add({ progress: before, count }) {
      if (closed) return;
      const mine: Given = { ending: new AbortController(), lost: false, done: Promise.resolve() };
      given = mine;
      const { signal } = mine.ending;
      mine.done = group.own({
        // Others that begin at the same time have progress before this one: that alone does not make it a later one.
        ...{ topic, partition, progress: before, begun: count <= partition, ending: signal },
        settle: (progress) => settle(mine, { progress, count }),
      });
    },
    async remove({ waitMs, lost }) {
      const mine = given;
      if (mine === undefined) return;
      mine.lost ||= lost;
      mine.ending.abort();
      if (!lost) await endedWithin(settings.runtime, mine.done, waitMs);
      mine.lost = true;
    },
    floorOf: ({ progress }) => progress?.offset,
  };

  const seat: Seat<Standing> = createSeat(
    {
      settings,
      port,
      store,
      work,
      url: log.url,
      owner: parts.owner,
      handoverMs: HANDOVER_MS,
      onFailure: parts.onFailure,
    },
    of,
  );
  return {
    log,
    begun: seat.begun.catch((failure: unknown) => {
      if (!isUnknown(failureOf(failure, topic))) throw failure;
    }),
    async close({ lost }) {
      closed = true;
      await work.remove({ waitMs: HANDOVER_MS, lost });
      await seat.close();
    },
  };
}

/** With the progress of any partition; where none has one the group begins now, with those that there are. */
async function countKept(
  store: ProgressStore<Standing>,
  of: GroupPartition,
  all: readonly ForeignLog[],
): Promise<number> {
  const kept = await Promise.all(all.map(({ partition }) => store.get({ ...of, partition })));
  return Math.min(all.length, ...kept.flatMap((one) => one?.progress?.count ?? []));
}

/** `<epoch> <offset> <count> <note>` */
const LAYOUT = /^(\S*) (\d+\.\d+\.\d+) (\d{1,9}) (.*)$/;

const encode = ({ progress, count }: Standing): string | undefined =>
  progress && `${progress.epoch} ${progress.offset} ${count} ${progress.note}`;

function decode(text: string): Standing | undefined {
  const [, epoch, offset, count, note] = LAYOUT.exec(text) ?? [];
  if (epoch === undefined || offset === undefined || count === undefined || note === undefined) return undefined;
  return { progress: { epoch, offset, note }, count: Number(count) };
}
