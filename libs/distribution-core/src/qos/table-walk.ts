/** A walk over the tables of a subscription's partitions, sent in frames of bounded size as the socket takes them. */
import type { StoredBatch } from "../brokers/contract.ts";
import { EventList, FRAME_BYTES, type InterestClass, type Lane } from "../subscriptions/index.ts";
import type { Place } from "../tail/index.ts";
import type { LogPlace } from "./lane-cursor.ts";

export interface LaneWalk {
  readonly lane: Lane;
  /** The class's chain at the time: what follows comes from the class. */
  readonly upto: Place;
  /** Wanted entries, oldest change first. They are kept from the moment of the walk, however long sending takes. */
  readonly entries: EventList;
  /** Keys whose newest event lies between the start and the chain, wanted or not. */
  readonly changed: number;
  /** Events between the start and the chain that a newer one of their key replaced. 0 where the start has no number. */
  readonly conflated: number;
}

/**
 * The wanted entries of one table. With `after`: those that changed between that place and the class's chain, as later ones
 * come from the class. Without: all, the class having been flushed before.
 */
export function walkTable(
  shared: InterestClass,
  lane: Lane,
  after: LogPlace | undefined,
  compare: (a: string, b: string) => number,
): LaneWalk {
  const entries = new EventList();
  const newestFirst: { stored: StoredBatch; index: number; number: number }[] = [];
  let changed = 0;
  const upto = lane.chain;
  lane.tail.table?.changedAfter((after?.number ?? 0) - 1, ({ stored, index, number }) => {
    if (after && number >= upto.number) return true;
    // A place of another process has no number here: the offset says where it was.
    if (after && after.number === undefined && compare(stored.offsetAt(index), after.offset) <= 0) return false;
    changed += 1;
    if (shared.selects(lane, stored, index)) newestFirst.push({ stored, index, number });
    return true;
  });
  for (const { stored, index, number } of newestFirst.reverse()) entries.add(stored, index, number);
  const conflated = after?.number === undefined ? 0 : upto.number - after.number - changed;
  return { lane, upto, entries, changed, conflated };
}

/** Moves events from `from` on into `part` until it has `maxEvents` or a frame is full. Returns the index after the last one. */
export function takeFrame(entries: EventList, from: number, part: EventList, maxEvents: number): number {
  let at = from;
  while (at < entries.count && part.bytes < FRAME_BYTES && part.count < maxEvents) {
    part.add(entries.stored[at]!, entries.index[at]!, entries.number[at]!);
    at += 1;
  }
  return at;
}
