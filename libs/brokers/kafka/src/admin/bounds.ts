/** Where partitions begin and end, and where in them a moment lies. */
import { FetchIsolationLevels, ListOffsetTimestamps, listOffsetsV7 } from "@platformatic/kafka";
import type { Cluster } from "../connection/cluster.ts";
import { askLeaders, assertAnswered, withCodes } from "../connection/leaders.ts";

/** Offsets of records: the first that is kept, and the one that the next append gets. */
export interface Bounds {
  readonly start: bigint;
  readonly end: bigint;
}

/** Of each of the partitions. Throws `unknown_topic`, `unavailable`. */
export async function readBounds(cluster: Cluster, name: string, partitions: readonly number[]): Promise<Bounds[]> {
  const [starts, ends] = await Promise.all([
    listOffsets(cluster, name, partitions, ListOffsetTimestamps.EARLIEST),
    listOffsets(cluster, name, partitions, ListOffsetTimestamps.LATEST),
  ]);
  return starts.map((start, at) => ({ start, end: ends[at]! > start ? ends[at]! : start }));
}

/** The first record appended at this moment or later, Unix ms; undefined: there is none yet. */
export async function findTime(
  cluster: Cluster,
  name: string,
  partition: number,
  ms: bigint,
): Promise<bigint | undefined> {
  const [offset] = await listOffsets(cluster, name, [partition], ms);
  return offset! < 0n ? undefined : offset!;
}

async function listOffsets(
  cluster: Cluster,
  name: string,
  partitions: readonly number[],
  timestamp: bigint,
): Promise<bigint[]> {
  const answers = await askLeaders(cluster, name, partitions, async (connection, asked) => {
    const wanted = asked.map((partitionIndex) => ({ partitionIndex, currentLeaderEpoch: -1, timestamp }));
    const request = [{ name, partitions: wanted }];
    const committed = FetchIsolationLevels.READ_COMMITTED;
    const { topics } = await withCodes(listOffsetsV7.api.async(connection, -1, committed, request));
    return topics.flatMap((topic) =>
      topic.partitions.map(({ partitionIndex, errorCode, offset }) => ({
        ...{ partition: partitionIndex, errorCode, offset },
      })),
    );
  });
  return answers.map((answer) => {
    assertAnswered(name, answer);
    return answer.offset;
  });
}
