/** A process on the server's core with a thread on the load's: asked to, it tells how long a cache line takes there and back, ns. */
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { readlinkSync } from "node:fs";
import { basename } from "node:path";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { LOAD_CORE } from "./pinned.ts";

/** Further apart than any cache's lines are long. */
const BALL = 0;
const PLAYING = 64;
const TRIPS = 200;
const MEASURE_MS = 5;

if (isMainThread) await serve(new Int32Array(new SharedArrayBuffer(4 * 2 * PLAYING)));
else giveBack(workerData as Int32Array);

/** What befalls the thread ends the process. */
async function serve(lines: Int32Array): Promise<void> {
  const other = new Worker(new URL(import.meta.url), { workerData: lines });
  await once(other, "message");
  other.unref();
  // The first one waits for the compiler.
  measure(lines);
  process.on("message", () => process.send?.(measure(lines)));
  process.send?.("ready");
}

/** The best of many: what else the cores had to do in between is no distance. */
function measure(lines: Int32Array): number {
  Atomics.store(lines, PLAYING, 1);
  Atomics.notify(lines, PLAYING);
  let best = Number.POSITIVE_INFINITY;
  const end = performance.now() + MEASURE_MS;
  for (let now = performance.now(); now < end; ) {
    for (let trip = 0; trip < TRIPS; trip += 1) {
      Atomics.store(lines, BALL, 1);
      while (Atomics.load(lines, BALL) !== 0);
    }
    const then = now;
    now = performance.now();
    best = Math.min(best, ((now - then) * 1e6) / TRIPS);
  }
  Atomics.store(lines, PLAYING, 0);
  return best;
}

function giveBack(lines: Int32Array): void {
  const thread = basename(readlinkSync("/proc/thread-self"));
  execFileSync("taskset", ["--cpu-list", "--pid", String(LOAD_CORE), thread], { stdio: "ignore" });
  parentPort!.postMessage("ready");
  for (;;) {
    Atomics.wait(lines, PLAYING, 0);
    while (Atomics.load(lines, PLAYING) === 1) if (Atomics.load(lines, BALL) === 1) Atomics.store(lines, BALL, 0);
  }
}
