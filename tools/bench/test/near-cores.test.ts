import { describe, expect, it, test } from "vitest";
import { createNearCores } from "../src/harness/near-cores.ts";
import { SERVER_CORE, startPinned } from "../src/harness/pinned.ts";

const [NEAR, FAR] = [80, 360];

/** Cores that are as far apart as the list says, look by look, and stay as its last. */
function createCores(distances: readonly number[]) {
  let looks = 0;
  let waits = 0;
  const near = createNearCores(
    () => Promise.resolve(distances[Math.min(looks++, distances.length - 1)]!),
    () => Promise.resolve(),
    () => {
      waits += 1;
      return Promise.resolve();
    },
  );
  const figures = () => near.rows().map(({ rounds }) => rounds);
  return { near, figures, waits: () => waits };
}

const readings = () => {
  let last = 0;
  return () => {
    last += 1;
    return Promise.resolve(last);
  };
};

describe("readings while the cores are near", () => {
  it("begin when the cores are", async () => {
    const { near, figures, waits } = createCores([FAR, FAR, NEAR]);
    expect(await near.during(readings())).toBe(1);
    expect(waits()).toBe(2);
    expect(figures()).toEqual([[NEAR], [0], [0]]);
  });

  it("are taken again when the cores are not near any more at their end", async () => {
    const { near, figures } = createCores([NEAR, FAR, FAR, NEAR, 90]);
    expect(await near.during(readings())).toBe(2);
    expect(figures()).toEqual([[90], [0], [1]]);
  });

  it.each([
    ["two minutes, for cores that never are", [FAR], 240],
    ["ten minutes, for cores that are not any more", [NEAR, NEAR, FAR], 1_200],
  ])("are taken as they are after a wait of %s, and said to be", async (_what, distances, most) => {
    const { near, figures, waits } = createCores(distances);
    const before = distances.length > 1 ? 1 : 0;
    if (before > 0) await near.during(readings());
    expect(await near.during(readings())).toBe(1);
    expect(waits()).toBe(most);
    expect(await near.during(readings())).toBe(1);
    expect(waits()).toBe(most);
    expect(figures().slice(1)).toEqual([[2], [0]]);
  });
});

test.runIf(process.platform === "linux")("the distance of two real cores is a time", async () => {
  await using cores = startPinned(SERVER_CORE, new URL("../src/harness/core-distance.ts", import.meta.url), []);
  await cores.answer();
  const distance = await cores.ask<number>("measure");
  expect(distance).toBeGreaterThan(1);
  expect(distance).toBeLessThan(1e9);
});
