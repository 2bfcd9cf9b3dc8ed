import { DistributionError } from "@distribution/core/errors";
import { expect, test } from "vitest";
import { createWorld, DOMAINS, INSTRUMENTS, WORLD_EVENT_TYPES, WORLD_TOPICS } from "../src/index.ts";
import { newWorld, worldOptions } from "./support/worlds.ts";

test.each([
  ["world.seed", { seed: -1 }],
  ["world.seed", { seed: 2 ** 53 }],
  ["world.seed", { seed: 1.5 }],
  ["world.startNs", { startNs: -1n }],
  ["world.startNs", { startNs: 2n ** 63n - 630_000_000_000_000_000n + 1n }],
  ["world.startNs", { startNs: 1 as never }],
  ["world.scenario", { scenario: "calm" as never }],
  ["world.rate", { rate: 0.99 }],
  ["world.rate", { rate: 1_000_001 }],
  ["world.rate", { rate: Number.NaN }],
  ["world.domains", { domains: ["market-data" as never] }],
])("%s out of range is refused, and named", (path, options) => {
  const make = () => createWorld(worldOptions(options));
  expect(make).toThrow(DistributionError);
  expect(make).toThrow(
    expect.objectContaining({ code: "invalid_request", errors: [expect.objectContaining({ path })] }),
  );
});

test.each([
  ["seed", { seed: 0 }],
  ["seed", { seed: 2 ** 53 - 1 }],
  ["startNs", { startNs: 0n }],
  ["startNs", { startNs: 2n ** 63n - 630_000_000_000_000_000n }],
  ["rate", { rate: 1 }],
  ["rate", { rate: 1_000_000 }],
])("%s at the end of its range is taken", (_name, options) => {
  const { startNs } = worldOptions(options);
  expect(newWorld(options).next(startNs)).toHaveLength(4);
});

test("instruments are sixty, of a few venues, and their numbers fit their scales", () => {
  expect(new Set(INSTRUMENTS.map(({ id }) => id)).size).toBe(60);
  expect(new Set(INSTRUMENTS.map(({ symbol }) => symbol)).size).toBe(60);
  expect(new Set(INSTRUMENTS.map(({ venue }) => venue)).size).toBe(3);
  for (const { id, venue, symbol, base, tick } of INSTRUMENTS) {
    expect(id).toBe(`${venue}:${symbol}`);
    expect(base % tick).toBe(0n);
  }
});

test("topics and types carry their domain's name", () => {
  for (const domain of DOMAINS) {
    for (const topic of Object.values(WORLD_TOPICS[domain])) expect(topic).toMatch(new RegExp(`^${domain}\\.[a-z-]+$`));
    for (const type of Object.values(WORLD_EVENT_TYPES[domain])) {
      expect(type).toMatch(new RegExp(`^${domain}\\.[a-z-]+\\.v1$`));
    }
  }
});
