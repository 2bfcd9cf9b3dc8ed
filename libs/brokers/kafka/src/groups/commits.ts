/** A group's progress in Kafka: the committed offset is the first record that is not settled, the rest is in its metadata. */
import { decodeProgress, encodeProgress, type PartitionName, type Progress } from "@distribution/broker-common";
import { offsetCommitV8, offsetFetchV8 } from "@platformatic/kafka";
import { beforeRecord, countedOffset, offsetCounted } from "../offset.ts";
import type { Coordinator } from "./coordinator.ts";

/** What brokers take unless told otherwise (`offset.metadata.max.bytes`). */
const MAX_METADATA_BYTES = 4096;

/** As whom the group's member commits. */
export interface Membership {
  readonly memberId: string;
  readonly generation: number;
}

/** What lies at the coordinator for one partition. */
export type PartitionCommit = PartitionName & {
  /** Of the next record. */
  readonly offset: bigint;
  readonly metadata: string;
};

/** Throws the coordinator's answer: whether the member is still one is the caller's to judge. */
export async function commit(
  coordinator: Coordinator,
  group: string,
  { memberId, generation }: Membership,
  parts: readonly PartitionCommit[],
): Promise<void> {
  const topics = [...Map.groupBy(parts, ({ topic }) => topic)].map(([name, all]) => ({
    name,
    partitions: all.map(({ partition, offset, metadata }) => ({
      ...{ partitionIndex: partition, committedOffset: offset, committedLeaderEpoch: -1, committedMetadata: metadata },
    })),
  }));
  await coordinator.ask((connection) =>
    offsetCommitV8.api.async(connection, group, generation, memberId, null, topics),
  );
}

/** What the group has committed of these partitions, by `topic/partition`; none where it has nothing. */
export async function readCommits(
  coordinator: Coordinator,
  group: string,
  partitions: readonly PartitionName[],
): Promise<Map<string, PartitionCommit>> {
  const topics = [...Map.groupBy(partitions, ({ topic }) => topic)].map(([name, all]) => ({
    name,
    partitionIndexes: all.map(({ partition }) => partition),
  }));
  const wanted = [{ groupId: group, memberId: null, memberEpoch: -1, topics }];
  const { groups } = await coordinator.ask((connection) => offsetFetchV8.api.async(connection, wanted, true));
  const found = new Map<string, PartitionCommit>();
  for (const { name, partitions: all } of groups[0]?.topics ?? []) {
    for (const { partitionIndex: partition, committedOffset: offset, metadata } of all) {
      if (offset < 0n) continue;
      found.set(`${name}/${partition}`, { topic: name, partition, offset, metadata: metadata ?? "" });
    }
  }
  return found;
}

/** As `readCommits`, of an engine's group. `epochs`: by topic, for what was committed by others. */
export async function readProgress(
  coordinator: Coordinator,
  group: string,
  epochs: ReadonlyMap<string, string>,
  partitions: readonly PartitionName[],
): Promise<Map<string, Progress>> {
  const commits = await readCommits(coordinator, group, partitions);
  return new Map(
    [...commits].map(([name, { topic, offset, metadata }]) => [
      name,
      progressOf(offset, metadata, epochs.get(topic) ?? ""),
    ]),
  );
}

export const commitOf = ({ topic, partition }: PartitionName, progress: Progress): PartitionCommit => ({
  ...{ topic, partition, offset: committedOffset(progress), metadata: metadataOf(progress) },
});

const committedOffset = ({ floor }: Progress): bigint => BigInt(countedOffset(floor).split(".")[0]!);

export function metadataOf({ epoch, floor, above, attempts }: Progress): string {
  const counted: Progress = {
    epoch,
    floor: countedOffset(floor),
    above: above.map(([from, to]) => [countedOffset(from), countedOffset(to)]),
    attempts: attempts.map(([offset, times]) => [countedOffset(offset), times]),
  };
  return encodeProgress(counted, MAX_METADATA_BYTES);
}

/** Back from a commit. Without our metadata (somebody has set the group's offset) the offset is all there is. */
export function progressOf(committed: bigint, metadata: string, epoch: string): Progress {
  const read = decodeProgress(metadata);
  if (read === undefined || !read.floor.startsWith(`${committed}.`)) {
    return { epoch, floor: beforeRecord(committed), above: [], attempts: [] };
  }
  return {
    epoch: read.epoch,
    floor: offsetCounted(read.floor),
    above: read.above.map(([from, to]) => [offsetCounted(from), offsetCounted(to)]),
    attempts: read.attempts.map(([offset, times]) => [offsetCounted(offset), times]),
  };
}
