import { TransitMap } from "@distribution/collections";
import { nextInLine, type Scheduler, type Work } from "../qos/index.ts";

/**
 * The turns of a session's subscriptions that are behind. At the service's scheduler they are one: a session gets one share,
 * however many subscriptions it has, and these share it in turns, those of higher priority first.
 */
export class SessionTurns implements Scheduler, Work {
  readonly #scheduler: Scheduler;
  readonly #held: () => boolean;
  readonly #highest: number;
  /** With their priorities. A map is walked in order of insertion: who waited longest comes first. */
  readonly #queue = new TransitMap<Work, number>();
  #turn = 0;

  /** While `held` nothing is done and everything waits; then `goOn` is called. `highest`: no work's priority is above it. */
  constructor(scheduler: Scheduler, held: () => boolean, highest = 0) {
    this.#scheduler = scheduler;
    this.#held = held;
    this.#highest = highest;
  }

  get waiting(): number {
    return this.#queue.size;
  }

  add(work: Work): void {
    this.#queue.set(work, work.priority ?? 0);
    this.goOn();
  }

  goOn(): void {
    if (this.#queue.size > 0 && !this.#held()) this.#scheduler.add(this);
  }

  step(): boolean {
    if (this.#held()) return false;
    this.#turn += 1;
    const work = nextInLine(this.#queue.keys(), (each) => this.#queue.get(each), this.#turn, this.#highest);
    if (!work) return false;
    this.#queue.delete(work);
    if (work.step()) this.#queue.set(work, work.priority ?? 0);
    return this.#queue.size > 0;
  }
}
