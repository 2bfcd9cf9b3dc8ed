/** The admin face: topics as they are ensured, what of partitions is kept, lag, truncation, maintenance. */
import type { BrokerAdmin } from "@distribution/core/brokers";
import { fieldError } from "@distribution/core/errors";
import { partitionPath, topicPath } from "../names.ts";
import { comparePlaces, parseOffset } from "../offset.ts";
import { pause } from "../pause.ts";
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

const AT_A_TIME = 16;
const LOOK_EVERY_MS = 50;
/** The compaction runs already; or there is nothing to trim. */
const CONFLICT = 409;

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

  const compact = async (topic: Topic): Promise<void> => {
    const { name } = topic.config;
    await each(topic, async (partition) => {
      const path = `${partitionPath(settings, name, partition)}/compaction`;
      await rest.send("PUT", path, { also: [CONFLICT] });
      const until = settings.runtime.clock.monotonicMs() + settings.adminTimeoutMs;
      while ((await rest.get<{ status: string }>(path))?.status === "RUNNING") {
        // A long one goes on by itself.
        if (settings.runtime.clock.monotonicMs() >= until) return;
        await pause(settings.runtime, LOOK_EVERY_MS);
      }
    });
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
      for (const { name } of await topics.list()) {
        const topic = await topics.get(name);
        await rest.send("POST", `${topicPath(settings, name)}/trim`, { also: [CONFLICT] });
        if (topic.config.compaction) await compact(topic);
      }
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
