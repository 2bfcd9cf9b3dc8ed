/** The read models without a service: what they keep, what they forget, and what they leave out. */
import { encodeEvent } from "@distribution/core/events";
import { feedProjections } from "@distribution/core/projections";
import { describe, expect, it } from "vitest";
import { createReadModels, type ReadModelOptions } from "../src/domain/read-models.ts";
import { PORTFOLIO_TOPICS } from "../src/domain/topics.ts";
import {
  attribution,
  breach,
  mark,
  performance,
  position,
  proposal,
  state,
  type Told,
  toEvent,
} from "./support/events.ts";

function modelsOf(told: readonly Told[], options: ReadModelOptions = {}) {
  const models = createReadModels(options);
  const feed = feedProjections(PORTFOLIO_TOPICS, Object.values(models));
  for (const [offset, each] of told.entries()) {
    const position = { topic: each.topic, partition: 0, epoch: "e", offset: String(offset) };
    feed({ position, appendedAt: 1n, bytes: encodeEvent(toEvent(each)) });
  }
  return models;
}

const states = (count: number) =>
  Array.from({ length: count }, (_, index) => state({ seconds: index, portfolio: `p${index}` }));

describe("read models", () => {
  it("keep as many portfolios as they are told to: below the bound, at it, above it", () => {
    for (const [count, kept] of [
      [2, 2],
      [3, 3],
      [4, 3],
    ] as const) {
      const { states: model } = modelsOf(states(count), { maxKeys: 3 });
      expect([model.stats.keys, model.stats.forgotten]).toEqual([kept, count - kept]);
    }
    const { states: model } = modelsOf(states(4), { maxKeys: 3 });
    expect(() => model.read("p0")).toThrow(/There is no portfolio p0.*It may have been forgotten: .* 3 keys/);
  });

  it("keep as many changes as they are told to, of each kind", () => {
    const seconds = [0, 1, 2, 3];
    const models = modelsOf(
      [
        ...seconds.map((at) => state({ seconds: at })),
        ...seconds.map((at) => mark({ seconds: at }, {})),
        ...seconds.map((at) => performance({ seconds: at })),
        ...seconds.map((at) => attribution({ seconds: at })),
      ],
      { maxStates: 3, maxChanges: 2, maxMeasures: 1 },
    );
    expect(models.states.find("growth")?.state.items).toHaveLength(3);
    expect(models.holdings.find("growth/central:TEC04-USD")?.state.history.items).toHaveLength(2);
    expect(models.performance.find("growth/day")?.state.benchmarks.get("ALL-60")?.items).toHaveLength(1);
    expect(models.attribution.find("growth/day/attribution")?.state.benchmarks.get("ALL-60")?.items).toHaveLength(1);
  });

  it("measure what they keep", () => {
    const few = modelsOf([state(), position(), performance(), attribution(), breach(), proposal()]);
    const more = modelsOf(
      [0, 1].flatMap((seconds) => [
        ...[state({ seconds }), position({ seconds }, { executionId: `e-${seconds}` }), performance({ seconds })],
        ...[attribution({ seconds }), breach({ seconds }), proposal({}, { rebalanceId: `r-${seconds}` })],
      ]),
    );
    for (const name of Object.keys(few) as readonly (keyof typeof few)[]) {
      expect(few[name].stats.bytes, name).toBeGreaterThan(300);
      expect(more[name].stats.bytes, name).toBeGreaterThan(few[name].stats.bytes + 50);
    }
  });

  it("leave out what is in the log against the rules, and say how much", () => {
    const wrong = [
      state({ seconds: 5 }),
      state({ seconds: 4 }, { nav: "100.5" }),
      state({ seconds: 6 }, { nav: "1" }),
      breach({}, { limit: "" }),
      mark({}, { quantity: "10" }),
      mark({ seconds: 1 }, { quantity: "11", value: "16.5" }),
    ];
    const models = modelsOf(wrong);
    expect(models.states.find("growth")?.state.items).toHaveLength(1);
    expect(models.states.stats.skipped).toEqual({ "portfolio.state": 2 });
    expect(models.holdings.stats.skipped).toEqual({ "portfolio.positions": 1 });
    expect(models.breaches.stats).toMatchObject({ keys: 0, skipped: { "portfolio.risk": 1 } });
  });

  it("have a breach once, however often it comes", () => {
    const told = breach({ id: "b-1" });
    expect(modelsOf([told, told]).breaches.stats.keys).toBe(1);
  });
});
