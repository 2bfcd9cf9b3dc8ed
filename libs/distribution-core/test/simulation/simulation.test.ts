import { describe, expect, it } from "vitest";
import { playSeed } from "./scenario.ts";

/** Set SIMULATION_SEEDS for more, and SIMULATION_FIRST to begin elsewhere. */
const SEEDS = Number(process.env["SIMULATION_SEEDS"] ?? 150);
const FIRST = Number(process.env["SIMULATION_FIRST"] ?? 1);

describe("a service in simulation", () => {
  it(`keeps every law for ${SEEDS} seeds: nothing lost, reordered, doubled or unaccounted for`, {
    timeout: 1_200_000,
  }, async () => {
    const totals = { published: 0, delivered: 0, subscriptions: 0 };
    for (let seed = FIRST; seed < FIRST + SEEDS; seed += 1) {
      const { faults, published, delivered, subscriptions } = await playSeed(seed);
      expect(faults.slice(0, 5), `seed ${seed}`).toEqual([]);
      totals.published += published;
      totals.delivered += delivered;
      totals.subscriptions += subscriptions;
    }
    // A scenario in which nothing happens would prove nothing.
    expect(totals.published).toBeGreaterThan(SEEDS * 100);
    expect(totals.delivered).toBeGreaterThan(SEEDS * 500);
    expect(totals.subscriptions).toBeGreaterThan(SEEDS * 5);
  });

  it("plays the same seed the same way twice", async () => {
    const [once, again] = [await playSeed(42), await playSeed(42)];
    expect(again.digest).toBe(once.digest);
  });
});
