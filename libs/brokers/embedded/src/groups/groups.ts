/** The groups of the embedded broker: all members of a group are in this process, their progress lies beside the logs. */

import {
  createGroups as createEngine,
  type GroupsOptions as EngineOptions,
  type Progress,
  type ProgressPart,
} from "@distribution/broker-common";
import type { GroupMember, GroupOptions, Offset } from "@distribution/core/brokers";
import type { Log } from "../log/log.ts";
import type { Partition } from "../log/partition.ts";
import type { Committer } from "../storage/committer.ts";
import type { Store } from "../storage/store.ts";
import type { Topics } from "../topics.ts";

export interface Groups {
  join(options: GroupOptions): Promise<GroupMember>;
  /** Events that the group has not settled. */
  lag(name: string, partition: Partition): number;
  /** Gives the groups that consume the topic its new partitions. */
  refresh(topic: string): void;
  close(): Promise<void>;
}

export interface GroupsOptions
  extends Pick<EngineOptions, "runtime" | "windowEvents" | "windowBytes" | "compareOffsets" | "read" | "onFailure"> {
  readonly store: Store;
  readonly log: Log;
  readonly committer: Committer;
  readonly topics: Topics;
}

/** As stored: offsets as numbers, the ends of ranges one after the other. */
interface StoredProgress {
  readonly floor: number;
  readonly above: readonly number[];
  readonly attempts: readonly (readonly [number, number])[];
}

/** Bytes of stored progress, for the room it is given: a few ranges, usually. */
const PROGRESS_BYTES = 4096;

export function createGroups(options: GroupsOptions): Groups {
  const { store, log, committer, topics } = options;

  const stored = (name: string, partition: Partition): StoredProgress | undefined =>
    store.groups.get([name, partition.id]) as StoredProgress | undefined;

  const write = (name: string, parts: readonly ProgressPart[]): Promise<void> =>
    committer.run(PROGRESS_BYTES * parts.length, () => {
      for (const part of parts) {
        const progress = part.take();
        const partition = topics.find(part.topic)?.partitions[part.partition];
        // A topic that was deleted and created again has other partitions.
        if (partition?.epoch !== progress.epoch || partition.refusal !== undefined) continue;
        void store.groups.put([name, partition.id], toStored(progress));
      }
    });

  /** Where each partition begins for a group that has nothing stored there; durable before anything is given out. */
  const begin = async (name: string, partitions: readonly Partition[], from: GroupOptions["from"]): Promise<void> => {
    const fresh = partitions.filter((partition) => stored(name, partition) === undefined);
    if (fresh.length === 0) return;
    await committer.run(PROGRESS_BYTES * fresh.length, () => {
      for (const { id, state } of fresh) {
        const progress: StoredProgress = {
          floor: from === "latest" ? state.end : state.start,
          above: [],
          attempts: [],
        };
        void store.groups.put([name, id], progress);
      }
    });
  };

  const assigned = (partition: Partition, progress: Progress) => ({
    ...{ topic: partition.topic, partition: partition.index, progress },
    end: () => String(partition.state.end),
  });

  const engine = createEngine({
    ...options,
    // The committer takes what comes during a flush into its next transaction.
    overlappingStores: true,
    store: write,
    async start(group, { name, from }) {
      const partitions = group.topics.flatMap((topic) => topics.get(topic).partitions);
      await begin(name, partitions, from);
      for (const partition of partitions) {
        group.add(assigned(partition, fromStored(stored(name, partition)!, partition.epoch)));
      }
      return { close: () => Promise.resolve() };
    },
  });

  return {
    async join(group) {
      for (const topic of group.topics) topics.get(topic);
      return engine.join(group);
    },
    lag(name, partition) {
      const standing = engine.find(name)?.standing({ topic: partition.topic, partition: partition.index });
      if (standing !== undefined && standing.epoch === partition.epoch) {
        const readTo = Number(standing.readTo);
        const ahead = standing.ahead.map(([from, to]): [number, number] => [Number(from), Number(to)]);
        return standing.unsettled + log.countAfter(partition, readTo) - numbersAbove(readTo, ahead);
      }
      const { floor, above } = stored(name, partition) ?? { floor: partition.state.start, above: [] };
      return Math.max(0, log.countAfter(partition, floor) - numbersAbove(floor, pairs(above)));
    },
    refresh(topic) {
      for (const group of engine.running()) {
        if (!group.topics.includes(topic)) continue;
        for (const partition of topics.get(topic).partitions) {
          const { epoch, state } = partition;
          group.add(assigned(partition, { epoch, floor: String(state.start), above: [], attempts: [] }));
        }
      }
    },
    close: () => engine.close(),
  };
}

function toStored({ floor, above, attempts }: Progress): StoredProgress {
  return {
    floor: Number(floor),
    above: above.flatMap(([from, to]) => [Number(from), Number(to)]),
    attempts: attempts.map(([offset, times]) => [Number(offset), times]),
  };
}

function fromStored({ floor, above, attempts }: StoredProgress, epoch: string): Progress {
  return {
    epoch,
    floor: String(floor),
    above: pairs(above).map(([from, to]): [Offset, Offset] => [String(from), String(to)]),
    attempts: attempts.map(([offset, times]): [Offset, number] => [String(offset), times]),
  };
}

function pairs(ends: readonly number[]): [number, number][] {
  const found: [number, number][] = [];
  for (let at = 0; at < ends.length; at += 2) found.push([ends[at]!, ends[at + 1]!]);
  return found;
}

/** Offsets of the ranges that are larger than `floor`. */
function numbersAbove(floor: number, ranges: readonly (readonly [from: number, to: number])[]): number {
  let count = 0;
  for (const [from, to] of ranges) count += Math.max(0, to - Math.max(from - 1, floor));
  return count;
}
