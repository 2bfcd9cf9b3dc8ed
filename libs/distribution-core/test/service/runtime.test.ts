import { describe, expect, it, vi } from "vitest";
import { systemRuntime } from "../../src/runtime/index.ts";

const { clock, random, timers } = systemRuntime;

describe("the system's runtime", () => {
  it("has the wall clock in nanoseconds, within 2 ms of the system's, and no coarser than its steps", () => {
    const before = BigInt(Date.now()) * 1_000_000n;
    const now = clock.wallNs();
    const after = BigInt(Date.now()) * 1_000_000n;
    expect(now).toBeGreaterThanOrEqual(before - 2_000_000n);
    expect(now).toBeLessThanOrEqual(after + 3_000_000n);
    const readings = new Set(Array.from({ length: 100 }, () => clock.wallNs()));
    expect(readings.size).toBeGreaterThan(10);
  });

  it("follows the wall clock when it jumps, in either direction", () => {
    const start = Date.now();
    const spy = vi.spyOn(Date, "now");
    for (const jump of [3_600_000, -3_600_000]) {
      spy.mockReturnValue(start + jump);
      expect(clock.wallNs()).toBe(BigInt(start + jump) * 1_000_000n);
    }
    spy.mockRestore();
    const drift = clock.wallNs() - BigInt(Date.now()) * 1_000_000n;
    expect(drift < 5_000_000n && drift > -5_000_000n).toBe(true);
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
