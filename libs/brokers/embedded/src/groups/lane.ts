/** The events of one key that a group has not settled: in whose hands the key is, and what waits, in log order. */
import type { Stored } from "../log/stored.ts";
import type { Feed } from "./feed.ts";
import type { Member } from "./member.ts";

/** One unsettled event. */
export interface Entry {
  readonly feed: Feed;
  readonly lane: Lane;
  readonly stored: Stored;
  readonly place: number;
  readonly offset: number;
  /** Times it was given out. */
  attempts: number;
  /** While it is out. */
  member: Member | undefined;
  /** When it is out: when its answer is due. When it waits: not before this time. Milliseconds, monotonic. */
  dueAt: number;
}

export class Lane {
  /** Absent for events without a key, which have a lane each. */
  readonly key: string | undefined;
  /** Who has events of the key; only this member is given more of them meanwhile. */
  holder: Member | undefined;
  out = 0;
  /** By offset. */
  readonly waiting: Entry[] = [];

  constructor(key: string | undefined) {
    this.key = key;
  }

  get idle(): boolean {
    return this.out === 0 && this.waiting.length === 0;
  }

  /** New events come last, returned ones to their place: usually the front. */
  insert(entry: Entry): void {
    let at = this.waiting.length;
    while (at > 0 && this.waiting[at - 1]!.offset > entry.offset) at -= 1;
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
    this.holder = member;
    this.out += 1;
    return entry;
  }

  /** An event that was out is no longer. */
  takeBack(entry: Entry): void {
    entry.member = undefined;
    this.out -= 1;
    if (this.out > 0) return;
    this.holder?.ready.delete(this);
    this.holder = undefined;
  }
}
