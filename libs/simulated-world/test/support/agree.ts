/** A thread that wants worlds of its own seed, one after the other at the same moment as others, and tells which ones it got. */
import { parentPort, workerData } from "node:worker_threads";
import { sharedWorld } from "../../src/index.ts";

const { files, seed, startNs, threads, arrivals } = workerData as {
  readonly files: readonly string[];
  readonly seed: number;
  readonly startNs: bigint;
  readonly threads: number;
  readonly arrivals: Int32Array;
};

const seeds = files.map((file, round) => {
  Atomics.add(arrivals, 0, 1);
  Atomics.notify(arrivals, 0);
  for (let here = 0; here < threads * (round + 1); here = Atomics.load(arrivals, 0)) Atomics.wait(arrivals, 0, here, 1);
  return sharedWorld(file, { seed, startNs, scenario: "normal", rate: 10 }).seed;
});
parentPort?.postMessage(seeds);
