/** What of a partition is there to be read, and whether what a reader asks for still is. */
import { DistributionError } from "@distribution/core/errors";
import type { Topic } from "../admin/properties.ts";
import type { PartitionStats } from "../admin/stats.ts";
import { BEGINNING, beforeEntry, compareEntries, comparePlaces, formatOffset, laterOf, type Place } from "../offset.ts";

/** Whether retention cannot have deleted anything: not yet, nothing was there, or not as far as the first event's ledger. */
export function isWhole(topic: Topic, partition: number, { ledgers }: PartitionStats, nowMs: number): boolean {
  if (nowMs < topic.wholeUntil) return true;
  const first = topic.firstLedgers.get(partition);
  if (first === undefined) return true;
  const oldest = ledgers[0]?.id;
  return oldest !== undefined && oldest <= first;
}

/** The position before the oldest event that is kept. */
export function startOf(topic: Topic, partition: number, stats: PartitionStats, nowMs: number): Place {
  const oldest = stats.ledgers[0];
  const kept =
    isWhole(topic, partition, stats, nowMs) || oldest === undefined
      ? BEGINNING
      : beforeEntry({ ledger: oldest.id, entry: 0n });
  const floor = topic.floors.get(partition);
  return floor === undefined ? kept : laterOf(floor, kept);
}

/** Throws `position_gone` when events after the place were deleted, or the log does not reach to it. */
export function assertKept(topic: Topic, partition: number, stats: PartitionStats, place: Place, nowMs: number): void {
  const start = startOf(topic, partition, stats, nowMs);
  if (comparePlaces(place, start) < 0)
    throw positionGone(topic, partition, place, `the log begins after ${formatOffset(start)}`);
  if (comparePlaces(place, start) === 0) return;
  const { last, ledgers } = stats;
  if (last === undefined || compareEntries(place, last) > 0) {
    const end = last === undefined ? formatOffset(start) : `${last.ledger}.${last.entry}`;
    // Before an entry that comes next is at the end.
    const next = last === undefined || place.index === 0;
    if (!next || place.ledger !== ledgers.at(-1)?.id)
      throw positionGone(topic, partition, place, `the log ends at ${end}`);
    return;
  }
  if (isWhole(topic, partition, stats, nowMs)) return;
  const ledger = ledgers.find(({ id }) => id === place.ledger);
  if (ledger === undefined || place.entry >= ledger.entries) {
    throw positionGone(topic, partition, place, "its part of the log is gone");
  }
}

export const positionGone = ({ config }: Topic, partition: number, place: Place, why: string): DistributionError =>
  new DistributionError(
    "position_gone",
    `${config.name}/${partition} offset ${formatOffset(place)}: ${why}. Read from earliest.`,
  );
