import type { Runtime, Timer } from "../runtime/index.ts";

export interface Throttle {
  /** Runs at once when the last run is long enough ago, else once at the time it is. */
  request(): void;
  cancel(): void;
}

/** `rate`: runs a second at most; 0: every request runs. */
export function createThrottle(runtime: Runtime, rate: number, run: () => void): Throttle {
  const interval = rate > 0 ? 1_000 / rate : 0;
  let lastAt = Number.NEGATIVE_INFINITY;
  let timer: Timer | undefined;

  const fire = (): void => {
    timer = undefined;
    lastAt = runtime.clock.monotonicMs();
    run();
  };

  return {
    request() {
      if (timer) return;
      const wait = lastAt + interval - runtime.clock.monotonicMs();
      if (wait <= 0) fire();
      else timer = runtime.timers.after(wait, fire);
    },
    cancel() {
      timer?.cancel();
      timer = undefined;
    },
  };
}
