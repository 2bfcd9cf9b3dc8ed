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

export interface SortedList<Item extends Place> {
  readonly size: number;
  add(item: Item): void;
  /** The element at this place, if there is one. */
  remove(place: Place): void;
  /** From the first element at or after the place, or from the first of all. The list must not change meanwhile. */
  ascending(from?: Place): Iterable<Item>;
  /** From the last element before the place, or from the last of all, backwards. The list must not change meanwhile. */
  descending(before?: Place): Iterable<Item>;
}

/** Elements of one short array at most: moving so many is cheaper than a search through shorter ones' number. */
const CHUNK = 512;

export function createSortedList<Item extends Place>(): SortedList<Item> {
  /** None of them empty. */
  const chunks: Item[][] = [];
  let size = 0;

  /** The chunk that the place is in or would go into; `chunks.length` when it is after all. */
  const chunkOf = (place: Place): number =>
    firstIndex(chunks.length, (index) => comparePlaces(chunks[index]!.at(-1)!, place) >= 0);
  const indexIn = (chunk: readonly Item[], place: Place): number =>
    firstIndex(chunk.length, (index) => comparePlaces(chunk[index]!, place) >= 0);

  return {
    get size() {
      return size;
    },
    add(item) {
      size += 1;
      const at = Math.min(chunkOf(item), chunks.length - 1);
      const chunk = chunks[at];
      if (!chunk) {
        chunks.push([item]);
        return;
      }
      chunk.splice(indexIn(chunk, item), 0, item);
      if (chunk.length <= CHUNK) return;
      // At the end of all, where a list by time grows, the full one stays full.
      const half = at === chunks.length - 1 ? CHUNK : CHUNK / 2;
      chunks.splice(at + 1, 0, chunk.splice(half));
    },
    remove(place) {
      const at = chunkOf(place);
      const chunk = chunks[at];
      const index = chunk ? indexIn(chunk, place) : 0;
      const found = chunk?.[index];
      if (!chunk || !found || comparePlaces(found, place) !== 0) return;
      size -= 1;
      chunk.splice(index, 1);
      if (chunk.length === 0) chunks.splice(at, 1);
    },
    *ascending(from) {
      let at = from ? chunkOf(from) : 0;
      let index = from ? indexIn(chunks[at] ?? [], from) : 0;
      for (; at < chunks.length; at += 1, index = 0) yield* chunks[at]!.slice(index);
    },
    *descending(before) {
      let at = before ? chunkOf(before) : chunks.length;
      let index = before ? indexIn(chunks[at] ?? [], before) : 0;
      for (; at >= 0; at -= 1, index = chunks[at]?.length ?? 0) {
        const chunk = chunks[at] ?? [];
        for (let next = index - 1; next >= 0; next -= 1) yield chunk[next]!;
      }
    },
  };
}

export function comparePlaces(a: Place, b: Place): number {
  if (a.sort !== b.sort) return a.sort < b.sort ? -1 : 1;
  if (a.key === b.key) return 0;
  return a.key < b.key ? -1 : 1;
}

/** The first index for which it holds, given that it then holds for all that follow; `length` when for none. */
function firstIndex(length: number, holds: (index: number) => boolean): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
