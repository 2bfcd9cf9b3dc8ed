/**
 * The newest batches that a reader of their partition has still to read: near the head it is given the very batch that was
 * appended, neither read nor parsed again. What all have read is let go of at once, while it is young and costs the collector nothing.
 * Bounded in bytes over all partitions; at the bound the oldest goes, and a reader that needed it reads the log.
 */
import { TransitMap } from "@distribution/collections";
import type { Partition } from "./partition.ts";
import type { Stored } from "./stored.ts";

export class RecentBatches {
  /** The oldest first, as in each partition's own. */
  readonly #partitions = new TransitMap<Stored, Partition>();
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  add(partition: Partition, stored: Stored): void {
    partition.recent.push(stored);
    this.#partitions.set(stored, partition);
    this.#bytes += stored.batch.bytes.length;
    if (this.#bytes <= this.#maxBytes) return;
    for (const oldest of this.#partitions.values()) {
      this.#dropOldest(oldest);
      if (this.#bytes <= this.#maxBytes) return;
    }
  }

  /** Nobody reads the partition before `offset` any more. */
  release(partition: Partition, offset: number): void {
    for (
      let oldest = partition.recent.at(0);
      oldest !== undefined && oldest.last < offset;
      oldest = partition.recent.at(0)
    )
      this.#dropOldest(partition);
  }

  #dropOldest(partition: Partition): void {
    const stored = partition.recent.shift()!;
    this.#partitions.delete(stored);
    this.#bytes -= stored.batch.bytes.length;
  }
}

/** The batches from `offset` on, at most `maxBytes` but at least one; empty when the oldest kept is newer than that. */
export function recentFrom(partition: Partition, offset: number, maxBytes: number): Stored[] {
  const { recent } = partition;
  if (recent.length === 0 || recent.at(0)!.base > offset) return [];
  let low = 0;
  let high = recent.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (recent.at(middle)!.last < offset) low = middle + 1;
    else high = middle;
  }
  const found: Stored[] = [];
  let bytes = 0;
  for (let place = low; place < recent.length; place += 1) {
    const stored = recent.at(place)!;
    bytes += stored.batch.bytes.length;
    if (found.length > 0 && bytes > maxBytes) break;
    found.push(place === low ? stored.cut(stored.placeOf(offset), stored.batch.count) : stored);
  }
  return found;
}
