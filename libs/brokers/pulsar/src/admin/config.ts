/** A topic's configuration: checked, and as Pulsar's policies. */
import type { TopicConfig } from "@distribution/core/brokers";
import { fieldError } from "@distribution/core/errors";
import { checkTopicName } from "../names.ts";

const NAME = /^[a-z0-9-]+(\.[a-z0-9-]+)*$/;

/** The configuration with nothing but its own fields. Throws `invalid_request`. */
export function checkConfig(config: TopicConfig): TopicConfig {
  const { name, partitions, retention, compaction } = config;
  if (typeof name !== "string" || name.length > 200 || !NAME.test(name)) {
    throw fieldError("invalid_request", "name", "must be tokens of [a-z0-9-] joined by dots, at most 200 characters");
  }
  checkTopicName(name);
  if (!Number.isInteger(partitions) || partitions < 1 || partitions > 1024) {
    throw fieldError("invalid_request", "partitions", `must be a whole number from 1 to 1024, not ${partitions}`);
  }
  const { ms, bytes } = retention;
  for (const [field, value] of Object.entries({ "retention.ms": ms, "retention.bytes": bytes })) {
    if (value !== undefined && (!Number.isSafeInteger(value) || value < 1)) {
      throw fieldError("invalid_request", field, `must be a whole number of at least 1, or absent, not ${value}`);
    }
  }
  const kept = { ...(ms === undefined ? {} : { ms }), ...(bytes === undefined ? {} : { bytes }) };
  return { name, partitions, retention: kept, compaction: compaction === true };
}

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
