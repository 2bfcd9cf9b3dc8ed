import type { Runtime } from "./index.ts";

/** Resolves when the work ended, one way or the other, with true; after so many ms with false, and the work goes on. Never rejects. */
export async function endedWithin(
  { timers }: Pick<Runtime, "timers">,
  work: Promise<unknown>,
  ms: number,
): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const end = (): void => resolve(true);
  work.then(end, end);
  const late = timers.after(ms, () => resolve(false));
  const ended = await promise;
  late.cancel();
  return ended;
}

/** The same, and rejects with what the work rejects with in time. */
export async function doneWithin(
  runtime: Pick<Runtime, "timers">,
  work: Promise<unknown>,
  ms: number,
): Promise<boolean> {
  const ended = await endedWithin(runtime, work, ms);
  if (ended) await work;
  return ended;
}
