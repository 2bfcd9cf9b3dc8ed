/** A world goes on from its saved state as if it had never stopped, and remembers only what goes on. */
import { deserialize, serialize } from "node:v8";
import { crc32 } from "node:zlib";
import fc from "fast-check";
import { expect, test } from "vitest";
import { SCENARIOS } from "../src/index.ts";
import { fingerprint } from "./support/fingerprint.ts";
import { newWorld, START_NS, take, worldOptions } from "./support/worlds.ts";

test("saved and restored at any point it gives the same further events", () => {
  const property = fc.property(
    fc.constantFrom(...SCENARIOS),
    fc.nat(2 ** 31),
    fc.integer({ min: 0, max: 12_000 }),
    fc.integer({ min: 1, max: 3 }),
    (scenario, seed, before, times) => {
      const options = worldOptions({ scenario, seed, rate: 150 });
      const straight = newWorld(options);
      take(straight, before);
      let restored = newWorld({ ...options, state: straight.save() });
      for (let time = 1; time < times; time += 1) restored = newWorld({ ...options, state: restored.save() });
      expect(fingerprint(take(restored, 3000))).toBe(fingerprint(take(straight, 3000)));
    },
  );
  fc.assert(property, { numRuns: 20, seed: 4 });
});

test("saved while an upstream is silent, what is held back is not lost", () => {
  const options = worldOptions({ scenario: "upstream-outage", rate: 300 });
  const world = newWorld(options);
  const late = (untilNs: bigint): boolean =>
    newWorld(options)
      .next(untilNs)
      .some(({ at, event }) => at > event.time);
  let untilNs = START_NS;
  while (!late(untilNs)) untilNs += 1_000_000_000n;
  // A second before the first late event something was held.
  world.next(untilNs - 1_000_000_000n);
  const restored = newWorld({ ...options, state: world.save() });
  const told = restored.next(untilNs);
  expect(told.some(({ at, event }) => at > event.time)).toBe(true);
  expect(fingerprint(told)).toBe(fingerprint(world.next(untilNs)));
});

test("one state can be restored more than once", () => {
  const world = newWorld();
  take(world, 2000);
  const state = world.save();
  const once = fingerprint(take(newWorld({ state }), 2000));
  expect(fingerprint(take(newWorld({ state }), 2000))).toBe(once);
});

test("what has ended is let go: a world does not grow with its age", () => {
  // An even day: the open is busier than the rest.
  const world = newWorld({ rate: 200, domains: [] });
  const sizeAt = (seconds: bigint): number => {
    world.next(START_NS + seconds * 1_000_000_000n);
    return world.save().length;
  };
  const young = sizeAt(900n);
  const old = sizeAt(1800n * 2n + 900n);
  expect(old).toBeLessThan(young * 1.5);
});

test("the state of another world, or of other domains, is refused", () => {
  const state = newWorld({ domains: ["execution"] }).save();
  expect(() => newWorld({ state })).toThrow(
    /^world\.state: It is of the world of seed 1, .* domains execution; asked is/,
  );
  expect(() => newWorld({ state, domains: ["execution"], seed: 2 })).toThrow(/asked is seed 2/);
  expect(newWorld({ state, domains: ["execution"] }).nextNs).toBe(START_NS);
});

test.each([
  ["nothing", (_state: Uint8Array) => new Uint8Array()],
  ["its first bytes only", (state: Uint8Array) => state.slice(0, 100)],
  ["one bit other", (state: Uint8Array) => state.with(200, (state[200] ?? 0) ^ 1)],
])("a state with %s is refused as damaged", (_what, damage) => {
  const state = damage(newWorld().save());
  expect(() => newWorld({ state })).toThrow(
    "The saved state of the world is damaged. Start the world anew without it.",
  );
});

test("a state of another version is refused with what to do", () => {
  const record = deserialize(newWorld().save().subarray(4)) as { readonly format: number };
  const body = serialize({ ...record, format: 0 });
  const state = Buffer.alloc(4 + body.length);
  state.writeUInt32BE(crc32(body));
  body.copy(state, 4);
  expect(() => newWorld({ state })).toThrow(/has format 0; this version reads \d+\. Start a new world/);
});
