import type { Runtime } from "./index.ts";

/** Waits by the runtime's timers, ms. */
export const pause = ({ timers }: Pick<Runtime, "timers">, ms: number): Promise<void> =>
  new Promise((resolve) => {
    timers.after(ms, resolve);
  });
