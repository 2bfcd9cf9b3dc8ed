/** The events of one key that a group has not settled: in whose hands the key is, and what waits, in log order. */
import type { TransitSet } from "@distribution/collections";
import type { Offset, StoredBatch } from "@distribution/core/brokers";
import type { Feed } from "./feed.ts";
import type { Member } from "./member.ts";

/** A batch as it was read, and the position before its first event. */
export interface Taken {
  readonly stored: StoredBatch;
  readonly before: Offset;
}

/** One unsettled event. */
export interface Entry {
  readonly feed: Feed;
  readonly lane: Lane;
  readonly taken: Taken;
  readonly place: number;
  /** Its number among all events that the feed read, which is the order of the log. */
  readonly number: number;
  readonly offset: Offset;
  /** Times it was given out. */
  attempts: number;
  /** While it is out. */
  member: Member | undefined;
  /** When it is out: when its answer is due. When it waits: not before this time. Milliseconds, monotonic. */
  dueAt: number;
}

export class Lane {
  /** Empty for an event without a key, which has a lane of its own. */
  readonly key: string;
  /** Who has events of the key; only this member is given more of them meanwhile. */
  holder: Member | undefined;
  out = 0;
  /** Where the dispatch keeps it. */
  place: TransitSet<Lane> | undefined;
  readonly waiting: Entry[] = [];

  constructor(key: string) {
    this.key = key;
  }

  get idle(): boolean {
    return this.out === 0 && this.waiting.length === 0;
  }

  /** New events come last, returned ones to their place: usually the front. */
  insert(entry: Entry): void {
    let at = this.waiting.length;
    while (at > 0 && this.waiting[at - 1]!.number > entry.number) at -= 1;
    this.waiting.splice(at, 0, entry);
  }

  remove(entry: Entry): void {
    const at = this.waiting.indexOf(entry);
    if (at >= 0) this.waiting.splice(at, 1);
  }

  give(member: Member): Entry {
    const entry = this.waiting.shift()!;
    entry.member = member;
    entry.attempts += 1;
    entry.feed.out += 1;
    this.holder = member;
    this.out += 1;
    return entry;
  }

  /** An event that was out is no longer. The lane is to be placed anew. */
  takeBack(entry: Entry): void {
    entry.member = undefined;
    entry.feed.out -= 1;
    this.out -= 1;
    if (this.out === 0) this.holder = undefined;
  }
}
