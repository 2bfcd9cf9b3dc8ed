/** Asks the leaders of a topic's partitions, each once for all of its partitions, and again where they have moved. */
import { pause } from "@distribution/core/runtime";
import type { Connection } from "@platformatic/kafka";
import type { Cluster, KnownTopic } from "./cluster.ts";
import { answerOf, CODE, isMoved, isPassing, nameOf, unavailable } from "./failures.ts";
import { pauseMs } from "./gate.ts";

/** What a leader answered about one partition. */
export interface LeaderAnswer {
  readonly partition: number;
  readonly errorCode: number;
}

/**
 * One answer a partition of `partitions`, in that order; a code in it is the caller's to judge, unless it passes by itself
 * or says that the leader is another one. `send` gets the partitions of one leader and gives an answer for each.
 */
export async function askLeaders<T extends LeaderAnswer>(
  cluster: Cluster,
  name: string,
  partitions: readonly number[],
  send: (connection: Connection, partitions: readonly number[]) => Promise<readonly T[]>,
): Promise<T[]> {
  const { runtime, requestTimeoutMs } = cluster.settings;
  const until = runtime.clock.monotonicMs() + requestTimeoutMs;
  const answers = new Map<number, T>();
  for (let failures = 0; answers.size < partitions.length; failures += 1) {
    if (failures > 0) {
      if (runtime.clock.monotonicMs() > until) throw unavailable(`Partitions of ${name} have no leader just now.`);
      await pause(runtime, pauseMs(failures, runtime) + 5);
    }
    const topic = await cluster.topic(name, failures === 0 ? undefined : 0);
    const missing = partitions.filter((partition) => !answers.has(partition));
    await Promise.all(
      [...byLeader(cluster, topic, missing)].map(async ([leader, asked]) => {
        const found = await cluster.ask(
          () => leader,
          (connection) => send(connection, asked),
        );
        for (const answer of found) {
          if (!isMoved(answer.errorCode) && !isPassing(answer.errorCode)) answers.set(answer.partition, answer);
        }
      }),
    );
  }
  return partitions.map((partition) => answers.get(partition)!);
}

/** Of the partitions that have one. */
function byLeader(cluster: Cluster, topic: KnownTopic, partitions: readonly number[]): Map<number, number[]> {
  const groups = new Map<number, number[]>();
  for (const partition of partitions) {
    const leader = cluster.leaderOf(topic, partition);
    if (leader === undefined) continue;
    const group = groups.get(leader);
    if (group === undefined) groups.set(leader, [partition]);
    else group.push(partition);
  }
  return groups;
}

/** The answer itself, also when the client takes a code in it for a failure. */
export const withCodes = <T>(answer: Promise<T>): Promise<T> =>
  answer.catch((failure: unknown) => answerOf<T>(failure));

export function assertAnswered(name: string, { partition, errorCode }: LeaderAnswer): void {
  if (errorCode === CODE.NONE) return;
  throw unavailable(`Kafka does not answer about ${name}/${partition}: ${nameOf(errorCode)}.`);
}
