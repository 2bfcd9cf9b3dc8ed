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
 * Of a compacted topic's log beside what its compaction makes of it, MB. Pulsar keeps what it has not compacted yet whatever
 * this is. By size, the newest ledger with events always stays, without which Pulsar does not tell where the log ends.
 */
const COMPACTED_LOG_MB = 1;

/** Rounded up, since Pulsar counts in minutes and MB: what must be kept is. */
export function retentionPolicy({
  retention,
  compaction,
}: Pick<TopicConfig, "retention" | "compaction">): RetentionPolicy {
  if (compaction) return { retentionTimeInMinutes: -1, retentionSizeInMB: COMPACTED_LOG_MB };
  const { ms, bytes } = retention;
  const whole = (value: number | undefined, unit: number): number => {
    const units = value === undefined ? -1 : Math.ceil(value / unit);
    return units > MOST ? -1 : units;
  };
  return { retentionTimeInMinutes: whole(ms, MINUTE_MS), retentionSizeInMB: whole(bytes, MB) };
}

/** Bytes behind the last compaction from which the broker compacts by itself. */
export const COMPACTION_THRESHOLD = 16 * MB;

/**
 * Seconds between two snapshots of the sequence ids that deduplication knows. Retention keeps what follows the last one, and by
 * count there is one every 1,000 entries only.
 */
export const SNAPSHOT_INTERVAL_S = 30;
