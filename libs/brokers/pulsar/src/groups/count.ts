/** Counts the events of a partition that a group has not settled. */
import type { Offset, PartitionInfo, PartitionReader, ReadFrom } from "@distribution/core/brokers";
import { DistributionError } from "@distribution/core/errors";

/** Records that are counted one by one; what lies behind them is estimated. */
const COUNTED_RECORDS = 10_000;
const READ_BYTES = 1024 * 1024;

export interface Uncounted {
  readonly epoch: string;
  readonly after: Offset;
  /** From and to, both inclusive, ascending: not to be counted. */
  readonly except: readonly (readonly [from: Offset, to: Offset])[];
}

export interface CountParts {
  compareOffsets(a: Offset, b: Offset): number;
  read(topic: string, partition: number, from: ReadFrom): Promise<PartitionReader>;
  /** Which part of the partition's records comes after the position: 0 to 1. */
  shareAfter(topic: string, partition: number, offset: Offset): Promise<number>;
}

/** Events between a position and the end. A position that is gone counts from the oldest event kept. */
export async function countAfter(
  { compareOffsets, read, shareAfter }: CountParts,
  { topic, partition, end, start, epoch, events }: PartitionInfo,
  { epoch: thenEpoch, after, except }: Uncounted,
): Promise<number> {
  const isKept = thenEpoch === epoch && compareOffsets(after, start) >= 0;
  let at = isKept ? after : start;
  if (compareOffsets(at, end) >= 0) return 0;
  const reader = await read(topic, partition, { after: { epoch, offset: at } });
  let count = 0;
  let records = 0;
  let range = 0;
  try {
    while (compareOffsets(at, end) < 0) {
      for (const stored of await reader.next(READ_BYTES)) {
        records += 1;
        const { length } = except;
        at = stored.offsetAt(stored.batch.count - 1);
        while (range < length && compareOffsets(except[range]![1], stored.offsetAt(0)) < 0) range += 1;
        count += stored.batch.count;
        if (range === length || compareOffsets(except[range]![0], at) > 0) continue;
        for (let event = 0; event < stored.batch.count; event += 1) {
          const offset = stored.offsetAt(event);
          if (except.some(([from, to]) => compareOffsets(from, offset) <= 0 && compareOffsets(offset, to) <= 0))
            count -= 1;
        }
      }
      if (records >= COUNTED_RECORDS) return count + Math.round(events * (await shareAfter(topic, partition, at)));
    }
    return count;
  } catch (failure) {
    if (failure instanceof DistributionError && failure.code === "position_gone") return events;
    throw failure;
  } finally {
    await reader.close();
  }
}
