/**
 * A subscription's snapshot: the tables of its lanes as they are at one place each, the end, in frames of bounded size.
 *
 * Between two frames it holds nothing but a number (see `walkTable`). A key that changes meanwhile is left out: its change
 * lies behind the end, where live follows, and comes from there. So live and snapshot meet with nothing missing and no event twice.
 */
import { type EventList, type InterestClass, type Lane, walkTable } from "../subscriptions/index.ts";
import type { Place } from "../tail/index.ts";

export class SnapshotWalk {
  /** Where live follows, one a lane. A partition that is added later has no part in the snapshot: all of it follows. */
  readonly ends: readonly Place[];
  readonly #shared: InterestClass;
  #lane = 0;
  #from = 0;

  constructor(shared: InterestClass) {
    this.#shared = shared;
    this.ends = shared.lanes.map((lane) => shared.clearPlace(lane));
  }

  /** Adds what comes next, of one lane, at most so many events. `complete`: nothing comes after it. */
  next(list: EventList, events: number): { readonly lane: Lane; readonly complete: boolean } {
    const { lanes } = this.#shared;
    const lane = lanes[this.#lane]!;
    const { upto, done } = walkTable(this.#shared, lane, this.#from, this.ends[this.#lane]!, list, { events });
    this.#from = upto.number;
    if (done) {
      this.#lane += 1;
      this.#from = 0;
    }
    return { lane, complete: this.#lane === this.ends.length };
  }
}
