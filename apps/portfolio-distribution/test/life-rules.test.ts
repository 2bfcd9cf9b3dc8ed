/** What events of performance, risk and rebalancing have to be, and what may follow what. */
import { describe, expect, it } from "vitest";
import { nextBreach } from "../src/domain/rules/breach.ts";
import { nextMeasure } from "../src/domain/rules/performance.ts";
import { nextRebalance } from "../src/domain/rules/rebalance.ts";
import { at, attribution, breach, completion, INSTRUMENT, performance, proposal } from "./support/events.ts";
import { byMessage, fold, refusal } from "./support/rules.ts";

describe("performance and attribution", () => {
  it("have fractions of 12 places at most", () => {
    const told = performance({}, { periodReturn: "-0.123456789012", benchmarkReturn: "1" });
    expect(fold(nextMeasure, told)).toEqual({ asOf: at(0) });
    const parts = [{ group: "energy", weight: "0.123456789012", contribution: "0" }];
    expect(fold(nextMeasure, attribution({}, { contributions: parts }))).toEqual({ asOf: at(0) });
  });

  const contribution = { group: "energy", weight: "0.1", contribution: "0.01" };
  it.each(
    byMessage([
      [
        performance({}, { periodReturn: "0.1234567890123" }),
        "performance.period_return: It has 13 places after the point",
      ],
      [performance({}, { benchmarkReturn: "0.1234567890123" }), "performance.benchmark_return: It has 13 places"],
      [performance({}, { benchmarkReturn: "" }), "performance.benchmark_return: It is required"],
      [performance({}, { benchmark: "" }), "performance.benchmark: It is required with a benchmark_return"],
      [performance({}, { benchmark: "x".repeat(129) }), "performance.benchmark: It has 129 characters"],
      [performance({}, { profit: "" }), "performance.profit: It is required"],
      [performance({}, { period: "PERIOD_UNSPECIFIED" }), "performance.period: State one of day, week"],
      [performance({}, { periodStart: "0" }), "performance.period_start: It is 0"],
      [performance({}, { periodStart: String(at(1)) }), "performance.period_start: It is after as_of"],
      [
        attribution({}, { contributions: [{ ...contribution, group: "" }] }),
        "attribution.contributions[0].group: It is",
      ],
      [
        attribution({}, { contributions: [contribution, { ...contribution, weight: "0.1234567890123" }] }),
        "attribution.contributions[1].weight: It has 13 places",
      ],
      [
        attribution({}, { contributions: [{ ...contribution, contribution: "01" }] }),
        'attribution.contributions[0].contribution: "01" is no decimal',
      ],
      [
        attribution({}, { contributions: Array.from({ length: 1001 }, () => contribution) }),
        "attribution.contributions: There are 1001; the limit is 1000",
      ],
      [attribution({}, { period: "PERIOD_UNSPECIFIED" }), "attribution.period: State one of"],
    ]),
  )("are refused: %s", (expected, told) => {
    expect(refusal(() => fold(nextMeasure, told))).toContain(`invalid_event data.${expected}`);
  });

  it("take 1,000 contributions", () => {
    const contributions = Array.from({ length: 1000 }, () => contribution);
    expect(fold(nextMeasure, attribution({}, { contributions }))).toBeDefined();
  });

  it("have keys of their own by period", () => {
    expect(refusal(() => fold(nextMeasure, performance({ key: "growth/week" })))).toContain('the key "growth/day"');
    expect(refusal(() => fold(nextMeasure, attribution({ key: "growth/day" })))).toContain(
      'the key "growth/day/attribution"',
    );
  });

  it("do not go back in time", () => {
    const told = [performance({ seconds: 2 }), performance({ seconds: 1 })];
    expect(refusal(() => fold(nextMeasure, ...told))).toContain("illegal_transition data.as_of");
    const attributed = [attribution({ seconds: 2 }), attribution({ seconds: 1 })];
    expect(refusal(() => fold(nextMeasure, ...attributed))).toContain("The day attribution of growth has been told");
  });
});

describe("a breach", () => {
  it("is keyed by its kind, and by its instrument where it has one", () => {
    expect(fold(nextBreach, breach())).toEqual({ asOf: at(0) });
    const one = { kind: "LIMIT_KIND_POSITION_SIZE", instrument: INSTRUMENT };
    expect(fold(nextBreach, breach({}, one))).toEqual({ asOf: at(0) });
    const wrong = breach({ key: "growth/position-size" }, one);
    expect(refusal(() => fold(nextBreach, wrong))).toContain(`the key "growth/position-size/${INSTRUMENT}"`);
  });

  it.each(
    byMessage([
      [breach({}, { kind: "LIMIT_KIND_UNSPECIFIED" }), "invalid_event data.breach.kind: State one of position-size"],
      [breach({}, { instrument: "nothing" }), "invalid_event data.breach.instrument"],
      [breach({}, { limit: "" }), "invalid_event data.breach.limit: It is required"],
      [breach({}, { actual: "-0" }), 'invalid_event data.breach.actual: "-0" is no decimal'],
    ]),
  )("is refused: %s", (expected, told) => {
    expect(refusal(() => fold(nextBreach, told))).toContain(expected);
  });

  it("does not go back in time", () => {
    expect(refusal(() => fold(nextBreach, breach({ seconds: 2 }), breach({ seconds: 1 })))).toContain(
      "illegal_transition data.as_of",
    );
  });
});

describe("a rebalance", () => {
  it("is proposed, then completed", () => {
    expect(fold(nextRebalance, proposal())).toMatchObject({ state: "proposed", portfolioId: "growth" });
    expect(fold(nextRebalance, proposal(), completion({ seconds: 1 }))).toMatchObject({
      ...{ state: "completed", proposedAt: at(0), asOf: at(1) },
      completion: { tradesDone: 1, tradesFailed: 0 },
    });
  });

  it.each(
    byMessage([
      [[proposal(), proposal()], "type: Rebalance r-1 is proposed; only its completion may follow."],
      [[proposal(), completion(), proposal()], "type: Rebalance r-1 is completed; nothing may follow."],
      [[proposal(), completion(), completion()], "type: Rebalance r-1 is completed; nothing may follow."],
      [[completion()], "type: Rebalance r-1 is not known; it has to be proposed first."],
      [
        [proposal(), completion({ portfolio: "income" })],
        "data.portfolio_id: Rebalance r-1 was proposed for growth; complete it for that portfolio.",
      ],
      [[proposal({ seconds: 2 }), completion({ seconds: 1 })], "data.as_of: It is 2026-01-05T14:30:01Z"],
    ]),
  )("is refused where it cannot follow: %s", (expected, told) => {
    expect(refusal(() => fold(nextRebalance, ...told))).toContain(`illegal_transition ${expected}`);
  });

  it.each(
    byMessage([
      [proposal({}, { rebalanceId: "a b" }), "data.proposal.rebalance_id"],
      [proposal({ key: "r-2" }), "key"],
      [proposal({}, { trades: [{ instrument: "x", quantity: "1" }] }), "data.proposal.trades[0].instrument"],
      [proposal({}, { trades: [{ instrument: INSTRUMENT, quantity: "" }] }), "data.proposal.trades[0].quantity"],
      [
        proposal({}, { trades: Array.from({ length: 1001 }, () => ({ instrument: INSTRUMENT, quantity: "1" })) }),
        "data.proposal.trades: There are 1001",
      ],
      [completion({ key: "r-2" }), "key"],
      [completion({}, "a b"), "data.completion.rebalance_id"],
    ]),
  )("is refused where it is wrong by itself: %s", (expected, told) => {
    expect(refusal(() => fold(nextRebalance, told))).toContain(`invalid_event ${expected}`);
  });
});
