/** The groups of a broker: created with their first member, stored as they settle, let go of with their last. */

import type { GroupMember, GroupOptions } from "@distribution/core/brokers";
import { fieldError } from "@distribution/core/errors";
import type { Log } from "../log/log.ts";
import type { Partition } from "../log/partition.ts";
import type { Committer } from "../storage/committer.ts";
import type { Store } from "../storage/store.ts";
import type { Topics } from "../topics.ts";
import type { Feed } from "./feed.ts";
import { Group, type GroupHost } from "./group.ts";
import { duration } from "./member.ts";
import { Settlement, type StoredSettlement } from "./settlement.ts";

export interface Groups {
  join(options: GroupOptions): Promise<GroupMember>;
  /** Events that the group has not settled. */
  lag(name: string, partition: Partition): number;
  /** Gives the groups that consume the topic its new partitions. */
  refresh(topic: string): void;
  close(): Promise<void>;
}

export interface GroupsOptions
  extends Pick<GroupHost, "runtime" | "windowEvents" | "windowBytes" | "open" | "onFailure"> {
  readonly store: Store;
  readonly log: Log;
  readonly committer: Committer;
  readonly topics: Topics;
}

/** Bytes of a stored settlement, for the room it is given: a few ranges, usually. */
const SETTLEMENT_BYTES = 4096;

export function createGroups(options: GroupsOptions): Groups {
  const { store, log, committer, topics } = options;
  const running = new Map<string, Group>();
  let turn: Promise<unknown> = Promise.resolve();

  /** Joins and last leaves one at a time: a group begins with what its predecessor stored. */
  const exclusive = <T>(change: () => Promise<T>): Promise<T> => {
    const run = turn.then(change);
    turn = run.catch(() => undefined);
    return run;
  };

  const stored = (name: string, partition: Partition): StoredSettlement | undefined =>
    store.groups.get([name, partition.id]) as StoredSettlement | undefined;

  const write = (name: string, feeds: readonly Feed[]): Promise<void> => {
    let staged: number[] = [];
    const bytes = SETTLEMENT_BYTES * feeds.length;
    const written = committer.run(bytes, () => {
      staged = feeds.map(({ changes }) => changes);
      for (const { partition, settlement } of feeds) {
        if (partition.refusal === undefined) void store.groups.put([name, partition.id], settlement.toStored());
      }
    });
    return written.then(() => {
      feeds.forEach((feed, at) => {
        feed.stored = Math.max(feed.stored, staged[at]!);
      });
    });
  };

  /** Where each partition begins for a group that has nothing stored there; durable before anything is given out. */
  const begin = async (name: string, partitions: readonly Partition[], from: GroupOptions["from"]): Promise<void> => {
    const fresh = partitions.filter((partition) => stored(name, partition) === undefined);
    if (fresh.length === 0) return;
    await committer.run(SETTLEMENT_BYTES * fresh.length, () => {
      for (const partition of fresh) {
        const { start, end } = partition.state;
        const settlement: StoredSettlement = { floor: from === "latest" ? end : start, above: [], attempts: [] };
        void store.groups.put([name, partition.id], settlement);
      }
    });
  };

  const start = async ({ name, topics: names, from }: GroupOptions): Promise<Group> => {
    const partitions = names.flatMap((topic) => topics.get(topic).partitions);
    await begin(name, partitions, from);
    const group = new Group(name, {
      ...options,
      store: (feeds) => write(name, feeds),
      onEmpty: (empty) =>
        exclusive(async () => {
          if (running.get(name) !== empty || !empty.empty) return;
          running.delete(name);
          await empty.stop();
        }),
    });
    for (const partition of partitions) group.addPartition(partition, new Settlement(stored(name, partition)!));
    running.set(name, group);
    return group;
  };

  return {
    async join(group) {
      checkOptions(group);
      return exclusive(async () => {
        const wanted = new Set(group.topics);
        for (const topic of wanted) topics.get(topic);
        const current = running.get(group.name);
        if (current !== undefined && !sameSet(wanted, current.topics)) {
          const had = current.topics.join(", ");
          throw fieldError(
            "invalid_request",
            "topics",
            `the group ${group.name} consumes ${had}; join it for the same topics`,
          );
        }
        const joined = current ?? (await start({ ...group, topics: [...wanted] }));
        return joined.join(group.ackTimeoutMs);
      });
    },
    lag(name, partition) {
      const settlement = running.get(name)?.settlementOf(partition) ?? stored(name, partition);
      if (settlement === undefined) return log.countAfter(partition, partition.state.start);
      const { floor, above } = settlement instanceof Settlement ? settlement : new Settlement(settlement);
      return Math.max(0, log.countAfter(partition, floor) - above.size);
    },
    refresh(topic) {
      for (const group of running.values()) {
        if (!group.topics.includes(topic)) continue;
        const { partitions } = topics.get(topic);
        for (const partition of partitions) {
          group.addPartition(partition, new Settlement({ floor: partition.state.start, above: [], attempts: [] }));
        }
      }
    },
    close: () =>
      exclusive(async () => {
        const groups = [...running.values()];
        running.clear();
        await Promise.all(groups.map((group) => group.stop().catch(options.onFailure)));
      }),
  };
}

const sameSet = (wanted: ReadonlySet<string>, had: readonly string[]): boolean =>
  had.length === wanted.size && had.every((name) => wanted.has(name));

/** Throws `invalid_request` naming the field. */
function checkOptions({ name, topics, from, ackTimeoutMs }: GroupOptions): void {
  if (typeof name !== "string" || name === "" || name.length > 200 || name.includes("\0")) {
    throw fieldError("invalid_request", "name", "must be text of 1 to 200 characters without NUL");
  }
  if (topics.length === 0) throw fieldError("invalid_request", "topics", "must name at least one topic");
  if (from !== "earliest" && from !== "latest") {
    throw fieldError("invalid_request", "from", `must be earliest or latest, not ${String(from)}`);
  }
  duration(ackTimeoutMs, "ackTimeoutMs", 1);
}
