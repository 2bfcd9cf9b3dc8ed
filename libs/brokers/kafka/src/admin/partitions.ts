/** What is known of a topic's partitions, and deleting from their front. */
import type { PartitionInfo, Position } from "@distribution/core/brokers";
import { fieldError } from "@distribution/core/errors";
import { deleteRecordsV2, describeLogDirsV4 } from "@platformatic/kafka";
import type { Cluster, KnownTopic } from "../connection/cluster.ts";
import { CODE, isRefused, nameOf, unavailable } from "../connection/failures.ts";
import { askLeaders, assertAnswered, withCodes } from "../connection/leaders.ts";
import type { Density } from "../density.ts";
import { beforeRecord, parseOffset } from "../offset.ts";
import { readBounds } from "./bounds.ts";
import type { Topics } from "./topics.ts";

const DELETE_MS = 5_000;

/** One a partition, in order. Throws `unknown_topic`, `unavailable`. */
export async function readPartitions(
  cluster: Cluster,
  topics: Pick<Topics, "isCompacted">,
  name: string,
  density: Density,
): Promise<PartitionInfo[]> {
  // Asked for anew: it may have grown, or be gone.
  const topic = await cluster.topic(name, 0);
  const compacted = await topics.isCompacted(topic);
  const all = topic.partitions.map((_, partition) => partition);
  const [bounds, sizes] = await Promise.all([readBounds(cluster, name, all), readSizes(cluster, topic, all)]);
  return bounds.map(({ start, end }, partition) => ({
    ...{ topic: name, partition, epoch: topic.id, start: beforeRecord(start), end: beforeRecord(end) },
    // Compaction deletes from the middle, and Kafka does not say whether it has.
    ...(start > 0n || !compacted ? { whole: start === 0n } : {}),
    bytes: sizes.get(partition) ?? 0,
    events: density.estimate(topic.id, partition, end - start),
  }));
}

/** Bytes on the leaders' disks; what they do not tell is left out. */
async function readSizes(cluster: Cluster, topic: KnownTopic, all: readonly number[]): Promise<Map<number, number>> {
  const { name } = topic;
  const sizes = await askLeaders(cluster, name, all, async (connection, asked) => {
    const request = [{ name, partitions: [...asked] }];
    const { results } = await withCodes(describeLogDirsV4.api.async(connection, request));
    const found = new Map<number, number>();
    for (const { topics } of results)
      for (const { partitions } of topics)
        for (const { partitionIndex, partitionSize } of partitions) found.set(partitionIndex, Number(partitionSize));
    return asked.map((partition) => ({ partition, errorCode: CODE.NONE, bytes: found.get(partition) ?? 0 }));
  });
  return new Map(sizes.map(({ partition, bytes }) => [partition, bytes]));
}

/**
 * Deletes the records before the position, and its own when it is the record's last event. Throws `position_gone` for another
 * epoch or a place beyond the end.
 */
export async function truncate(cluster: Cluster, { topic: name, partition, epoch, offset }: Position): Promise<void> {
  const { record, index } = parseOffset(offset, "position.offset");
  const topic = await cluster.partition(name, partition);
  const [bounds] = await readBounds(cluster, name, [partition]);
  if (epoch !== topic.id || record >= bounds!.end) {
    const has = `${name}/${partition} has offsets up to ${beforeRecord(bounds!.end)} of epoch ${topic.id}`;
    throw fieldError("position_gone", "position", `${has}; take a position from partitions()`);
  }
  const before = index === undefined ? record + 1n : record;
  if (before <= bounds!.start) return;
  const [answer] = await askLeaders(cluster, name, [partition], async (connection, asked) => {
    const request = [{ name, partitions: asked.map((partitionIndex) => ({ partitionIndex, offset: before })) }];
    const { topics } = await withCodes(deleteRecordsV2.api.async(connection, request, DELETE_MS));
    return topics.flatMap(({ partitions }) =>
      partitions.map(({ partitionIndex, errorCode }) => ({ partition: partitionIndex, errorCode })),
    );
  });
  if (isRefused(answer!.errorCode)) throw unavailable(`Kafka does not let us delete from ${name}.`);
  if (answer!.errorCode === CODE.POLICY_VIOLATION) {
    const why = `${nameOf(CODE.POLICY_VIOLATION)}; its cleanup.policy must have delete: ensureTopic sets it`;
    throw fieldError("invalid_request", "position.topic", why);
  }
  assertAnswered(name, answer!);
}
