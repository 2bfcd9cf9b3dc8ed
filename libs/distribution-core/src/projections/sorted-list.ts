/**
 * A list in order that changes all the time: an array of short arrays, so that an insertion moves few elements and every
 * place is found by two binary searches. (The idea of the Python library sortedcontainers.)
 */
import type { SortKey } from "./contract.ts";

/** A place in the order: by sort key, then by key. No two elements of a list have the same. */
export interface Place {
  readonly sort: SortKey;
  readonly key: string;
}

/** Elements of one short array at most: moving so many is cheaper than a search through shorter ones' number. */
const CHUNK = 512;
/** Of lists that need none; nothing is ever put into it. */
const NO_CHUNKS: never[] = [];

/** A service has one for every group of every index, and many groups have one element for ever: that takes no array. */
export class SortedList<Item extends Place> {
  /** The only element, while no second one has come since the list was empty. */
  #only: Item | undefined;
  /** None of them empty. */
  #chunks: Item[][] = NO_CHUNKS;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(item: Item): void {
    this.#size += 1;
    if (this.#size === 1) {
      this.#only = item;
      return;
    }
    if (this.#only) {
      this.#chunks = [[this.#only]];
      this.#only = undefined;
    }
    const chunks = this.#chunks;
    const last = chunks.at(-1)!;
    if (comparePlaces(last.at(-1)!, item) > 0) this.#insert(item);
    // Where a list by time grows; the full ones before stay full.
    else if (last.length < CHUNK) last.push(item);
    else chunks.push([item]);
  }

  /** The element at this place, if there is one. */
  remove(place: Place): void {
    if (this.#only) {
      if (comparePlaces(this.#only, place) !== 0) return;
      this.#only = undefined;
      this.#size = 0;
      return;
    }
    const at = this.#chunkOf(place);
    const chunk = this.#chunks[at];
    const index = chunk ? indexIn(chunk, place) : 0;
    const found = chunk?.[index];
    if (!chunk || !found || comparePlaces(found, place) !== 0) return;
    this.#size -= 1;
    if (this.#size === 0) this.#chunks = NO_CHUNKS;
    else if (chunk.length === 1) this.#chunks.splice(at, 1);
    else if (index === chunk.length - 1) chunk.pop();
    else chunk.splice(index, 1);
  }

  /** From the first element at or after the place, or from the first of all. The list must not change meanwhile. */
  *ascending(from?: Place): Iterable<Item> {
    const chunks = this.#all();
    let at = from ? this.#chunkOf(from) : 0;
    let index = from ? indexIn(chunks[at] ?? [], from) : 0;
    for (; at < chunks.length; at += 1, index = 0) yield* chunks[at]!.slice(index);
  }

  /** From the last element before the place, or from the last of all, backwards. The list must not change meanwhile. */
  *descending(before?: Place): Iterable<Item> {
    const chunks = this.#all();
    let at = before ? this.#chunkOf(before) : chunks.length;
    let index = before ? indexIn(chunks[at] ?? [], before) : 0;
    for (; at >= 0; at -= 1, index = chunks[at]?.length ?? 0) {
      const chunk = chunks[at] ?? [];
      for (let next = index - 1; next >= 0; next -= 1) yield chunk[next]!;
    }
  }

  #all(): readonly (readonly Item[])[] {
    return this.#only ? [[this.#only]] : this.#chunks;
  }

  /** The chunk that the place is in or would go into; the number of chunks when it is after all. */
  #chunkOf(place: Place): number {
    const chunks = this.#all();
    let low = 0;
    let high = chunks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (comparePlaces(chunks[middle]!.at(-1)!, place) >= 0) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** Before the last element of all. */
  #insert(item: Item): void {
    const at = this.#chunkOf(item);
    const chunk = this.#chunks[at]!;
    chunk.splice(indexIn(chunk, item), 0, item);
    if (chunk.length > CHUNK) this.#chunks.splice(at + 1, 0, chunk.splice(CHUNK / 2));
  }
}

/** Index of the first element at or after the place. */
function indexIn(chunk: readonly Place[], place: Place): number {
  let low = 0;
  let high = chunk.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (comparePlaces(chunk[middle]!, place) >= 0) high = middle;
    else low = middle + 1;
  }
  return low;
}

export function comparePlaces(a: Place, b: Place): number {
  if (a.sort !== b.sort) return a.sort < b.sort ? -1 : 1;
  if (a.key === b.key) return 0;
  return a.key < b.key ? -1 : 1;
}
