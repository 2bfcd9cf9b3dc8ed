/**
 * The newest batches of all partitions that have readers: a reader near the head is given the very batch that was appended,
 * neither read nor parsed again. Bounded in bytes over all partitions; at the bound the oldest goes, and a reader that needed
 * it reads the log.
 */
import { Fifo } from "../fifo.ts";
import type { Partition } from "./partition.ts";
import type { Stored } from "./stored.ts";

export class RecentBatches {
  readonly #order = new Fifo<{ readonly partition: Partition; readonly stored: Stored }>();
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  add(partition: Partition, stored: Stored): void {
    partition.recent.push(stored);
    this.#order.push({ partition, stored });
    this.#bytes += stored.batch.bytes.length;
    while (this.#bytes > this.#maxBytes) {
      const oldest = this.#order.shift()!;
      this.#bytes -= oldest.stored.batch.bytes.length;
      // Not there any more when the partition's readers left meanwhile.
      if (oldest.partition.recent.at(0) === oldest.stored) oldest.partition.recent.shift();
    }
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
