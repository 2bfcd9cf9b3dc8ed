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
import type { Cluster } from "../connection/cluster.ts";
import { beforeRecord, compareOffsets } from "../offset.ts";
import { commitOf, readProgress } from "./commits.ts";
import { commitAsMember, lost } from "./committing.ts";
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

type PartitionProgress = PartitionName & { readonly progress: Progress };

export function createGroups({ cluster, read, onFailure }: GroupsHost): Groups {
  const { runtime, groupWindowEvents, groupWindowBytes, rebalanceTimeoutMs } = cluster.settings;
  const running = new Map<string, Running>();

  const write = async (
    { coordinator, member }: Running,
    group: string,
    parts: readonly (PartitionName & { take(): Progress })[],
  ): Promise<void> => {
    await commitAsMember(cluster.settings, { coordinator, member, group }, () => {
      if (!parts.every((part) => member.has(part))) throw lost(group);
      return parts.map((part) => commitOf(part, part.take()));
    });
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
    const commits = await readProgress(under.coordinator, engine.name, epochs, all);
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
