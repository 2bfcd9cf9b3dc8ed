/** Waits until a recorded moment is due, at the recording's own speed or a multiple of it, and can be held. */
import type { Runtime } from "@distribution/core/runtime";

export interface Pacer {
  /** Resolves when the moment (recorded, Unix ns) is due; at once when it is less than 1 ms away. Also when woken. */
  until(recordedNs: bigint): Promise<void>;
  /** The next moment is the first of a new round: it is due at once, and what follows is measured from it. */
  restart(): void;
  pause(): void;
  resume(): void;
  /** Ends all waiting, now and from now on. */
  release(): void;
}

/** Timers have steps of 1 ms: closer moments go out together. */
const SHORTEST_WAIT_MS = 1;
/** A player that was held up by more than this goes on from where it is, and does not hurry to catch up. Milliseconds. */
const MAX_BEHIND_MS = 1000;
const NS_PER_MS = 1_000_000;

export function createPacer(runtime: Runtime, speed: number | "max"): Pacer {
  let first: { readonly recordedNs: bigint; atMs: number } | undefined;
  let pausedAtMs: number | undefined;
  let released = false;
  let wake: () => void = () => {};

  const sleep = (ms: number | undefined): Promise<void> =>
    new Promise((resolve) => {
      const timer = ms === undefined ? undefined : runtime.timers.after(ms, resolve);
      wake = () => {
        timer?.cancel();
        resolve();
      };
    });

  /** Milliseconds from now; negative when it is overdue. */
  const waitOf = (recordedNs: bigint): number => {
    if (speed === "max") return 0;
    const now = runtime.clock.monotonicMs();
    first ??= { recordedNs, atMs: now };
    const wait = first.atMs + Number(recordedNs - first.recordedNs) / NS_PER_MS / speed - now;
    if (wait < -MAX_BEHIND_MS) first.atMs -= wait;
    return wait;
  };

  return {
    async until(recordedNs) {
      while (!released) {
        if (pausedAtMs !== undefined) {
          await sleep(undefined);
          continue;
        }
        const wait = waitOf(recordedNs);
        if (wait < SHORTEST_WAIT_MS) return;
        await sleep(wait);
      }
    },
    restart() {
      first = undefined;
    },
    pause() {
      pausedAtMs ??= runtime.clock.monotonicMs();
      wake();
    },
    resume() {
      if (first && pausedAtMs !== undefined) first.atMs += runtime.clock.monotonicMs() - pausedAtMs;
      pausedAtMs = undefined;
      wake();
    },
    release() {
      released = true;
      wake();
    },
  };
}
