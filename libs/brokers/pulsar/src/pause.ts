/** Waiting by the runtime's timers. */
import type { Runtime } from "@distribution/core/runtime";

export const pause = ({ timers }: Pick<Runtime, "timers">, ms: number): Promise<void> =>
  new Promise((resolve) => {
    timers.after(ms, resolve);
  });
