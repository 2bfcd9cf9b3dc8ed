/** Waiting for what has to happen: on a condition, with a bound, never for a time. */
import { setTimeout as sleep } from "node:timers/promises";

const WITHIN_MS = 30_000;
const EVERY_MS = 5;

/** Resolves with the first value that is neither false nor undefined; throws naming `what` when there is none in time. */
export async function until<T>(
  what: string | (() => string),
  condition: () => T | Promise<T>,
  withinMs = WITHIN_MS,
): Promise<Exclude<T, false | undefined>> {
  const end = performance.now() + withinMs;
  for (;;) {
    const value = await condition();
    if (value !== false && value !== undefined) return value as Exclude<T, false | undefined>;
    if (performance.now() > end) {
      throw new Error(`It did not come to this within ${withinMs} ms: ${typeof what === "string" ? what : what()}`);
    }
    await sleep(EVERY_MS);
  }
}

/** The promise, or a rejection naming `what` when it does not settle in time. */
export async function within<T>(what: string, promise: Promise<T>, withinMs = WITHIN_MS): Promise<T> {
  let settled: { readonly value: T } | undefined;
  let failure: { readonly cause: unknown } | undefined;
  promise.then(
    (value) => {
      settled = { value };
    },
    (cause: unknown) => {
      failure = { cause };
    },
  );
  await until(what, () => settled !== undefined || failure !== undefined, withinMs);
  if (failure) throw failure.cause;
  return settled!.value;
}
