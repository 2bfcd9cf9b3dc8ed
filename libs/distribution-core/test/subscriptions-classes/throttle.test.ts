import { createSimulatedRuntime } from "@distribution/testkit/simulation";
import { describe, expect, it } from "vitest";
import { createThrottle } from "../../src/subscriptions/throttle.ts";

function open(rate: number) {
  const runtime = createSimulatedRuntime(1);
  const runs: number[] = [];
  const throttle = createThrottle(runtime, rate, () => void runs.push(runtime.now));
  return { runtime, throttle, runs };
}

describe("a throttle", () => {
  it("without a rate runs at every request", () => {
    const { throttle, runs } = open(0);
    throttle.request();
    throttle.request();
    expect(runs).toEqual([0, 0]);
  });

  it("runs the first request at once, and gathers the rest until the interval is over", async () => {
    const { runtime, throttle, runs } = open(10);
    throttle.request();
    throttle.request();
    throttle.request();
    expect(runs).toEqual([0]);
    await runtime.run(99);
    throttle.request();
    expect(runs).toEqual([0]);
    await runtime.run(1);
    expect(runs).toEqual([0, 100]);
    await runtime.run(1_000);
    expect(runs).toEqual([0, 100]);
  });

  it("runs at once when the last run is just an interval ago", async () => {
    const { runtime, throttle, runs } = open(10);
    throttle.request();
    await runtime.run(100);
    throttle.request();
    expect(runs).toEqual([0, 100]);
  });

  it("never runs more often than its rate, however often it is asked", async () => {
    const { runtime, throttle, runs } = open(4);
    for (let step = 0; step < 1_000; step += 1) {
      throttle.request();
      await runtime.run(1);
    }
    expect(runs).toEqual([0, 250, 500, 750, 1_000]);
  });

  it("takes rates below one a second", async () => {
    const { runtime, throttle, runs } = open(0.5);
    throttle.request();
    throttle.request();
    await runtime.run(1_999);
    expect(runs).toHaveLength(1);
    await runtime.run(1);
    expect(runs).toEqual([0, 2_000]);
  });

  it("forgets what it gathered when cancelled, and can be asked again", async () => {
    const { runtime, throttle, runs } = open(10);
    throttle.request();
    throttle.request();
    throttle.cancel();
    await runtime.run(1_000);
    expect(runs).toEqual([0]);
    throttle.request();
    expect(runs).toEqual([0, 1_000]);
  });
});
