/** Publishing as an upstream does that must keep order: by topic one publish under way, and what came meanwhile in the next. */
import type { EventToPublish } from "@distribution/client";
import type { Told } from "./mix.ts";

/** Of one publish, as the simulators have them: events, and bytes of payload (one event may be larger). */
const BATCH_EVENTS = 500;
const BATCH_BYTES = 256 * 1024;

export type Publish = (topic: string, events: EventToPublish[]) => Promise<unknown>;

export interface Lanes {
  push(told: readonly Told[]): void;
  /** Resolves when all that was pushed has been answered; rejects when anything was refused. */
  settled(): Promise<void>;
}

export function createLanes(publish: Publish): Lanes {
  const queues = new Map<string, EventToPublish[]>();
  const work = new Set<Promise<void>>();

  const drain = async (topic: string, queue: EventToPublish[]): Promise<void> => {
    // All that is pushed in this turn makes one batch.
    await Promise.resolve();
    while (queue.length > 0) await publish(topic, queue.splice(0, batchLength(queue)));
    queues.delete(topic);
  };

  return {
    push(told) {
      for (const { topic, event } of told) {
        const queue = queues.get(topic);
        if (queue) {
          queue.push(event);
          continue;
        }
        const fresh = [event];
        queues.set(topic, fresh);
        const drained = drain(topic, fresh);
        work.add(drained);
        // A refusal stays, for whoever waits.
        drained.then(
          () => work.delete(drained),
          () => undefined,
        );
      }
    },
    settled: async () => {
      while (work.size > 0) await Promise.all(work);
    },
  };
}

function batchLength(queue: readonly EventToPublish[]): number {
  let bytes = 0;
  let count = 0;
  while (count < queue.length && count < BATCH_EVENTS) {
    const { data } = queue[count]!;
    bytes += data instanceof Uint8Array ? data.length : 0;
    if (bytes > BATCH_BYTES && count > 0) break;
    count += 1;
  }
  return count;
}
