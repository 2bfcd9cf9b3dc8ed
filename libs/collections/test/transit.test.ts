import { garbageCollector } from "@distribution/testkit/service";
import { describe, expect, it } from "vitest";
import { TransitMap, TransitSet } from "../src/index.ts";

const PASSES = 3_000;
const EACH_BYTES = 8 * 1_024;

/** Bytes that are left after so many entries came and went, and only the young ones were collected. */
function leftBehind(passing: { set(key: number, value: unknown): unknown; delete(key: number): unknown }): number {
  const collect = garbageCollector();
  passing.set(-1, undefined);
  // Now the collection's own table is old.
  collect({ type: "major" });
  const before = process.memoryUsage().heapUsed;
  for (let key = 0; key < PASSES; key += 1) {
    passing.set(key, new Array(EACH_BYTES / 8).fill(key));
    passing.delete(key - 1);
  }
  collect({ type: "minor" });
  collect({ type: "minor" });
  return process.memoryUsage().heapUsed - before;
}

describe("what passes through", () => {
  it("is let go of by young collections alone, as it is not by a Map", () => {
    const most = (PASSES * EACH_BYTES) / 3;
    expect(leftBehind(new TransitMap<number, unknown>())).toBeLessThan(most);
    // Where this fails, the engine has become better, and this package can go.
    expect(leftBehind(new Map<number, unknown>())).toBeGreaterThan(most);
  });
});

describe("a TransitMap", () => {
  it("is a Map in the order of insertion, however much passed through it", () => {
    const transit = new TransitMap<number, string>();
    const map = new Map<number, string>();
    for (let step = 0; step < 20_000; step += 1) {
      const key = (step * 7_919) % 3_001;
      expect(transit.delete(key - 1)).toBe(map.delete(key - 1));
      transit.set(key, `${step}`);
      map.set(key, `${step}`);
      if (step % 1_500 !== 0) continue;
      expect([...transit]).toEqual([...map]);
      expect([...transit.keys()]).toEqual([...map.keys()]);
      expect([...transit.values()]).toEqual([...map.values()]);
    }
    expect(transit.size).toBe(map.size);
    expect(transit.get(5)).toBe(map.get(5));
    expect([transit.has(5), transit.has(-9)]).toEqual([map.has(5), false]);
    transit.clear();
    expect([transit.size, ...transit]).toEqual([0]);
  });
});

describe("a TransitSet", () => {
  it("is a Set in the order of insertion, however much passed through it", () => {
    const transit = new TransitSet<number>();
    const set = new Set<number>();
    for (let step = 0; step < 20_000; step += 1) {
      const value = (step * 7_919) % 3_001;
      expect(transit.delete(value - 1)).toBe(set.delete(value - 1));
      transit.add(value);
      set.add(value);
      if (step % 1_500 === 0) expect([...transit]).toEqual([...set]);
    }
    expect([transit.size, transit.has(5), transit.has(-9)]).toEqual([set.size, set.has(5), false]);
    transit.clear();
    expect([transit.size, ...transit]).toEqual([0]);
  });

  it("may lose what it is walked over, and be walked on", () => {
    const transit = new TransitSet<number>();
    for (let value = 0; value < 5_000; value += 1) transit.add(value);
    for (const value of transit) if (value % 2 === 0) transit.delete(value);
    expect(transit.size).toBe(2_500);
  });
});
