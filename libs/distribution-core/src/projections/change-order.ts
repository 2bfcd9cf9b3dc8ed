/**
 * Things in the order of their last change, as a linked list: the order of a Map would do, but to find its oldest entry it
 * passes every hole that a changed one has left.
 */
export interface Linked<Item> {
  older: Item | undefined;
  newer: Item | undefined;
}

export interface ChangeOrder<Item> {
  readonly oldest: Item | undefined;
  /** As the newest; it must not be in the order. */
  add(item: Item): void;
  remove(item: Item): void;
  /** Oldest first. A millisecond for 100,000, about. */
  all(): Item[];
  clear(): void;
}

export function createChangeOrder<Item extends Linked<Item>>(): ChangeOrder<Item> {
  let oldest: Item | undefined;
  let newest: Item | undefined;
  return {
    get oldest() {
      return oldest;
    },
    add(item) {
      item.older = newest;
      item.newer = undefined;
      if (newest) newest.newer = item;
      else oldest = item;
      newest = item;
    },
    remove(item) {
      const { older, newer } = item;
      if (older) older.newer = newer;
      else oldest = newer;
      if (newer) newer.older = older;
      else newest = older;
      item.older = undefined;
      item.newer = undefined;
    },
    all() {
      const items: Item[] = [];
      for (let item = oldest; item; item = item.newer) items.push(item);
      return items;
    },
    clear() {
      oldest = undefined;
      newest = undefined;
    },
  };
}
