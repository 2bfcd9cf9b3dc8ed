/** A topic's configuration in our words and in Kafka's. */
import type { TopicConfig } from "@distribution/core/brokers";
import type { Settings } from "../options.ts";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const MiB = 1024 * 1024;

/** Headers, keys and the record batch's own header, beside the events that a record batch holds, bytes. */
export const RECORD_ROOM = 64 * 1024;

const LARGEST = "max.message.bytes";

/** What is read back to know how a topic is set. */
export const READ_BACK: readonly string[] = [
  ...["cleanup.policy", "retention.ms", "retention.bytes", "segment.ms", "segment.bytes"],
  ...["message.timestamp.type", LARGEST, "unclean.leader.election.enable", "min.insync.replicas"],
];

/**
 * As Kafka sets it. Segments are cut so that retention, which deletes whole ones, is late by a quarter of what it keeps at
 * most. A compacted topic has `delete` too, without which records cannot be deleted on demand.
 */
export function kafkaConfig({ retention, compaction }: TopicConfig, settings: Settings): Record<string, string> {
  const { ms, bytes } = retention;
  const { maxBatchBytes, minInsyncReplicas } = settings;
  const largest = maxBatchBytes + RECORD_ROOM;
  return {
    "cleanup.policy": compaction ? "compact,delete" : "delete",
    "retention.ms": String(ms ?? -1),
    "retention.bytes": String(bytes ?? -1),
    "segment.ms": String(clamp((ms ?? Number.MAX_SAFE_INTEGER) / 4, MINUTE, 7 * DAY)),
    "segment.bytes": String(clamp((bytes ?? Number.MAX_SAFE_INTEGER) / 4, Math.max(MiB, largest), 1024 * MiB)),
    "message.timestamp.type": "LogAppendTime",
    [LARGEST]: String(largest),
    "unclean.leader.election.enable": "false",
    ...(minInsyncReplicas === undefined ? {} : { "min.insync.replicas": String(minInsyncReplicas) }),
  };
}

/** What is to be changed of a topic that has these settings. Another process may append larger batches: that bound only grows. */
export function changesOf(
  wanted: Readonly<Record<string, string>>,
  had: ReadonlyMap<string, string | null>,
): [name: string, value: string][] {
  return Object.entries(wanted).filter(([name, value]) => {
    const is = had.get(name);
    return name === LARGEST && is != null ? Number(is) < Number(value) : is !== value;
  });
}

const clamp = (value: number, least: number, most: number): number =>
  Math.round(Math.min(Math.max(value, least), most));

/** Back from Kafka's. */
export function topicConfigOf(
  name: string,
  partitions: number,
  configs: ReadonlyMap<string, string | null>,
): TopicConfig {
  const ms = bound(configs.get("retention.ms"));
  const bytes = bound(configs.get("retention.bytes"));
  const retention = { ...(ms === undefined ? {} : { ms }), ...(bytes === undefined ? {} : { bytes }) };
  return { name, partitions, retention, compaction: isCompacted(configs) };
}

export const isCompacted = (configs: ReadonlyMap<string, string | null>): boolean =>
  (configs.get("cleanup.policy") ?? "").split(",").some((policy) => policy.trim() === "compact");

function bound(text: string | null | undefined): number | undefined {
  const value = Number(text ?? -1);
  return value < 0 || !Number.isSafeInteger(value) ? undefined : value;
}
