import { createSimulatedRuntime } from "@distribution/testkit/simulation";
import { expect, test } from "vitest";
import { doneWithin, endedWithin } from "../../src/runtime/index.ts";

test.each([
  ["resolves", () => Promise.resolve()],
  ["rejects", () => Promise.reject(new Error("It failed."))],
])("work that %s in time has ended, and leaves no timer behind", async (_how, work) => {
  const runtime = createSimulatedRuntime(1);
  let pending = 0;
  const after: typeof runtime.timers.after = (ms, run) => {
    pending += 1;
    const timer = runtime.timers.after(ms, run);
    return {
      cancel() {
        pending -= 1;
        timer.cancel();
      },
    };
  };
  expect(await endedWithin({ timers: { ...runtime.timers, after } }, work(), 1_000)).toBe(true);
  expect(pending).toBe(0);
});

test("work that has not ended by then is waited for no longer", async () => {
  const runtime = createSimulatedRuntime(1);
  const answers: boolean[] = [];
  void endedWithin(runtime, new Promise(() => undefined), 1_000).then((ended) => answers.push(ended));
  await runtime.run(999);
  expect(answers).toEqual([]);
  await runtime.run(1);
  expect(answers).toEqual([false]);
});

test("what fails in time fails who asked for it to be done", async () => {
  const runtime = createSimulatedRuntime(1);
  const failure = new Error("It failed.");
  await expect(doneWithin(runtime, Promise.reject(failure), 1_000)).rejects.toBe(failure);
  expect(await doneWithin(runtime, Promise.resolve(), 1_000)).toBe(true);
  const late = doneWithin(runtime, new Promise(() => undefined), 1_000);
  await runtime.run(1_000);
  expect(await late).toBe(false);
});
