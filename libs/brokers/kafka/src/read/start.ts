/** Where a reader begins. */
import type { ReadFrom } from "@distribution/core/brokers";
import { fieldError } from "@distribution/core/errors";
import { findTime, readBounds } from "../admin/bounds.ts";
import type { Cluster } from "../connection/cluster.ts";
import { beforeRecord, parseOffset } from "../offset.ts";
import { gone } from "./source.ts";

export interface Start {
  readonly epoch: string;
  /** Of the first record to fetch. */
  readonly record: bigint;
  /** Events of that record up to and including this one were read before; undefined: none. */
  readonly read: number | undefined;
  /** The position before the first event. */
  readonly offset: string;
}

const MS = 1_000_000n;

/** Throws `unknown_topic`, `invalid_request`, `position_gone`, `unavailable`. */
export async function findStart(cluster: Cluster, name: string, partition: number, from: ReadFrom): Promise<Start> {
  if ("time" in from && typeof from.time !== "bigint") {
    throw fieldError("invalid_request", "from.time", "must be Unix nanoseconds as a bigint");
  }
  if ("at" in from && from.at !== "earliest" && from.at !== "latest") {
    throw fieldError("invalid_request", "from.at", `must be earliest or latest, not ${String(from.at)}`);
  }
  const after = "after" in from ? parseOffset(from.after.offset, "from.after.offset") : undefined;
  // Asked for anew: an epoch is compared with what is there now.
  await cluster.topic(name, 0);
  const { id: epoch } = await cluster.partition(name, partition);
  const [bounds] = await readBounds(cluster, name, [partition]);
  const { start, end } = bounds!;
  const whole = (record: bigint): Start => ({ epoch, record, read: undefined, offset: beforeRecord(record) });
  if ("at" in from) return whole(from.at === "earliest" ? start : end);
  if ("time" in from) {
    const found = from.time <= 0n ? start : await findTime(cluster, name, partition, (from.time + MS - 1n) / MS);
    // The end as it was before: what is appended in between is newer than the time.
    return whole(found ?? end);
  }
  const place = { topic: name, partition, epoch };
  if (from.after.epoch !== epoch) throw gone(place, `epoch ${from.after.epoch} is over, it is epoch ${epoch} now`);
  const { record, index } = after!;
  const first = index === undefined ? record + 1n : record;
  if (first < start || first > end || (index !== undefined && first === end)) {
    const has = `the log has what is after ${beforeRecord(start)}, up to ${beforeRecord(end)}`;
    throw gone(place, `${from.after.offset} is not in it: ${has}`);
  }
  return { epoch, record: first, read: index, offset: from.after.offset };
}
