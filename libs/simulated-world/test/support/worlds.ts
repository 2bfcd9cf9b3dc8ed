/** Worlds for tests. */
import { createWorld, type World, type WorldEvent, type WorldOptions } from "../../src/index.ts";

/** 2026-01-01T00:00:00Z, where the simulated runtime of the testkit begins too. */
export const START_NS = 1_767_225_600_000_000_000n;

export const worldOptions = (options: Partial<WorldOptions> = {}): WorldOptions => ({
  seed: 1,
  startNs: START_NS,
  scenario: "normal",
  rate: 1000,
  ...options,
});

/** About so many events more of a world, at least. */
export function take(world: World, count: number): WorldEvent[] {
  const taken: WorldEvent[] = [];
  while (taken.length < count) for (const told of world.next(END_NS, 500)) taken.push(told);
  return taken;
}

export const END_NS = START_NS + 10n ** 16n;

export const newWorld = (options: Partial<WorldOptions> = {}): World => createWorld(worldOptions(options));
