import type { PartitionTail, Place } from "../tail/index.ts";
import type { EventList } from "./event-list.ts";

/** One partition of an interest class. */
export class Lane {
  readonly tail: PartitionTail;
  /** Position in the class's list of lanes. */
  readonly index: number;
  /** Up to where the class has looked: nothing it wants lies between the chain and here. */
  seen: number;
  /** Mode latest: up to where the flush under way goes. */
  goal: Place;
  /** What matched and is not emitted yet, within a turn; the registry's. */
  pending: EventList | undefined;
  #chain: Place;
  readonly #shared: { readonly members: number };

  constructor(tail: PartitionTail, index: number, shared: { readonly members: number }) {
    this.tail = tail;
    this.index = index;
    this.seen = tail.head.number;
    this.goal = tail.head;
    this.pending = undefined;
    this.#chain = tail.head;
    this.#shared = shared;
  }

  /** Up to where the class's frames have come; without members the tail's head, as nobody waits for what lies before it. */
  get chain(): Place {
    return this.#shared.members === 0 ? this.tail.head : this.#chain;
  }

  set chain(place: Place) {
    this.#chain = place;
  }

  /** The class has looked at everything up to here, and goes on from here. */
  begin(place: Place): void {
    this.seen = place.number;
    this.goal = place;
    this.#chain = place;
  }
}
