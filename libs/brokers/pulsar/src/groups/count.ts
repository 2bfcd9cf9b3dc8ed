/** Counts the events of a partition that a group has not settled. */
import { countEvents } from "@distribution/broker-common";
import type { Offset, PartitionInfo, PartitionReader, ReadFrom } from "@distribution/core/brokers";
import { DistributionError } from "@distribution/core/errors";

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
  const at = isKept ? after : start;
  if (compareOffsets(at, end) >= 0) return 0;
  const reader = await read(topic, partition, { after: { epoch, offset: at } });
  try {
    const counted = await countEvents(reader, {
      upTo: end,
      except,
      compareOffsets,
      maxBytes: Number.POSITIVE_INFINITY,
    });
    if (counted.upTo === end) return counted.events;
    return counted.events + Math.round(events * (await shareAfter(topic, partition, counted.upTo)));
  } catch (failure) {
    if (failure instanceof DistributionError && failure.code === "position_gone") return events;
    throw failure;
  }
}
