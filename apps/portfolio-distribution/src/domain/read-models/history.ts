/** What was told of a key, by the time it is true at: bounded, oldest first. Plain data, so that it is saved as it is. */
import { fieldError } from "@distribution/core/errors";
import { formatTime } from "@distribution/core/events";
import type { Timed } from "../rules/checks.ts";

export interface History<Item extends Timed> {
  /** Never empty. Times do not go back; equal ones are in the order of the log. */
  readonly items: Item[];
  bytes: number;
}

export interface HistoryBounds {
  readonly items: number;
  readonly bytes: number;
}

export interface HistoryRange {
  /** Unix nanoseconds: at or after, and before. */
  readonly from: bigint | undefined;
  readonly to: bigint | undefined;
  readonly limit: number;
  /** `next` of the page before. */
  readonly cursor: string | undefined;
}

export interface HistoryPage<Item> {
  /** Newest first. */
  readonly items: readonly Item[];
  readonly next: string | undefined;
}

/** The same history, changed: the item is its newest, and the oldest have gone where there were too many. One stays. */
export function addToHistory<Item extends Timed>(
  history: History<Item> | undefined,
  item: Item,
  { items: maxItems, bytes: maxBytes }: HistoryBounds,
): History<Item> {
  const grown = history ?? { items: [], bytes: 0 };
  const { items } = grown;
  items.push(item);
  grown.bytes += bytesOf(item);
  while (items.length > 1 && (items.length > maxItems || grown.bytes > maxBytes)) {
    grown.bytes -= bytesOf(items.shift()!);
  }
  return grown;
}

export const newest = <Item extends Timed>({ items }: History<Item>): Item => items.at(-1)!;

/** Since when it is known. */
export const begin = <Item extends Timed>({ items }: History<Item>): bigint => items[0]!.asOf;

/**
 * Of all the histories the newest that was told for a time not after this one, of equal times the one of the last history;
 * without a time the newest of all. Throws `not_found` at `as_of`, naming since when there is something.
 */
export function at<Item extends Timed>(
  histories: readonly History<Item>[],
  asOf: bigint | undefined,
  what: string,
): Item {
  let found: Item | undefined;
  let since: bigint | undefined;
  for (const history of histories) {
    const { items } = history;
    const candidate = asOf === undefined ? items.at(-1) : items[indexAfter(items, asOf) - 1];
    if (candidate && (!found || candidate.asOf >= found.asOf)) found = candidate;
    if (since === undefined || begin(history) < since) since = begin(history);
  }
  if (found) return found;
  const known = `what is kept of ${what} begins at ${formatTime(since!)}`;
  throw fieldError("not_found", "as_of", `${formatTime(asOf!)} is too early: ${known}; older events are in the log`);
}

/** Throws `invalid_request` at `cursor`. */
export function page<Item extends Timed>({ items }: History<Item>, range: HistoryRange): HistoryPage<Item> {
  const { from, to, limit, cursor } = range;
  const first = from === undefined ? 0 : indexAfter(items, from - 1n);
  let end = to === undefined ? items.length : indexAfter(items, to - 1n);
  if (cursor !== undefined) end = Math.min(end, placeOf(items, cursor));
  const start = Math.max(first, end - limit);
  const chosen = items.slice(start, end).reverse();
  return { items: chosen, next: start > first ? cursorOf(items, start) : undefined };
}

/** How many items are not after the time. */
function indexAfter(items: readonly Timed[], asOf: bigint): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (items[middle]!.asOf <= asOf) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The item's time, and which one of that time it is. */
function cursorOf(items: readonly Timed[], index: number): string {
  const { asOf } = items[index]!;
  return `${asOf}-${index - indexAfter(items, asOf - 1n)}`;
}

function placeOf(items: readonly Timed[], cursor: string): number {
  const match = /^(\d{1,19})-(\d{1,9})$/.exec(cursor);
  if (!match) throw fieldError("invalid_request", "cursor", "is none that this list gave; leave it out to begin");
  return indexAfter(items, BigInt(match[1]!) - 1n) + Number(match[2]);
}

/** What a flat record takes in memory, about; lists in it count by their items. */
export function bytesOf(record: object): number {
  let bytes = 64;
  for (const value of Object.values(record)) {
    bytes += 24;
    if (typeof value === "string") bytes += value.length;
    else if (Array.isArray(value)) for (const each of value) bytes += bytesOf(each as object);
  }
  return bytes;
}
