import { createSimulatedRuntime } from "@distribution/testkit/simulation";
import { describe, expect, it } from "vitest";
import { createScheduler, type Work } from "../../src/qos/index.ts";

/** A scheduler on a clock of which every step of work takes `stepMs`, and work of so many steps. */
function open(stepMs: number) {
  const runtime = createSimulatedRuntime(1);
  let spent = 0;
  let turns = 0;
  const scheduler = createScheduler({
    ...runtime,
    clock: { ...runtime.clock, monotonicMs: () => spent },
    timers: {
      ...runtime.timers,
      soon: (run) =>
        runtime.timers.soon(() => {
          turns += 1;
          run();
        }),
    },
  });
  const done: string[] = [];
  const work = (name: string, steps: number): Work => {
    let left = steps;
    return {
      step() {
        done.push(name);
        spent += stepMs;
        left -= 1;
        return left > 0;
      },
    };
  };
  return { runtime, scheduler, work, done, turns: () => turns };
}

describe("the scheduler", () => {
  it("gives each its step in turn", async () => {
    const { runtime, scheduler, work, done } = open(0.1);
    scheduler.add(work("a", 3));
    scheduler.add(work("b", 1));
    scheduler.add(work("c", 2));
    expect(scheduler.waiting).toBe(3);
    await runtime.run(10);
    expect(done).toEqual(["a", "b", "c", "a", "c", "a"]);
    expect(scheduler.waiting).toBe(0);
  });

  it("does nothing until the turn that was asked for", () => {
    const { scheduler, work, done } = open(0.1);
    scheduler.add(work("a", 1));
    expect(done).toEqual([]);
  });

  it("gives the event loop back after about a millisecond, however much is to do", async () => {
    const { runtime, scheduler, work, done, turns } = open(0.25);
    scheduler.add(work("a", 20));
    await runtime.run(10);
    expect(done).toHaveLength(20);
    expect(turns()).toBe(5);
  });

  it("takes work that waits already as once", async () => {
    const { runtime, scheduler, work, done } = open(0.1);
    const a = work("a", 1);
    scheduler.add(a);
    scheduler.add(a);
    await runtime.run(10);
    expect(done).toEqual(["a"]);
    scheduler.add(a);
    await runtime.run(10);
    expect(done).toEqual(["a", "a"]);
  });
});
