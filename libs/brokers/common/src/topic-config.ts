/** A topic's configuration as the contract bounds it, whatever engine it is for. */
import type { TopicConfig } from "@distribution/core/brokers";
import { fieldError } from "@distribution/core/errors";

const NAME = /^[a-z0-9-]+(\.[a-z0-9-]+)*$/;
const MAX_NAME = 200;
const MAX_PARTITIONS = 1024;

export const isTopicName = (name: string): boolean => name.length <= MAX_NAME && NAME.test(name);

/**
 * The configuration with nothing but its own fields. Throws `invalid_request` naming the field. `checkName`: throws for a
 * name that the contract allows and the engine does not.
 */
export function checkTopicConfig(config: TopicConfig, checkName?: (name: string) => void): TopicConfig {
  const { name, partitions, retention, compaction } = config;
  if (typeof name !== "string" || !isTopicName(name)) {
    throw fieldError("invalid_request", "name", "must be tokens of [a-z0-9-] joined by dots, at most 200 characters");
  }
  checkName?.(name);
  if (!Number.isInteger(partitions) || partitions < 1 || partitions > MAX_PARTITIONS) {
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
