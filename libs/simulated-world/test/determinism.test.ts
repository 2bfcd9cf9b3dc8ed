/** The same options give the same world, byte by byte, however and wherever it is played. */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { DOMAINS, SCENARIOS } from "../src/index.ts";
import { bytesOf, fingerprint } from "./support/fingerprint.ts";
import { END_NS, newWorld, START_NS, take, worldOptions } from "./support/worlds.ts";

const COUNT = 20_000;
const PROGRAM = fileURLToPath(new URL("support/fingerprint.ts", import.meta.url));

test.each(SCENARIOS)("another process makes the same events in the scenario %s", (scenario) => {
  const options = worldOptions({ scenario, seed: 77, rate: 300 });
  const text = JSON.stringify({ ...options, startNs: String(options.startNs), count: COUNT });
  const there = execFileSync(process.execPath, [PROGRAM, text], { encoding: "utf8" });
  expect(there).toBe(fingerprint(take(newWorld(options), COUNT).slice(0, COUNT)));
});

test("how it is asked for changes nothing", () => {
  const untilNs = START_NS + 20_000_000_000n;
  const whole = newWorld().next(untilNs);
  const world = newWorld();
  const parts = [];
  for (let atNs = START_NS; atNs <= untilNs; atNs += 7_300_000n) parts.push(...world.next(atNs, 11));
  while (world.nextNs <= untilNs) parts.push(...world.next(untilNs, 1));
  expect(parts.length).toBeGreaterThan(20_000);
  expect(fingerprint(parts)).toBe(fingerprint(whole));
});

describe.each(["normal", "upstream-outage", "bad-data"] as const)("in the scenario %s", (scenario) => {
  test.each(DOMAINS)("a world of %s alone gives that part of the whole", (domain) => {
    const untilNs = START_NS + 60_000_000_000n;
    const options = { scenario, rate: 300 };
    const whole = newWorld(options).next(untilNs);
    const part = newWorld({ ...options, domains: [domain] }).next(untilNs);
    expect(part.length).toBeGreaterThan(1000);
    expect(fingerprint(part)).toBe(fingerprint(whole.filter((told) => told.domain === domain)));
  });
});

test("another seed, start, scenario or rate is another world, whose ids are all its own", () => {
  const others = [{}, { seed: 2 }, { startNs: START_NS + 1n }, { scenario: "quiet" }, { rate: 999 }] as const;
  const ids = others.flatMap((options) =>
    take(newWorld(options), 500).map(({ domain, event }) => `${domain} ${event.id}`),
  );
  expect(new Set(ids).size).toBe(ids.length);
});

test("what is not due yet is not told", () => {
  const world = newWorld();
  expect(world.next(START_NS - 1n)).toEqual([]);
  expect(world.nextNs).toBe(START_NS);
  const first = world.next(START_NS);
  expect(first.map(({ event }) => event.type)).toEqual(Array(4).fill("portfolio.state.v1"));
  expect(world.nextNs).toBeGreaterThan(START_NS);
  expect(world.next(world.nextNs - 1n)).toEqual([]);
  const untilNs = START_NS + 5_000_000_000n;
  const told = world.next(untilNs);
  expect(told.every(({ at }) => at > START_NS && at <= untilNs)).toBe(true);
  expect(world.nextNs).toBeGreaterThan(untilNs);
});

test("a world can be asked for a few events at a time", () => {
  const world = newWorld();
  const some = world.next(END_NS, 100);
  expect(some.length).toBeGreaterThanOrEqual(100);
  expect(some.length).toBeLessThan(300);
  expect(new Set(some.map((told) => String(bytesOf(told)))).size).toBe(some.length);
});
