/**
 * A walk over the table of one lane, from old to new, a bounded step at a time.
 *
 * The table is ordered by last change, so all that is kept between two steps is a number: keys that changed before it have been
 * seen. A key that changes between two steps moves to the end of the table:
 * - One that was seen has a newer event there, which is seen in its turn, as any change of a key is.
 * - One that was not seen is seen there only. Its older event is conflated, as it would have been had the walk come later.
 *
 * A walk goes up to an end, and leaves what changed after it to whoever reads on from there. So of every key that the table has
 * when the walk begins either the event of then is seen, or one lies after the end; no event is on both sides, none is seen twice.
 */

import type { StoredBatch } from "../brokers/contract.ts";
import type { Place, TableEntry } from "../tail/index.ts";
import { type EventList, FRAME_BYTES } from "./event-list.ts";
import type { Lane } from "./lane.ts";

/** Who knows which events are wanted: the interest class. */
export interface Selecting {
  selects(lane: Lane, stored: StoredBatch, index: number): boolean;
}

export interface WalkBounds {
  /** Wanted events at most; at least 1. */
  readonly events: number;
  /** Keys looked at, wanted or not, at least 1. Default: about half a millisecond of them. */
  readonly keys?: number;
}

export interface Walked {
  /** Everything before it was seen: the end, or the place after the last key looked at. */
  readonly upto: Place;
  /** How many keys were looked at. What else was published before `upto` a newer event of its key has replaced. */
  readonly keys: number;
  /** The end is reached. */
  readonly done: boolean;
}

export const WALK_KEYS = 512;

/** One step, from the number `from` on, which lies before the end. Adds the wanted events, at most a frame's worth. */
export function walkTable(
  shared: Selecting,
  lane: Lane,
  from: number,
  end: Place,
  list: EventList,
  { events, keys: maxKeys = WALK_KEYS }: WalkBounds,
): Walked {
  let keys = 0;
  let last: TableEntry | undefined;
  let done = true;
  lane.tail.table?.changedSince(from, (entry) => {
    if (entry.number >= end.number) return false;
    if (keys === maxKeys || list.count === events || list.bytes >= FRAME_BYTES) {
      done = false;
      return false;
    }
    keys += 1;
    last = entry;
    if (shared.selects(lane, entry.stored, entry.index)) list.add(entry.stored, entry.index, entry.number);
    return true;
  });
  return { upto: done || !last ? end : placeAfter(last), keys, done };
}

function placeAfter({ number, stored, index }: TableEntry): Place {
  return { number: number + 1, epoch: stored.epoch, offset: stored.offsetAt(index) };
}
