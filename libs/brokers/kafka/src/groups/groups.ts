/** Groups of competing consumers: Kafka gives a group's partitions to processes, the engine gives a process's events to members. */
import {
  createGroups as createEngine,
  type EngineGroup,
  type PartitionName,
  type Progress,
  type ProgressPart,
} from "@distribution/broker-common";
import type { GroupMember, GroupOptions, PartitionReader, ReadFrom } from "@distribution/core/brokers";
import type { DistributionError } from "@distribution/core/errors";
import { readBounds } from "../admin/bounds.ts";
import { asUnavailable, type Cluster } from "../connection/cluster.ts";
import { CODE, codeOf, unavailable } from "../connection/failures.ts";
import { beforeRecord, compareOffsets } from "../offset.ts";
import { commit, type PartitionProgress, readCommits } from "./commits.ts";
import { type Coordinator, createCoordinator } from "./coordinator.ts";
import { Member, type MemberHost, nameOfPartition } from "./member.ts";

export interface Groups {
  join(options: GroupOptions): Promise<GroupMember>;
  find(name: string): EngineGroup | undefined;
  /** The topic was changed here: the groups that consume it look at it now. */
  refresh(topic: string): void;
  close(): Promise<void>;
}

export interface GroupsHost {
  readonly cluster: Cluster;
  read(topic: string, partition: number, from: ReadFrom): Promise<PartitionReader>;
  onFailure(error: DistributionError): void;
}

/** A group that runs here. */
interface Running {
  readonly coordinator: Coordinator;
  readonly member: Member;
}

export function createGroups({ cluster, read, onFailure }: GroupsHost): Groups {
  const { runtime, groupWindowEvents, groupWindowBytes, rebalanceTimeoutMs, requestTimeoutMs } = cluster.settings;
  const running = new Map<string, Running>();

  const write = async (
    { coordinator, member }: Running,
    group: string,
    parts: readonly (PartitionName & { take(): Progress })[],
  ): Promise<void> => {
    const until = runtime.clock.monotonicMs() + requestTimeoutMs;
    for (;;) {
      const { membership } = member;
      if (membership !== undefined) {
        if (!parts.every((part) => member.has(part))) throw lost(group);
        try {
          const progress = parts.map((part): PartitionProgress => {
            const { topic, partition } = part;
            return { topic, partition, progress: part.take() };
          });
          await commit(coordinator, group, membership, progress);
          return;
        } catch (failure) {
          const code = codeOf(failure);
          if (code === CODE.UNKNOWN_MEMBER_ID || code === CODE.FENCED_INSTANCE_ID) {
            member.forgotten();
            throw lost(group, failure);
          }
          if (code !== CODE.REBALANCE_IN_PROGRESS && code !== CODE.ILLEGAL_GENERATION) throw asUnavailable(failure);
        }
      }
      const left = until - runtime.clock.monotonicMs();
      if (left <= 0) throw unavailable(`The group ${group} is being rebalanced; ack again shortly.`);
      const { membership: now } = member;
      if (now === undefined || now.generation === membership?.generation) await member.nextRound(left);
    }
  };

  /** Where a group begins that has nothing of a partition. One that has others of the topic has run: this one is new, and all of it is wanted. */
  const begin = async (
    missing: readonly PartitionName[],
    from: GroupOptions["from"],
    ran: ReadonlySet<string>,
  ): Promise<PartitionProgress[]> => {
    const found: PartitionProgress[] = [];
    for (const [topic, all] of Map.groupBy(missing, (one) => one.topic)) {
      const { id: epoch } = await cluster.topic(topic);
      const partitions = all.map(({ partition }) => partition);
      const bounds = await readBounds(cluster, topic, partitions);
      for (const [at, { start, end }] of bounds.entries()) {
        const floor = beforeRecord(from === "latest" && !ran.has(topic) ? end : start);
        found.push({ topic, partition: partitions[at]!, progress: { epoch, floor, above: [], attempts: [] } });
      }
    }
    return found;
  };

  const gain = async (
    engine: EngineGroup,
    from: GroupOptions["from"],
    partitions: readonly PartitionName[],
  ): Promise<void> => {
    const under = running.get(engine.name)!;
    const topics = [...new Set(partitions.map(({ topic }) => topic))];
    const epochs = new Map<string, string>();
    const all: PartitionName[] = [];
    for (const topic of topics) {
      const known = await cluster.topic(topic);
      epochs.set(topic, known.id);
      all.push(...known.partitions.map((_, partition) => ({ topic, partition })));
    }
    const commits = await readCommits(under.coordinator, engine.name, epochs, all);
    const ran = new Set(all.filter((one) => commits.has(nameOfPartition(one))).map(({ topic }) => topic));
    const missing = partitions.filter((one) => !commits.has(nameOfPartition(one)));
    const begun = await begin(missing, from, ran);
    if (begun.length > 0) {
      await write(
        under,
        engine.name,
        begun.map(({ topic, partition, progress }) => ({ topic, partition, take: () => progress })),
      );
    }
    const fresh = new Map(begun.map((one) => [nameOfPartition(one), one.progress]));
    for (const one of partitions) {
      const name = nameOfPartition(one);
      if (under.member.has(one)) engine.add({ ...one, progress: commits.get(name) ?? fresh.get(name)! });
    }
  };

  const engine = createEngine({
    ...{ runtime, compareOffsets, read, onFailure },
    windowEvents: groupWindowEvents,
    windowBytes: groupWindowBytes,
    async store(name, parts: readonly ProgressPart[]) {
      const under = running.get(name);
      if (under === undefined) throw lost(name);
      await write(under, name, parts);
    },
    async start(group, { name, topics, from }) {
      const coordinator = createCoordinator(cluster, name);
      const host: MemberHost = {
        gain: (partitions) => gain(group, from, partitions),
        release: (partitions) => group.remove(partitions, { waitMs: rebalanceTimeoutMs }),
        lose: (partitions) => group.remove(partitions, { lost: true }),
        onFailure,
      };
      const member = new Member({ cluster, coordinator, group: name, topics, host });
      running.set(name, { coordinator, member });
      const close = async (): Promise<void> => {
        await member.close();
        if (running.get(name)?.member === member) running.delete(name);
      };
      try {
        await member.started;
      } catch (failure) {
        await close();
        throw failure;
      }
      return { close };
    },
  });

  return {
    async join(options) {
      for (const topic of options.topics ?? []) await cluster.topic(topic, 0);
      return engine.join(options);
    },
    find: (name) => engine.find(name),
    refresh(topic) {
      for (const group of engine.running()) if (group.topics.includes(topic)) running.get(group.name)?.member.rejoin();
    },
    close: () => engine.close(),
  };
}

const lost = (group: string, cause?: unknown): DistributionError =>
  unavailable(`The group ${group} has given the partition to another member; its events come again there.`, cause);
