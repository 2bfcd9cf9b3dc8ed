/** Retention: the oldest records go when they are older than the topic keeps them, or when the partition is too large. */
import type { TopicConfig } from "@distribution/core/brokers";
import type { Clock } from "@distribution/core/runtime";
import type { Partition } from "../log/partition.ts";
import { type Maintained, trim } from "./trim.ts";

export async function retain(
  maintained: Maintained,
  partition: Partition,
  { ms, bytes }: TopicConfig["retention"],
  clock: Clock,
): Promise<void> {
  if (ms === undefined && bytes === undefined) return;
  const oldest = ms === undefined ? undefined : clock.wallNs() - BigInt(ms) * 1_000_000n;
  await trim(
    maintained,
    partition,
    (record, bytesLeft) =>
      (oldest !== undefined && record.appendedAt < oldest) || (bytes !== undefined && bytesLeft > bytes),
  );
}
