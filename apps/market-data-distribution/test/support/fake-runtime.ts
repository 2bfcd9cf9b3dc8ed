/** Time that jumps to the next timer as soon as nothing else is to be done; randomness that is always in the middle. */
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Runtime } from "@distribution/core/runtime";

export interface FakeRuntime extends Runtime {
  /** Milliseconds since the start. */
  now(): number;
  /** Lets time pass without running timers that are not due. */
  advance(ms: number): Promise<void>;
  readonly pendingTimers: number;
}

const START_NS = 1_800_000_000_000_000_000n;

/** `auto`: time jumps by itself. Otherwise the test moves it. */
export function createFakeRuntime(options: { readonly auto: boolean }): FakeRuntime {
  let now = 0;
  const timers = new Set<{ readonly at: number; readonly run: () => void }>();

  const fireNext = (limit: number): boolean => {
    const [next] = [...timers].filter(({ at }) => at <= limit).sort((a, b) => a.at - b.at);
    if (next === undefined) return false;
    timers.delete(next);
    now = Math.max(now, next.at);
    next.run();
    return true;
  };
  const after = (ms: number, run: () => void) => {
    const timer = { at: now + ms, run };
    timers.add(timer);
    if (options.auto) setImmediate(() => fireNext(Number.POSITIVE_INFINITY));
    return { cancel: () => void timers.delete(timer) };
  };

  return {
    now: () => now,
    get pendingTimers() {
      return timers.size;
    },
    async advance(ms) {
      const target = now + ms;
      while (fireNext(target)) await nextTurn();
      now = target;
    },
    clock: { wallNs: () => START_NS + BigInt(Math.round(now * 1e6)), monotonicMs: () => now },
    random: { next: () => 0.5, bytes: (length) => new Uint8Array(length) },
    timers: { after, every: after, soon: (run) => void setImmediate(run) },
  };
}
