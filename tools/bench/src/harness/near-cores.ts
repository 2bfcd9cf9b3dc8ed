/**
 * Keeps readings to the moments in which the server's core and the load's share a cache.
 *
 * The cores of a virtual machine are threads of its host, which moves them: onto one chip, then onto two. What the two ends of a
 * loopback connection share in the kernel then goes from chip to chip, and a write costs two to three times as much, whoever
 * makes it. No subscriber is that close to a server in earnest, or that far.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { SERVER_CORE, startPinned } from "./pinned.ts";
import type { Row } from "./row.ts";
import { rowOf } from "./statistics.ts";

/** A cache line there and back, ns: some 80 to 120 between cores that share a cache, 300 and more from one chip to another. */
const NEAR_NS = 200;
const LOOK_AGAIN_MS = 500;
/** Most time lost on all readings together. Cores that never get near, or stay so, have to do. */
const MAX_LOST_MS = 10 * 60_000;

export interface NearCores extends AsyncDisposable {
  /** Waits until the cores are near, then measures; again, when they were not any more at its end. */
  during<Reading>(measure: () => Promise<Reading>): Promise<Reading>;
  /** How far apart the cores were in the readings that count, and how many others there were. */
  rows(): readonly Row[];
}

export const startNearCores = (): NearCores => {
  const cores = startPinned(SERVER_CORE, new URL("core-distance.ts", import.meta.url), []);
  return createNearCores(
    () => cores.ask<number>("measure"),
    () => cores[Symbol.asyncDispose](),
  );
};

/** `distance`: ns at the moment. */
export function createNearCores(
  distance: () => Promise<number>,
  close: () => PromiseLike<void>,
  wait: (ms: number) => Promise<unknown> = sleep,
): NearCores {
  const distances: number[] = [];
  let dropped = 0;
  let lostMs = 0;

  const untilNear = async (): Promise<void> => {
    for (; (await distance()) > NEAR_NS && lostMs < MAX_LOST_MS; lostMs += LOOK_AGAIN_MS) await wait(LOOK_AGAIN_MS);
  };
  return {
    async during(measure) {
      for (;;) {
        await untilNear();
        const begin = performance.now();
        const reading = await measure();
        const after = await distance();
        if (after <= NEAR_NS || lostMs >= MAX_LOST_MS) {
          distances.push(after);
          return reading;
        }
        dropped += 1;
        lostMs += performance.now() - begin;
      }
    },
    rows: () => {
      const row = (subject: string, metric: string, rounds: readonly number[]): Row =>
        rowOf({ case: "the two cores", subject, metric, better: "lower" }, rounds);
      return [
        row("a cache line there and back", "ns", distances),
        row("readings while it took longer", "left out", [dropped]),
      ];
    },
    [Symbol.asyncDispose]: async () => close(),
  };
}
