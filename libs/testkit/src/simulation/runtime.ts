/**
 * A runtime in which time stands still until the simulation moves it, and every random number comes from a seed:
 * the same seed gives the same run, to the last step.
 */
import type { Runtime, Timer } from "@distribution/core/runtime";

export interface SimulatedRuntime extends Runtime {
  /** Monotonic ms since the beginning. */
  readonly now: number;
  /** Runs everything that is due within the next `ms`, in the order of its time. */
  run(ms: number): Promise<void>;
  /** Moves the wall clock alone, as an operator or NTP would. */
  jumpWall(ms: number): void;
  /** Resolves after this much simulated time. */
  sleep(ms: number): Promise<void>;
}

interface Scheduled {
  at: number;
  readonly order: number;
  readonly every: number | undefined;
  readonly run: () => void;
  cancelled: boolean;
}

/** 2026-01-01T00:00:00Z in ms. */
const WALL_START_MS = 1_767_225_600_000;

export function createSimulatedRuntime(seed: number): SimulatedRuntime {
  const random = mulberry32(seed);
  const scheduled: Scheduled[] = [];
  let now = 0;
  let orders = 0;
  let wallOffset = WALL_START_MS;

  const schedule = (ms: number, run: () => void, every?: number): Timer => {
    const entry: Scheduled = { at: now + Math.max(0, ms), order: orders, every, run, cancelled: false };
    orders += 1;
    insert(scheduled, entry);
    return {
      cancel() {
        entry.cancelled = true;
      },
    };
  };

  const step = async (until: number): Promise<boolean> => {
    const next = scheduled[0];
    if (!next || next.at > until) return false;
    scheduled.shift();
    if (next.cancelled) return true;
    now = Math.max(now, next.at);
    next.run();
    if (next.every !== undefined && !next.cancelled) {
      next.at = now + next.every;
      insert(scheduled, next);
    }
    await settled();
    return true;
  };

  return {
    get now() {
      return now;
    },
    clock: {
      monotonicMs: () => now,
      wallNs: () => BigInt(Math.round((now + wallOffset) * 1_000)) * 1_000n,
    },
    random: {
      next: random,
      bytes: (length) => Uint8Array.from({ length }, () => Math.floor(random() * 256)),
    },
    timers: {
      after: (ms, run) => schedule(ms, run),
      every: (ms, run) => schedule(ms, run, ms),
      soon: (run) => void schedule(0, run),
    },
    async run(ms) {
      const until = now + ms;
      await settled();
      while (await step(until)) {
        // The condition does the work.
      }
      now = until;
    },
    jumpWall(ms) {
      wallOffset += ms;
    },
    sleep: (ms) => new Promise((resolve) => schedule(ms, resolve)),
  };
}

/** Everything that waits for promises alone has run: a real turn of the event loop drains all microtasks. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function insert(list: Scheduled[], entry: Scheduled): void {
  let at = list.length;
  while (at > 0 && isAfter(list[at - 1]!, entry)) at -= 1;
  list.splice(at, 0, entry);
}

const isAfter = (a: Scheduled, b: Scheduled): boolean => a.at > b.at || (a.at === b.at && a.order > b.order);

/** Mulberry32: 32 bits of state, good enough to choose what happens next, and the same everywhere. */
export function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
