/** A world looks like a market: loosely, on samples large enough and with fixed seeds. */
import { PortfolioEvent } from "@distribution/proto-types/portfolio/v1/portfolio";
import { describe, expect, test } from "vitest";
import { INSTRUMENTS, SCENARIOS, type WorldEvent } from "../src/index.ts";
import { exact } from "./support/exact.ts";
import { newWorld, START_NS } from "./support/worlds.ts";

const SECOND = 1_000_000_000n;
const at = (seconds: number): bigint => START_NS + BigInt(seconds) * SECOND;

/** Events by second of the world. */
function perSecond(events: readonly WorldEvent[], seconds: number): readonly number[] {
  const counts = Array<number>(seconds).fill(0);
  for (const { event } of events) counts[Number((event.time - START_NS) / SECOND)]! += 1;
  return counts;
}

const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);

test.each([
  [1, 60],
  [40, 5],
  [1000, 1],
])("a rate of %d is about so many events a second, on the average of %d days", (rate, days) => {
  const seconds = days * 120;
  const events = newWorld({ rate, scenario: "open" }).next(at(seconds)).length;
  expect(events / seconds / rate).toBeGreaterThan(0.9);
  expect(events / seconds / rate).toBeLessThan(1.1);
});

test("few instruments are traded much and many a little, as Zipf has it", () => {
  const busiest = [1, 2].map((seed) => {
    const world = newWorld({ seed, rate: 300, domains: ["coordination"] });
    const decisions = world.next(at(1200)).filter(({ event }) => event.type === "coordination.decision-coordinated.v1");
    const counts = Map.groupBy(decisions, ({ event }) => event.subject);
    const ranked = [...counts]
      .map(([instrument, { length }]) => [instrument, length] as const)
      .sort((a, b) => b[1] - a[1]);
    expect(ranked).toHaveLength(60);
    // On double logarithmic axes a line that falls by one.
    const slope = Math.log(ranked[29]![1] / ranked[0]![1]) / Math.log(30);
    expect(slope).toBeLessThan(-0.8);
    expect(slope).toBeGreaterThan(-1.2);
    return ranked.slice(0, 3).map(([instrument]) => instrument);
  });
  expect(busiest[0]).not.toEqual(busiest[1]);
});

test("few orders are rejected, cancelled or expire, and each way to end is there", () => {
  const counts = new Map<string, number>();
  for (const { event } of newWorld({ rate: 100, domains: ["execution"] }).next(at(1800))) {
    counts.set(event.type, (counts.get(event.type) ?? 0) + 1);
  }
  const share = (end: string): number =>
    counts.get(`execution.order-${end}.v1`)! / counts.get("execution.order-new.v1")!;
  for (const [end, least, most] of [
    ["rejected", 0.015, 0.035],
    ["expired", 0.015, 0.045],
    ["cancelled", 0.09, 0.18],
  ] as const) {
    expect(share(end), end).toBeGreaterThan(least);
    expect(share(end), end).toBeLessThan(most);
  }
});

test("prices are on their ticks and move together, in a sector more than across", () => {
  const moves = sampleMoves();
  const within: number[] = [];
  const across: number[] = [];
  for (const a of INSTRUMENTS) {
    for (const b of INSTRUMENTS.slice(a.index + 1)) {
      const both = correlation(moves.get(a.id) ?? [], moves.get(b.id) ?? []);
      (a.sector === b.sector ? within : across).push(both);
    }
  }
  const mean = (list: readonly number[]): number => sum(list) / list.length;
  expect(mean(across)).toBeGreaterThan(0.25);
  expect(mean(within)).toBeGreaterThan(mean(across) + 0.1);
  expect(mean(within)).toBeLessThan(0.85);
});

/** Relative moves of all instruments in steps of half a minute, as positions were valued. */
function sampleMoves(): ReadonlyMap<string, readonly number[]> {
  const world = newWorld({ rate: 250, seed: 8, domains: ["portfolio"] });
  const latest = new Map<string, number>();
  const moves = new Map<string, number[]>(INSTRUMENTS.map(({ id }) => [id, []]));
  const ticks = new Map(INSTRUMENTS.map(({ id, tick }) => [id, tick * 10n ** 18n]));
  let before = new Map<string, number>();
  for (let second = 30; second <= 1800; second += 30) {
    for (const { event } of world.next(at(second))) {
      if (event.type !== "portfolio.position.v1") continue;
      const { payload } = PortfolioEvent.decode(event.data!);
      if (payload?.$case !== "position") continue;
      const { instrument, price } = payload.value;
      expect(exact(price) % ticks.get(instrument)!).toBe(0n);
      latest.set(instrument, Number(price));
    }
    // By then everything is held.
    if (second > 600) for (const [id, price] of latest) moves.get(id)?.push(price / before.get(id)! - 1);
    before = new Map(latest);
  }
  return moves;
}

function correlation(a: readonly number[], b: readonly number[]): number {
  const meanA = sum(a) / a.length;
  const meanB = sum(b) / b.length;
  let both = 0;
  let squareA = 0;
  let squareB = 0;
  for (const [index, value] of a.entries()) {
    both += (value - meanA) * (b[index]! - meanB);
    squareA += (value - meanA) ** 2;
    squareB += (b[index]! - meanB) ** 2;
  }
  return both / Math.sqrt(squareA * squareB);
}

describe("scenarios", () => {
  test("a day begins with a rush, more so in the scenario open", () => {
    const rush = (["normal", "open"] as const).map((scenario) => {
      const day = scenario === "open" ? 120 : 1800;
      const counts = perSecond(newWorld({ scenario, rate: 80 }).next(at(day) - 1n), day);
      const part = day / 20;
      return sum(counts.slice(0, part)) / sum(counts.slice(day / 2, day / 2 + part));
    });
    expect(rush[0]).toBeGreaterThan(1.5);
    expect(rush[1]).toBeGreaterThan(6);
  });

  test("burst has seconds with many times as much as others", () => {
    const counts = perSecond(newWorld({ scenario: "burst", rate: 200 }).next(at(300) - 1n), 300).slice(60);
    const sorted = counts.toSorted((a, b) => a - b);
    expect(sorted.at(-3)!).toBeGreaterThan(4 * sorted[120]!);
  });

  test("quiet has a fifth of the events", () => {
    const [quiet, normal] = (["quiet", "normal"] as const).map(
      (scenario) => newWorld({ scenario, rate: 200 }).next(at(300)).length,
    );
    expect(quiet! / normal!).toBeCloseTo(0.2, 1);
  });

  test("in upstream-outage one domain at a time is silent, and then tells everything late and in order", () => {
    const events = newWorld({ scenario: "upstream-outage", rate: 300 }).next(at(300));
    const late = events.filter(({ at, event }) => at > event.time);
    const outages = Map.groupBy(late, ({ at }) => at);
    expect(outages.size).toBeGreaterThan(3);
    expect(new Set(late.map(({ domain }) => domain)).size).toBeGreaterThan(2);
    for (const [at, held] of outages) {
      const [{ domain, event }] = held as [WorldEvent];
      expect(held.every((told) => told.domain === domain)).toBe(true);
      expect(at - event.time).toBeLessThanOrEqual(10n * SECOND);
      const meanwhile = events.filter((told) => told.at > event.time && told.at < at);
      expect(meanwhile.length).toBeGreaterThan(0);
      expect(meanwhile.every((told) => told.domain !== domain)).toBe(true);
    }
  });

  test("an outage ends early when as much is held back as may be", () => {
    const world = newWorld({ scenario: "upstream-outage", rate: 5000, domains: ["portfolio"] });
    let late: readonly WorldEvent[] = [];
    while (late.length === 0)
      late = world.next(world.nextNs + SECOND, 5000).filter((told) => told.at > told.event.time);
    // But for what happened in the very moment of its end.
    expect(late.length).toBeGreaterThan(4900);
    expect(late.length).toBeLessThanOrEqual(5000);
    expect(late[0]!.at - late[0]!.event.time).toBeLessThan(5n * SECOND);
  });

  test.each(SCENARIOS)("%s tells bad events only if it is bad-data", (scenario) => {
    const bad = newWorld({ scenario, rate: 300 })
      .next(at(60))
      .filter((told) => told.bad !== undefined);
    expect(bad.length > 0).toBe(scenario === "bad-data");
  });
});
