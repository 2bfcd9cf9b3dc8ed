/** Time, randomness and timers: everything that would make two runs of the core differ comes through here. */
import { randomBytes } from "node:crypto";

export interface Clock {
  /** Wall clock, Unix time in nanoseconds. It may jump. */
  wallNs(): bigint;
  /** Monotonic clock in milliseconds with a fraction, from an arbitrary zero. It never goes back. */
  monotonicMs(): number;
}

export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** `length` random bytes; from the system's secure source outside simulation. */
  bytes(length: number): Uint8Array;
}

export interface Timer {
  /** Idempotent. */
  cancel(): void;
}

export interface Timers {
  after(ms: number, run: () => void): Timer;
  every(ms: number, run: () => void): Timer;
  /** Runs after the current turn of the event loop's I/O, like setImmediate. */
  soon(run: () => void): void;
}

export interface Runtime {
  readonly clock: Clock;
  readonly random: Random;
  readonly timers: Timers;
}

const MILLISECOND = 1_000_000n;
let wallOffset = BigInt(Date.now()) * MILLISECOND - process.hrtime.bigint();

/**
 * Date.now has steps of 1 ms, which the monotonic clock fills in, and it follows where the wall clock goes: who takes the time
 * from Date.now, here or in another process, is never ahead of what is stamped later.
 */
function wallNs(): bigint {
  const coarse = BigInt(Date.now()) * MILLISECOND;
  const fine = process.hrtime.bigint() + wallOffset;
  const within = fine - coarse;
  if (within >= 0n && within < MILLISECOND) return fine;
  const nearest = within < 0n ? coarse : coarse + MILLISECOND - 1n;
  wallOffset += nearest - fine;
  return nearest;
}

export const systemRuntime: Runtime = {
  clock: { wallNs, monotonicMs: () => performance.now() },
  random: { next: Math.random, bytes: (length) => randomBytes(length) },
  timers: {
    after: (ms, run) => {
      const handle = setTimeout(run, ms);
      return { cancel: () => clearTimeout(handle) };
    },
    every: (ms, run) => {
      const handle = setInterval(run, ms);
      return { cancel: () => clearInterval(handle) };
    },
    soon: (run) => void setImmediate(run),
  },
};

export { doneWithin, endedWithin } from "./ended-within.ts";
export { tuneHeap } from "./heap.ts";
export { createPace, type Pace } from "./pace.ts";
export { pause } from "./pause.ts";
