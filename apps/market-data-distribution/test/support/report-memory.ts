/** Preloaded into a service process: tells on SIGUSR2 what it holds in memory once its garbage is gone. Needs --expose-gc. */
import { writeSync } from "node:fs";

process.on("SIGUSR2", () => {
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  writeSync(2, `memory ${heapUsed + external}\n`);
});
