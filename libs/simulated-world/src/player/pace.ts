/** World time against the wall clock. */
import type { Runtime } from "@distribution/core/runtime";

export interface Pace {
  /** World time now: what happens up to then is due. Unix time, ns. */
  dueNs(): bigint;
  /** Waits until about then, a moment at least and a second at most, or until it is released. */
  until(worldNs: bigint): Promise<void>;
  /** Nobody waits from now on. */
  release(): void;
}

export const MAX_SPEED = 10_000;

/** Speed is a fraction with so many parts to one. */
const SPEED_PARTS = 1_000_000;
const END_OF_TIME = 2n ** 63n - 1n;

/** What becomes due within a moment makes one batch, ms. The clock may be set: it is looked at once a second, ms. */
const MOMENT_MS = 10;
const LOOK_MS = 1000;

export function createPace({ clock, timers }: Runtime, startNs: bigint, speed: number | "max"): Pace {
  const parts = speed === "max" ? 0n : BigInt(Math.max(1, Math.round(speed * SPEED_PARTS)));
  let released = false;
  let wakeUp: (() => void) | undefined;

  const dueNs = (): bigint =>
    speed === "max" ? END_OF_TIME : startNs + ((clock.wallNs() - startNs) * parts) / BigInt(SPEED_PARTS);

  return {
    dueNs,
    until(worldNs) {
      if (released) return Promise.resolve();
      const aheadNs = parts === 0n ? 0n : ((worldNs - dueNs()) * BigInt(SPEED_PARTS)) / parts;
      const ms = Math.min(LOOK_MS, Math.max(MOMENT_MS, Number(aheadNs / 1_000_000n)));
      return new Promise((resolve) => {
        const timer = timers.after(ms, resolve);
        wakeUp = () => {
          timer.cancel();
          resolve();
        };
      });
    },
    release() {
      released = true;
      wakeUp?.();
    },
  };
}
