/** A topic's configuration as Pulsar's policies. */
import type { TopicConfig } from "@distribution/core/brokers";

/** What is kept although every subscription has it; -1: for ever. */
export interface RetentionPolicy {
  readonly retentionTimeInMinutes: number;
  readonly retentionSizeInMB: number;
}

const MINUTE_MS = 60_000;
const MB = 1024 * 1024;
/** Pulsar's numbers have 32 bits: what is more is for ever. */
const MOST = 2 ** 31 - 1;

/**
 * Rounded up, since Pulsar counts in minutes and MB: what must be kept is. A compacted topic is kept whole beside what its
 * compaction makes of it: Pulsar does not tell where a log ends of which it has deleted everything but that.
 */
export function retentionPolicy({
  retention,
  compaction,
}: Pick<TopicConfig, "retention" | "compaction">): RetentionPolicy {
  const { ms, bytes } = compaction ? {} : retention;
  const whole = (value: number | undefined, unit: number): number => {
    const units = value === undefined ? -1 : Math.ceil(value / unit);
    return units > MOST ? -1 : units;
  };
  return { retentionTimeInMinutes: whole(ms, MINUTE_MS), retentionSizeInMB: whole(bytes, MB) };
}

/** Bytes behind the last compaction from which the broker compacts by itself. */
export const COMPACTION_THRESHOLD = 16 * MB;
