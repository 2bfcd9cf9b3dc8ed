import { describe, expect, it, vi } from "vitest";
import { systemRuntime } from "../../src/runtime/index.ts";

const { clock, random, timers } = systemRuntime;

function expectSystemsMillisecond(): void {
  const before = BigInt(Date.now());
  const millisecond = clock.wallNs() / 1_000_000n;
  expect(millisecond >= before && millisecond <= BigInt(Date.now())).toBe(true);
}

describe("the system's runtime", () => {
  it("has the wall clock in nanoseconds, in the system's millisecond, and no coarser than the monotonic clock's steps", () => {
    const end = performance.now() + 100;
    while (performance.now() < end) expectSystemsMillisecond();
    const readings = new Set(Array.from({ length: 100 }, () => clock.wallNs()));
    expect(readings.size).toBeGreaterThan(10);
  });

  it.each([3_600_000, 3, 1, -1, -3, -3_600_000])("follows the wall clock when it jumps by %i ms", (jump) => {
    const start = Date.now();
    const spy = vi.spyOn(Date, "now").mockReturnValue(start);
    clock.wallNs();
    spy.mockReturnValue(start + jump);
    expect(clock.wallNs() / 1_000_000n).toBe(BigInt(start + jump));
    spy.mockRestore();
    expectSystemsMillisecond();
  });

  it("has a monotonic clock that never goes back", () => {
    const readings = Array.from({ length: 1_000 }, () => clock.monotonicMs());
    expect(readings).toEqual([...readings].sort((a, b) => a - b));
  });

  it("has random numbers in [0, 1) and random bytes of any length", () => {
    for (let count = 0; count < 100; count += 1) {
      const value = random.next();
      expect(value >= 0 && value < 1).toBe(true);
    }
    expect(random.bytes(16)).toHaveLength(16);
    expect(Buffer.from(random.bytes(16)).equals(random.bytes(16))).toBe(false);
  });

  it("runs timers once, again and again, or soon, and not when cancelled", async () => {
    const runs: string[] = [];
    const cancelled = [timers.after(1, () => runs.push("never")), timers.every(1, () => runs.push("never"))];
    for (const timer of [...cancelled, ...cancelled]) timer.cancel();
    let repeats = 0;
    await new Promise<void>((resolve) => {
      timers.after(1, () => runs.push("after"));
      timers.soon(() => runs.push("soon"));
      const repeated = timers.every(2, () => {
        repeats += 1;
        if (repeats < 3) return;
        repeated.cancel();
        resolve();
      });
    });
    expect([...runs].sort()).toEqual(["after", "soon"]);
    expect(repeats).toBe(3);
  });
});
