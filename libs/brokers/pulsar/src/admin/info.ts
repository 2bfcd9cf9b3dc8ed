/** What of one partition is kept, in the contract's words. */
import type { PartitionInfo } from "@distribution/core/brokers";
import { comparePlaces, formatOffset } from "../offset.ts";
import { isWhole, startOf } from "../read/bounds.ts";
import { type ReadParts, wallMs } from "../read/opening.ts";

export interface InfoParts extends Pick<ReadParts, "settings" | "topics" | "ends"> {
  /** Events an entry, on average, as far as it is known. */
  eventsPerEntry(topic: string): number | undefined;
}

/** Of a topic as it was last seen: ask for it before, where it may have changed. */
export type PartitionInfoOf = (topic: string, partition: number) => Promise<PartitionInfo>;

export function createPartitionInfo({ settings, topics, ends, eventsPerEntry }: InfoParts): PartitionInfoOf {
  return async (name, partition) => {
    const [topic, stats] = await Promise.all([topics.get(name), topics.stats(name, partition)]);
    const nowMs = wallMs(settings);
    const start = startOf(topic, partition, stats, nowMs);
    const end = stats.last === undefined ? undefined : await ends.of(name, partition, stats.last);
    const empty = end === undefined || comparePlaces(end.place, start) <= 0;
    const perEntry = eventsPerEntry(name) ?? end?.place.index ?? 1;
    const whole = isWhole(topic, partition, stats, nowMs) && !topic.floors.has(partition);
    return {
      ...{ topic: name, partition, epoch: topic.epoch, start: formatOffset(start) },
      end: formatOffset(empty ? start : end.place),
      ...(whole ? { whole } : {}),
      bytes: empty ? 0 : stats.bytes,
      events: empty ? 0 : Math.max(1, Math.round(stats.entries * perEntry)),
    };
  };
}
