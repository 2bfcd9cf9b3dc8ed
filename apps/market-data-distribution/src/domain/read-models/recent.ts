/** The newest of something, bounded. Plain data, so that it can be saved as it is. */
import type { Bar } from "@distribution/proto-types/market_data/v1/market_data";
import { bytesOf } from "./views.ts";

export interface Recent<Item> {
  /** Oldest first. */
  readonly items: Item[];
  bytes: number;
}

/** The same list, with the item as its newest; the oldest goes at the bound. */
export function addRecent<Item extends object>(recent: Recent<Item>, item: Item, limit: number): Recent<Item> {
  recent.items.push(item);
  recent.bytes += bytesOf(item);
  return keepBound(recent, limit);
}

/** The same list, by start; a higher revision replaces a lower one. */
export function addBar(recent: Recent<Bar>, bar: Bar, limit: number): Recent<Bar> {
  const { items } = recent;
  let at = items.length;
  while (at > 0 && items[at - 1]!.start > bar.start) at -= 1;
  const before = items[at - 1];
  const known = before?.start === bar.start ? before : undefined;
  if (known && bar.revision < known.revision) return recent;
  items.splice(known ? at - 1 : at, known ? 1 : 0, bar);
  recent.bytes += bytesOf(bar) - (known ? bytesOf(known) : 0);
  return keepBound(recent, limit);
}

/** At most `count`, newest first. */
export function newest<Item>({ items }: Recent<Item>, count: number): Item[] {
  return items.slice(-count).reverse();
}

function keepBound<Item extends object>(recent: Recent<Item>, limit: number): Recent<Item> {
  const oldest = recent.items.length > limit ? recent.items.shift() : undefined;
  if (oldest) recent.bytes -= bytesOf(oldest);
  return recent;
}
