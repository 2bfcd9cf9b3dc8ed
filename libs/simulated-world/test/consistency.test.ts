/** An independent reader follows worlds of every scenario, event by event. */
import { describe, expect, test } from "vitest";
import { DOMAINS, SCENARIOS, type Scenario, WORLD_EVENT_TYPES, type World, type WorldEvent } from "../src/index.ts";
import { WorldReader } from "./support/reader.ts";
import { newWorld, take } from "./support/worlds.ts";

const EVENTS = 17_500;

/** Outages and bursts take a while to come. */
const RATES: Readonly<Partial<Record<Scenario, number>>> = { "upstream-outage": 150, burst: 200 };

/** Within one moment: what follows from another domain's event comes after it. */
const RANK = ["intelligence", "coordination", "execution", "portfolio"];

/** In the order in which it happened, with what an upstream that is silent tells of it later. */
function asItHappened(events: readonly WorldEvent[], world: World): readonly WorldEvent[] {
  const endNs = world.nextNs;
  return [...events, ...world.next(endNs + 15_000_000_000n)]
    .filter(({ event }) => event.time < endNs)
    .sort((a, b) => {
      if (a.event.time === b.event.time) return RANK.indexOf(a.domain) - RANK.indexOf(b.domain);
      return a.event.time < b.event.time ? -1 : 1;
    });
}

function read(events: readonly WorldEvent[]): WorldReader {
  const reader = new WorldReader();
  for (const told of events) if (told.bad === undefined) reader.read(told);
  return reader;
}

describe.each(SCENARIOS)("in the scenario %s", (scenario) => {
  test.each([3, 2 ** 40 + 11])("everything adds up and follows from what was told before, with seed %d", (seed) => {
    const world = newWorld({ seed, scenario, rate: RATES[scenario] ?? 2000 });
    const events = take(world, EVENTS);
    for (const [index, { at }] of events.entries()) expect(at >= (events[index - 1]?.at ?? 0n)).toBe(true);
    const reader = read(scenario === "upstream-outage" ? asItHappened(events, world) : events);
    expect(reader.portfolio.booked.size).toBe(reader.execution.fills.size);
    expect(reader.portfolio.booked.size).toBeGreaterThan(500);
  });
});

test.each([1, 50_000])("at a rate of %d too", (rate) => {
  const reader = read(take(newWorld({ rate, seed: 9 }), 10_000));
  expect(reader.portfolio.booked.size).toBe(reader.execution.fills.size);
});

test("every type of event occurs, with realistic shares", () => {
  const events = take(newWorld({ seed: 5, rate: 2000 }), 100_000);
  const reader = read(events);
  const counts = Map.groupBy(events, ({ event }) => event.type);
  for (const domain of DOMAINS) {
    for (const type of Object.values(WORLD_EVENT_TYPES[domain]))
      expect(counts.get(type)?.length ?? 0, type).toBeGreaterThan(0);
  }
  const part = (of: ReadonlyMap<string, number>, name: string, all: string): number => of.get(name)! / of.get(all)!;
  const { execution, coordination } = reader;
  expect(part(execution.counts, "orderRejected", "orderNew")).toBeCloseTo(0.025, 2);
  expect(part(execution.counts, "fill", "orderNew")).toBeGreaterThan(1.3);
  expect(part(coordination.counts, "conflictDetected", "decisionCoordinated")).toBeCloseTo(0.055, 1);
  expect(part(coordination.counts, "decisionExecuted", "decisionCoordinated")).toBeGreaterThan(0.5);
  expect(coordination.openConflicts).toBeLessThan(20);
  const urgent = [7, 8, 9].reduce((sum, urgency) => sum + (reader.intelligence.urgencies.get(urgency) ?? 0), 0);
  expect(urgent / reader.intelligence.known.size).toBeCloseTo(0.1, 1);
});
