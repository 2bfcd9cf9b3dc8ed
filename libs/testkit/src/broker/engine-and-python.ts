import { afterAll, beforeAll } from "vitest";

/** Both may have to be fetched first, ms. */
const START_MS = 300_000;

/** A real engine and a Python for all tests of a file: there when the first one begins; the engine is removed after the last one. */
export function startWithPython<Engine extends { remove(): Promise<void> }, Python>(
  start: () => Promise<Engine>,
  prepare: () => Promise<Python>,
): { readonly engine: Engine; readonly python: Python } {
  let engine: Engine | undefined;
  let python: Python | undefined;
  beforeAll(async () => {
    const preparing = prepare();
    // Told below; an engine that has started by then is removed all the same.
    preparing.catch(() => undefined);
    engine = await start();
    python = await preparing;
  }, START_MS);
  afterAll(async () => {
    await engine?.remove();
  });
  return {
    get engine() {
      return engine!;
    },
    get python() {
      return python!;
    },
  };
}
