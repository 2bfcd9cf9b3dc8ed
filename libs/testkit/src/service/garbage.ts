import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

type Collect = (options?: { readonly type: "minor" | "major" }) => void;

/** The engine's collector, which is there once its flag is set. */
export function garbageCollector(): Collect {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as Collect;
}

/** A full collection: what nothing holds is gone afterwards, and a `WeakRef` to it is empty. */
export async function collectGarbage(): Promise<void> {
  const collect = garbageCollector();
  // A WeakRef holds what it was made of until the turn of the event loop ends.
  await new Promise((resolve) => setImmediate(resolve));
  collect();
}
