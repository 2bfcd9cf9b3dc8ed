/** The newest of something, bounded. */
import type { Bar } from "@distribution/proto-types/market_data/v1/market_data";

/** Overwrites its oldest entry when full. */
export interface Recent<Item> {
  add(item: Item): void;
  /** At most `count`, newest first. */
  newest(count: number): Item[];
}

export function createRecent<Item>(limit: number): Recent<Item> {
  const items: Item[] = [];
  /** Where the next entry goes once the list is full; before, entries are added at its end. */
  let next = 0;
  return {
    add(item) {
      if (items.length < limit) {
        items.push(item);
        return;
      }
      items[next] = item;
      next = (next + 1) % limit;
    },
    newest(count) {
      const length = items.length;
      const newestFirst: Item[] = [];
      for (let back = 1; back <= Math.min(count, length); back += 1) {
        newestFirst.push(items[(next - back + length) % length]!);
      }
      return newestFirst;
    },
  };
}

/** The newest bars of one instrument and interval, by start; a higher revision replaces a lower one. */
export interface RecentBars {
  add(bar: Bar): void;
  newest(count: number): Bar[];
}

export function createRecentBars(limit: number): RecentBars {
  /** By start, oldest first. */
  const bars: Bar[] = [];
  return {
    add(bar) {
      let at = bars.length;
      while (at > 0 && bars[at - 1]!.start > bar.start) at -= 1;
      const before = bars[at - 1];
      if (before?.start === bar.start) {
        if (bar.revision >= before.revision) bars[at - 1] = bar;
        return;
      }
      bars.splice(at, 0, bar);
      if (bars.length > limit) bars.shift();
    },
    newest: (count) => bars.slice(-count).reverse(),
  };
}
