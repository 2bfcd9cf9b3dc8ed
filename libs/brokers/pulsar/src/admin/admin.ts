/** The admin face: topics as they are ensured, what of partitions is kept, lag, truncation, maintenance. */
import type { BrokerAdmin } from "@distribution/core/brokers";
import { DistributionError, fieldError } from "@distribution/core/errors";
import { pause } from "@distribution/core/runtime";
import { partitionPath, topicPath } from "../names.ts";
import { comparePlaces, parseOffset } from "../offset.ts";
import { assertKept, positionGone, startOf } from "../read/bounds.ts";
import { type ReadParts, wallMs } from "../read/opening.ts";
import type { PartitionInfoOf } from "./info.ts";
import type { Topic } from "./properties.ts";
import type { Rest } from "./rest.ts";
import type { PartitionStats } from "./stats.ts";

export interface AdminOptions extends Pick<ReadParts, "settings" | "topics"> {
  readonly rest: Rest;
  readonly info: PartitionInfoOf;
  lag(group: string, topic: string): Promise<readonly number[]>;
}

/** As Pulsar says it; the error is of the last one that failed. */
interface CompactionStatus {
  readonly status: "NOT_RUN" | "RUNNING" | "SUCCESS" | "ERROR";
  readonly lastError?: string | null;
}

const AT_A_TIME = 16;
const LOOK_EVERY_MS = 50;
/** The compaction runs already; or there is nothing to trim. */
const CONFLICT = 409;

const notCompacted = (topic: string, partition: number, why: string): DistributionError =>
  new DistributionError(
    "unavailable",
    `Pulsar did not compact ${topic}/${partition}: ${why || "it gives no reason"}; nothing is lost, try again.`,
  );

export function createAdmin(options: AdminOptions): BrokerAdmin {
  const { topics, settings, rest, info } = options;

  /** One partition after the other, some at a time. */
  const each = async <T>(topic: Topic, run: (partition: number) => Promise<T>): Promise<T[]> => {
    const done: T[] = [];
    for (let from = 0; from < topic.config.partitions; from += AT_A_TIME) {
      const count = Math.min(AT_A_TIME, topic.config.partitions - from);
      done.push(...(await Promise.all(Array.from({ length: count }, (_, at) => run(from + at)))));
    }
    return done;
  };

  /** Of those that failed: one that cannot be compacted does not keep the others from it. */
  const compact = async (topic: Topic): Promise<DistributionError[]> => {
    const { name } = topic.config;
    const failures = await each(topic, async (partition) => {
      const path = `${partitionPath(settings, name, partition)}/compaction`;
      await rest.send("PUT", path, { also: [CONFLICT] });
      const until = settings.runtime.clock.monotonicMs() + settings.adminTimeoutMs;
      for (;;) {
        const { status, lastError } = (await rest.get<CompactionStatus>(path)) ?? {};
        if (status === "ERROR") return notCompacted(name, partition, lastError ?? "");
        // Asked for, and never run: who was asked has the partition no more.
        if (status === "NOT_RUN") return notCompacted(name, partition, "another of its brokers has the partition now");
        // A long one goes on by itself.
        if (status !== "RUNNING" || settings.runtime.clock.monotonicMs() >= until) return undefined;
        await pause(settings.runtime, LOOK_EVERY_MS);
      }
    });
    return failures.filter((failure) => failure !== undefined);
  };

  return {
    ensureTopic: (config) => topics.ensure(config),
    topics: () => topics.list(),
    async partitions(name) {
      const topic = await topics.refresh(name);
      return each(topic, (partition) => info(name, partition));
    },
    lag: (group, topic) => options.lag(group, topic),
    async truncate({ topic: name, partition, epoch, offset }) {
      const place = parseOffset(offset, "position.offset");
      await topics.partition(name, partition);
      const [topic, stats] = await Promise.all([topics.refresh(name), topics.stats(name, partition)]);
      if (epoch !== topic.epoch) {
        throw positionGone(topic, partition, place, `epoch ${epoch} is over, it is epoch ${topic.epoch} now`);
      }
      assertNotBeyond(topic, partition, stats, place);
      await topics.cut(name, partition, place);
    },
    deleteTopic: (name) => topics.delete(name),
    async maintain() {
      const failures: DistributionError[] = [];
      for (const { name } of await topics.list()) {
        const topic = await topics.get(name);
        await rest.send("POST", `${topicPath(settings, name)}/trim`, { also: [CONFLICT] });
        if (topic.config.compaction) failures.push(...(await compact(topic)));
      }
      if (failures.length > 0) throw failures[0];
    },
  };

  function assertNotBeyond(
    topic: Topic,
    partition: number,
    stats: PartitionStats,
    place: ReturnType<typeof parseOffset>,
  ): void {
    const nowMs = wallMs(settings);
    // What was truncated before may be truncated again.
    if (comparePlaces(place, startOf(topic, partition, stats, nowMs)) <= 0) return;
    try {
      assertKept(topic, partition, stats, place, nowMs);
    } catch {
      throw fieldError(
        "position_gone",
        "position",
        `${topic.config.name}/${partition} has no such position; take one from partitions()`,
      );
    }
  }
}
