/**
 * The ring: the newest part of one partition, in memory, bounded in bytes.
 *
 * Events are numbered densely in log order; the numbers are this process's own and start anywhere.
 * At the bound the oldest batches go, whole; readers that still want them read the log.
 */
import { Fifo } from "@distribution/collections";
import type { StoredBatch } from "../brokers/contract.ts";

export interface RingBatch {
  /** Number of the batch's first event. */
  readonly first: number;
  readonly stored: StoredBatch;
}

export interface Ring {
  /** Number of the oldest event held; equal to `next` when the ring is empty. */
  readonly first: number;
  /** The number that the next event will get. */
  readonly next: number;
  readonly bytes: number;
  push(stored: StoredBatch): RingBatch;
  /** The batch that holds the event of this number; undefined when it is not here (any more). */
  find(number: number): RingBatch | undefined;
  /**
   * The log lost events that were never here: lets go of everything and leaves one number out, so that nobody who waits for
   * the next event takes the one after the loss for it.
   */
  breakOff(): void;
  /** Number of the event at this offset, if it is here. */
  numberOf(offset: string, compare: (a: string, b: string) => number): number | undefined;
}

export interface RingOptions {
  /** Bytes held at most, 256 a batch included for its bookkeeping; the newest batch is held even when it alone is larger. */
  readonly bytes: number;
  /** Called before a batch is let go. */
  readonly onEvict?: (batch: RingBatch) => void;
}

/** What a batch costs beside its bytes: objects, bounds, the slot in the queue. Makes a ring of tiny batches honest. */
const BATCH_OVERHEAD_BYTES = 256;
const costOf = ({ batch }: StoredBatch): number => batch.bytes.length + batch.bounds.byteLength + BATCH_OVERHEAD_BYTES;

export function createRing(options: RingOptions, firstNumber = 0): Ring {
  const batches = new Fifo<RingBatch>();
  let next = firstNumber;
  let bytes = 0;

  const evict = (): void => {
    while (bytes > options.bytes && batches.length > 1) {
      const oldest = batches.at(0)!;
      options.onEvict?.(oldest);
      bytes -= costOf(oldest.stored);
      batches.shift();
    }
  };

  /** Place of the last batch for which `startsAfter` is false, or -1. */
  const search = (startsAfter: (batch: RingBatch) => boolean): number => {
    let low = 0;
    let high = batches.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (startsAfter(batches.at(middle)!)) high = middle;
      else low = middle + 1;
    }
    return low - 1;
  };

  return {
    get first() {
      return batches.at(0)?.first ?? next;
    },
    get next() {
      return next;
    },
    get bytes() {
      return bytes;
    },
    push(stored) {
      const batch: RingBatch = { first: next, stored };
      batches.push(batch);
      next += stored.batch.count;
      bytes += costOf(stored);
      evict();
      return batch;
    },
    find(number) {
      if (number >= next) return undefined;
      const index = search((batch) => batch.first > number);
      return index < 0 ? undefined : batches.at(index);
    },
    breakOff() {
      for (const batch of batches.drain()) options.onEvict?.(batch);
      bytes = 0;
      next += 1;
    },
    numberOf(offset, compare) {
      const index = search((batch) => compare(batch.stored.offsetAt(0), offset) > 0);
      if (index < 0) return undefined;
      const { first, stored } = batches.at(index)!;
      for (let at = stored.batch.count - 1; at >= 0; at -= 1) {
        if (compare(stored.offsetAt(at), offset) === 0) return first + at;
      }
      return undefined;
    },
  };
}
