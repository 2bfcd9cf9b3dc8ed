/**
 * Who is behind gets its turns here: one frame a turn, round robin, about a millisecond of the event loop at a time,
 * so that any number of subscriptions catching up never delays the live ones by more.
 */
import { TransitSet } from "@distribution/collections";
import type { Runtime } from "../runtime/index.ts";
import type { Scheduler, Work } from "./contract.ts";

const TURN_MS = 1;

export function createScheduler({ clock, timers }: Runtime): Scheduler {
  const queue = new TransitSet<Work>();
  let scheduled = false;

  const run = (): void => {
    scheduled = false;
    const end = clock.monotonicMs() + TURN_MS;
    for (const work of queue) {
      queue.delete(work);
      // A set is walked in order of insertion: what is added again waits behind the others.
      if (work.step()) queue.add(work);
      if (clock.monotonicMs() >= end) break;
    }
    if (queue.size > 0) schedule();
  };

  const schedule = (): void => {
    if (scheduled) return;
    scheduled = true;
    timers.soon(run);
  };

  return {
    add(work) {
      queue.add(work);
      schedule();
    },
    get waiting() {
      return queue.size;
    },
  };
}
