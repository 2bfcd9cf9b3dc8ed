/** Counts the events of a partition between two positions, as far as that is cheap: for a group's lag on logs that cannot say. */
import type { Offset, PartitionReader, StoredBatch } from "@distribution/core/brokers";
import { Ahead } from "./ahead.ts";

export interface CountOptions {
  /** The last position to count, for example the end of the partition. */
  readonly upTo: Offset;
  /** From and to, both inclusive, ascending and disjoint: not counted. */
  readonly except: readonly (readonly [from: Offset, to: Offset])[];
  compareOffsets(a: Offset, b: Offset): number;
  /** Batches to look at, as the reader gives them: records, on a foreign log. Default 10,000. */
  readonly maxBatches?: number;
  /** Bytes of events to look at. Default 64 MiB. */
  readonly maxBytes?: number;
}

export interface Counted {
  readonly events: number;
  /** What the count goes up to: `upTo`, or where a bound ended it, and what follows is to be estimated. */
  readonly upTo: Offset;
}

const READ_BYTES = 1024 * 1024;

/** From the reader's start on. Closes the reader. Throws what it throws. */
export async function countEvents(reader: PartitionReader, options: CountOptions): Promise<Counted> {
  const { upTo, compareOffsets, maxBatches = 10_000, maxBytes = 64 * READ_BYTES } = options;
  const except = new Ahead(compareOffsets, options.except);
  let at = reader.start.offset;
  let [events, batches, bytes] = [0, 0, 0];
  try {
    while (compareOffsets(at, upTo) < 0 && batches < maxBatches && bytes < maxBytes) {
      const read = await reader.next(READ_BYTES);
      if (read.length === 0) break;
      for (const stored of read) {
        batches += 1;
        bytes += stored.batch.bytes.length;
        at = stored.offsetAt(stored.batch.count - 1);
        events += countIn(stored, except, upTo, compareOffsets);
      }
    }
    return { events, upTo: compareOffsets(at, upTo) < 0 ? at : upTo };
  } finally {
    await reader.close();
  }
}

function countIn(stored: StoredBatch, except: Ahead, upTo: Offset, compare: CountOptions["compareOffsets"]): number {
  const { count } = stored.batch;
  if (except.ranges.length === 0 && compare(stored.offsetAt(count - 1), upTo) <= 0) return count;
  let events = 0;
  for (let event = 0; event < count; event += 1) {
    const offset = stored.offsetAt(event);
    if (compare(offset, upTo) > 0) break;
    if (!except.covers(offset)) events += 1;
  }
  return events;
}
