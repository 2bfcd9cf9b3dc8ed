/**
 * Takes readings while the server's core and the load's share a cache.
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
/** Most time lost on all readings together. */
const MAX_LOST_MS = 10 * 60_000;
/** Cores that have not been near for so long from the beginning on never are. */
const MAX_FIRST_WAIT_MS = 2 * 60_000;

export interface NearCores extends AsyncDisposable {
  /**
   * Waits until the cores are near, then measures; again, when they were not any more at its end. Cores that never get near, or not
   * for long enough, have to do as they are.
   */
  during<Reading>(measure: () => Promise<Reading>): Promise<Reading>;
  /** How far apart the cores were at the ends of the readings that count, how many of these were taken apart, and how many left out. */
  rows(): readonly Row[];
}

export async function startNearCores(): Promise<NearCores> {
  const cores = startPinned(SERVER_CORE, new URL("core-distance.ts", import.meta.url), []);
  await cores.answer();
  return createNearCores(
    () => cores.ask<number>("measure"),
    () => cores[Symbol.asyncDispose](),
  );
}

/** `distance`: ns at the moment. */
export function createNearCores(
  distance: () => Promise<number>,
  close: () => PromiseLike<void>,
  wait: (ms: number) => Promise<unknown> = sleep,
): NearCores {
  const distances: number[] = [];
  let wasNear = false;
  let leftOut = 0;
  let takenApart = 0;
  let lostMs = 0;

  const isNear = async (): Promise<boolean> => {
    const near = (await distance()) <= NEAR_NS;
    wasNear ||= near;
    return near;
  };
  const untilNear = async (): Promise<void> => {
    while (!(await isNear()) && lostMs < (wasNear ? MAX_LOST_MS : MAX_FIRST_WAIT_MS)) {
      await wait(LOOK_AGAIN_MS);
      lostMs += LOOK_AGAIN_MS;
    }
  };
  return {
    async during(measure) {
      for (;;) {
        await untilNear();
        const begin = performance.now();
        const reading = await measure();
        const after = await distance();
        const near = after <= NEAR_NS;
        if (near || !wasNear || lostMs >= MAX_LOST_MS) {
          distances.push(after);
          if (!near) takenApart += 1;
          return reading;
        }
        leftOut += 1;
        lostMs += performance.now() - begin;
      }
    },
    rows: () => {
      const row = (subject: string, metric: string, rounds: readonly number[]): Row =>
        rowOf({ case: "the two cores", subject, metric, better: "lower" }, rounds);
      return [
        row("a cache line there and back", "ns", distances),
        row("readings while it took longer", "taken, after all the waiting", [takenApart]),
        row("readings while it took longer", "left out", [leftOut]),
      ];
    },
    [Symbol.asyncDispose]: async () => close(),
  };
}
