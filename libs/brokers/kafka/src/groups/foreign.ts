/** Groups that share topics of others: Kafka's groups say who has which partition, and keep how far it is. */
import { checkNote, type PartitionName } from "@distribution/broker-common";
import type { ForeignGroup, ForeignMember, ForeignPartition, ForeignProgress } from "@distribution/core/brokers";
import { endedWithin } from "@distribution/core/runtime";
import type { Cluster, KnownTopic } from "../connection/cluster.ts";
import { beforeRecord, parseOffset } from "../offset.ts";
import { type PartitionCommit, readCommits } from "./commits.ts";
import { type Committer, commitAsMember, lost } from "./committing.ts";
import { createCoordinator } from "./coordinator.ts";
import { Member, nameOfPartition } from "./member.ts";

export interface ForeignGroups {
  join(group: ForeignGroup): Promise<ForeignMember>;
  close(): Promise<void>;
}

/** A partition while this process has it. */
interface Hold {
  readonly ending: AbortController;
  /** Another member may have it: nothing is kept any more. */
  lost: boolean;
  /** Whoever was given it is done. */
  done: Promise<void>;
}

/** On its way to be kept. */
interface Settlement {
  readonly held: Hold;
  readonly commit: PartitionCommit;
  resolve(): void;
  reject(failure: unknown): void;
}

/** Of the metadata's layout. */
const LAYOUT = "ingress-1";

export function createForeignGroups(cluster: Cluster): ForeignGroups {
  const members = new Set<ForeignMember>();
  return {
    async join(group) {
      const member = await joinGroup(cluster, group, (closed) => members.delete(closed));
      members.add(member);
      return member;
    },
    async close() {
      await Promise.all([...members].map((member) => member.close()));
    },
  };
}

async function joinGroup(
  cluster: Cluster,
  group: ForeignGroup,
  onClose: (member: ForeignMember) => void,
): Promise<ForeignMember> {
  const { name, topics, own } = group;
  const { runtime, rebalanceTimeoutMs, logger } = cluster.settings;
  const coordinator = createCoordinator(cluster, name);
  const holds = new Map<string, Hold>();
  const waiting: Settlement[] = [];
  let committing = false;
  let closing: Promise<void> | undefined;

  const gain = async (partitions: readonly PartitionName[]): Promise<void> => {
    const topics = new Map<string, KnownTopic>();
    for (const { topic } of partitions) topics.set(topic, await cluster.topic(topic, 0));
    const all = [...topics.values()].flatMap((topic) =>
      topic.partitions.map((_, partition) => ({ topic: topic.name, partition })),
    );
    const commits = [...(await readCommits(coordinator, name, all)).values()].map((commit) => ({
      ...commit,
      kept: keptOf(commit, topics.get(commit.topic)!.id),
    }));
    for (const one of partitions) {
      if (closing !== undefined || !member.has(one) || holds.get(nameOfPartition(one))?.lost === false) continue;
      const { topic, partition } = one;
      const ofTopic = commits.filter((commit) => commit.topic === topic);
      const found = ofTopic.find((commit) => commit.partition === partition)?.kept;
      // Members that begin at the same time see each other's progress: that alone does not make a partition a later one.
      const begun = ofTopic.some(({ kept }) => kept.count <= partition);
      hold({ ...one, progress: found?.progress, begun }, found?.count ?? topics.get(topic)!.partitions.length);
    }
  };

  const hold = (given: Omit<ForeignPartition, "ending" | "settle">, count: number): void => {
    const ending = new AbortController();
    const held: Hold = { ending, lost: false, done: Promise.resolve() };
    holds.set(nameOfPartition(given), held);
    held.done = own({
      ...{ ...given, ending: ending.signal },
      async settle(progress) {
        const commit = commitOf(given, progress, count);
        const { promise, resolve, reject } = Promise.withResolvers<void>();
        waiting.push({ held, commit, resolve, reject });
        void flush();
        await promise;
      },
    });
  };

  /** One commit at a time, of all that wait for one. */
  const flush = async (): Promise<void> => {
    if (committing) return;
    committing = true;
    while (waiting.length > 0) {
      const taken = waiting.splice(0);
      let kept: readonly Settlement[] = [];
      const take = (): PartitionCommit[] => {
        kept = taken.filter(({ held }) => !held.lost);
        if (kept.length === 0) throw lost(name);
        return kept.map(({ commit }) => commit);
      };
      try {
        await commitAsMember(cluster.settings, committer, take);
        for (const { resolve } of kept) resolve();
        // Those that were not kept: the others are answered already.
        for (const { reject } of taken) reject(lost(name));
      } catch (failure) {
        for (const { reject } of taken) reject(failure);
      }
    }
    committing = false;
  };

  const holdsOf = (partitions: readonly PartitionName[]): Hold[] =>
    partitions.flatMap((one) => holds.get(nameOfPartition(one)) ?? []);

  const release = async (held: readonly Hold[]): Promise<void> => {
    for (const { ending } of held) ending.abort();
    await endedWithin(runtime, Promise.all(held.map(({ done }) => done)), rebalanceTimeoutMs);
    for (const one of held) one.lost = true;
  };

  const member = new Member({
    ...{ cluster, coordinator, group: name, topics },
    host: {
      gain,
      release: (partitions) => release(holdsOf(partitions)),
      async lose(partitions) {
        for (const held of holdsOf(partitions)) {
          held.lost = true;
          held.ending.abort();
        }
      },
      onFailure: ({ code, message }) => logger?.warn({ code }, `The group ${name} goes on trying: ${message}`),
    },
  });
  const committer: Committer = { coordinator, member, group: name };

  const close = async (): Promise<void> => {
    await release([...holds.values()]);
    await member.close();
    onClose(face);
  };
  const face: ForeignMember = {
    close() {
      closing ??= close();
      return closing;
    },
  };
  try {
    await member.started;
  } catch (failure) {
    await face.close();
    throw failure;
  }
  return face;
}

/** Tools that look into groups see the next record, as of any other group. `count`: as of `Kept`. */
function commitOf(
  { topic, partition }: PartitionName,
  { epoch, offset, note }: ForeignProgress,
  count: number,
): PartitionCommit {
  checkNote(note);
  const next = parseOffset(offset, "progress.offset").record + 1n;
  return { topic, partition, offset: next, metadata: [LAYOUT, epoch, next, count, note].join(";") };
}

interface Kept {
  readonly progress: ForeignProgress;
  /** How many partitions the topic had when the group began with this one. */
  readonly count: number;
}

/** Where others have set the group's offset, that is where it goes on. */
function keptOf({ offset, metadata }: PartitionCommit, epochNow: string): Kept {
  const before = beforeRecord(offset);
  const [layout, epoch = "", next, count, ...note] = metadata.split(";");
  if (layout !== LAYOUT || next !== offset.toString()) {
    return { progress: { epoch: epochNow, offset: before, note: "" }, count: 0 };
  }
  return { progress: { epoch, offset: before, note: note.join(";") }, count: Number(count) };
}
