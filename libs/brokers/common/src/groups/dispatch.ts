/**
 * Which event goes to whom. A key is in one member's hands at a time: a lane that nobody holds is given to whoever asks first,
 * one that is held goes on with its holder. The head of a lane that is not due yet holds the lane back, and no other.
 */
import { TransitSet } from "@distribution/collections";
import type { Entry, Lane } from "./lane.ts";
import type { Member } from "./member.ts";

export class Dispatch {
  /** Lanes that nobody holds, with something that is due. */
  readonly #ready = new TransitSet<Lane>();
  /** Lanes whose head waits for its time. */
  readonly #delayed = new TransitSet<Lane>();

  /** To be called after anything about the lane changed: puts it where it belongs, or leaves it there, in its turn. */
  place(lane: Lane, now: number): void {
    const place = this.#placeOf(lane, now);
    if (place === lane.place) return;
    lane.place?.delete(lane);
    place?.add(lane);
    lane.place = place;
  }

  #placeOf({ waiting, holder }: Lane, now: number): TransitSet<Lane> | undefined {
    const head = waiting[0];
    if (head === undefined) return undefined;
    if (head.dueAt > now) return this.#delayed;
    return holder === undefined ? this.#ready : holder.ready;
  }

  /** Up to `max` events for this member, which then has them until `now` plus its ack timeout. */
  give(member: Member, max: number, now: number): Entry[] {
    const given: Entry[] = [];
    for (const lanes of [member.ready, this.#ready]) {
      for (const lane of lanes) {
        if (given.length === max) return given;
        this.#drain(lane, member, max, now, given);
      }
    }
    return given;
  }

  #drain(lane: Lane, member: Member, max: number, now: number, given: Entry[]): void {
    while (given.length < max && lane.waiting.length > 0 && lane.waiting[0]!.dueAt <= now) {
      const entry = lane.give(member);
      entry.dueAt = now + member.ackTimeoutMs;
      member.out.add(entry);
      given.push(entry);
    }
    this.place(lane, now);
  }

  /** Makes lanes ready whose time has come; the time of the next one, if any. */
  release(now: number): number {
    let next = Number.POSITIVE_INFINITY;
    for (const lane of this.#delayed) {
      const { dueAt } = lane.waiting[0]!;
      if (dueAt <= now) this.place(lane, now);
      else if (dueAt < next) next = dueAt;
    }
    return next;
  }
}
