import { describe, expect, it } from "vitest";
import { countExpired, isExpired, latestOf } from "../src/domain/newest-findings.ts";
import {
  bySymbol,
  byTime,
  createReadModels,
  listOf,
  type ReadModelOptions,
  type ReadModels,
} from "../src/domain/read-models.ts";
import { TOPICS } from "../src/domain/topics.ts";
import { eventOf, finding, NOON, SECOND, SYMBOL } from "./support/findings.ts";
import { fedModels, reasonOf } from "./support/models.ts";

/** So many seconds after noon. */
const at = (seconds: number) => ({ producedAt: NOON + BigInt(seconds) * SECOND });
const newestOf = ({ newest }: ReadModels, key = `${SYMBOL} signal`) => newest.find(key)!.state;
const newestIds = (models: ReadModels) => newestOf(models).findings.map(({ intelligenceId }) => intelligenceId);
const latestId = (models: ReadModels) => latestOf(newestOf(models), () => true)?.intelligenceId;

describe("the findings", () => {
  const listed = ({ findings }: ReadModels, group: string, range: { from?: bigint; to?: bigint } = {}) =>
    findings.list(byTime, { group, limit: 100, ...range }).value.entries.map(({ key }) => key);

  it("are found by symbol, kind, both, workflow, or all together, newest first", () => {
    const { models, tell } = fedModels();
    tell(finding("signal", "a", { ...at(3), targetWorkflows: ["research", "risk-desk"] }));
    tell(finding("signal", "b", { ...at(1), symbol: "ETH-USD", targetWorkflows: ["research"] }));
    tell(finding("news", "c", at(2)));
    expect(listed(models, listOf({}))).toEqual(["a", "c", "b"]);
    expect(listed(models, listOf({ symbol: SYMBOL }))).toEqual(["a", "c"]);
    expect(listed(models, listOf({ type: "signal" }))).toEqual(["a", "b"]);
    expect(listed(models, listOf({ symbol: SYMBOL, type: "news", workflow: "research" }))).toEqual(["c"]);
    expect(listed(models, listOf({ workflow: "research", type: "news" }))).toEqual(["a", "b"]);
    expect(listed(models, listOf({ workflow: "nobody" }))).toEqual([]);
    expect(listed(models, listOf({}), { from: at(2).producedAt, to: at(3).producedAt })).toEqual(["c"]);
  });

  it("are kept as they came first: one with an id that is known is skipped and counted", () => {
    const { models, tell } = fedModels();
    tell(finding("signal", "a", { confidence: "0.1" }), finding("signal", "a", { confidence: "0.2" }));
    expect(models.findings.read("a").value.confidence).toBe("0.1");
    expect(models.findings.stats).toMatchObject({ events: 1, skipped: { [TOPICS.signal]: 1 } });
    expect(newestIds(models)).toEqual(["a"]);
  });

  it("that nobody told are not found, and where to look is said", () => {
    const { models } = fedModels();
    const [code, , message] = reasonOf(() => models.findings.read("i-1"));
    expect([code, message]).toEqual([
      "not_found",
      "There is no finding i-1. GET /intelligence lists those that are kept.",
    ]);
  });

  it("are bounded: the one that came first goes for a new one", () => {
    const { models, tell } = fedModels({ maxFindings: 2 });
    tell(finding("signal", "a"), finding("signal", "b"), finding("signal", "c"));
    expect(models.findings.stats).toMatchObject({ keys: 2, forgotten: 1 });
    expect(reasonOf(() => models.findings.read("a"))[2]).toMatch(/It may have been forgotten/);
    expect(listed(models, "")).toEqual(["c", "b"]);
  });
});

describe("the newest of a symbol and kind", () => {
  it("are in the order in which they were found out, whenever they came", () => {
    const { models, tell } = fedModels();
    tell(finding("signal", "noon"), finding("signal", "late", at(5)), finding("signal", "before", at(-5)));
    expect(newestIds(models)).toEqual(["before", "noon", "late"]);
    expect(latestId(models)).toBe("late");
    tell(finding("signal", "same", at(5)));
    expect(latestId(models), "of equal times the last one of the log").toBe("same");
    tell(finding("news", "other", at(9)), finding("signal", "else", { ...at(9), symbol: "ETH-USD" }));
    expect(latestId(models)).toBe("same");
  });

  it("are so many: the one found out first goes for a later one, and one that is older than all is not kept", () => {
    const { models, tell } = fedModels({ maxNewest: 2 });
    tell(finding("signal", "a", at(1)));
    const bytes = newestOf(models).bytes;
    tell(finding("signal", "b", at(2)), finding("signal", "c", at(3)));
    expect(newestIds(models)).toEqual(["b", "c"]);
    expect(newestOf(models).bytes).toBe(2 * bytes);
    tell(finding("signal", "old", at(0)));
    expect(newestIds(models)).toEqual(["b", "c"]);
    expect(newestOf(models).bytes).toBe(2 * bytes);
  });

  it("come in the order of symbols, then kinds", () => {
    const { models, tell } = fedModels();
    for (const symbol of ["A/B", "A", "A-B", "a"]) tell(finding("signal", symbol.replace("/", "."), { symbol }));
    tell(finding("news", "n", { symbol: "A" }));
    const keys = models.newest.list(bySymbol, { order: "ascending", limit: 10 }).value.entries.map(({ key }) => key);
    expect(keys).toEqual(["A news", "A signal", "A-B signal", "A/B signal", "a signal"]);
  });

  it("expire at validUntil, and never without one", () => {
    const { models, tell } = fedModels();
    tell(finding("signal", "a", { validUntil: NOON + 10n }), finding("signal", "b", { ...at(1), validUntil: 0n }));
    const [ending, endless] = newestOf(models).findings;
    expect([NOON + 9n, NOON + 10n].map((now) => isExpired(ending!, now))).toEqual([false, true]);
    expect(isExpired(endless!, 2n ** 63n)).toBe(false);
    expect([NOON + 9n, NOON + 10n].map((now) => countExpired(newestOf(models), now))).toEqual([0, 1]);
  });
});

describe("the symbols", () => {
  it("have what was told of them by kind, and when the newest was found out", () => {
    const { models, tell } = fedModels();
    tell(finding("signal", "a", at(5)), finding("signal", "b", at(1)), finding("news", "c", at(2)));
    expect(Object.fromEntries(models.symbols.read(SYMBOL).value)).toEqual({
      signal: { findings: 2, lastProducedAt: at(5).producedAt },
      news: { findings: 1, lastProducedAt: at(2).producedAt },
    });
  });
});

describe("the read models", () => {
  it("skip what is no finding of its topic, count it and go on", () => {
    const { models, tell, tellEvent } = fedModels();
    tellEvent(TOPICS.signal, eventOf(finding("signal", "bad", { confidence: "2" })));
    tellEvent(TOPICS.signal, eventOf(finding("signal", "bad"), { data: Buffer.from([255]) }));
    for (const { stats } of Object.values(models)) {
      expect(stats).toMatchObject({ events: 0, keys: 0, skipped: { [TOPICS.signal]: 2 } });
    }
    tell(finding("signal", "good"));
    expect(models.findings.stats.keys).toBe(1);
  });

  it("are the same when they are saved and restored", () => {
    const before = fedModels({ maxNewest: 2 });
    const after = fedModels({ maxNewest: 2 });
    for (const id of ["a", "b", "c"]) before.tell(finding("signal", id, { targetWorkflows: ["research"] }));
    before.tell(finding("news", "n"));
    for (const name of ["findings", "newest", "symbols"] as const) {
      const saved = before.models[name].intake.snapshot();
      for (let entry = saved.next(); entry; entry = saved.next()) after.models[name].intake.restore(entry);
      after.models[name].intake.resume(saved);
    }
    const all = ({ models }: typeof before) => [
      models.findings.list(byTime, { group: listOf({ workflow: "research" }), limit: 10 }),
      models.newest.list(bySymbol, { limit: 10 }),
      models.symbols.read(SYMBOL),
      [models.findings.stats.bytes, models.newest.stats.bytes, models.symbols.stats.bytes],
    ];
    expect(all(after)).toEqual(all(before));
  });

  it.each<keyof ReadModelOptions>(["maxFindings", "maxSymbols", "maxNewest", "maxBytes"])(
    "have %s of 1 or more",
    (name) => {
      expect(() => createReadModels({ [name]: 1 })).not.toThrow();
      expect(reasonOf(() => createReadModels({ [name]: 0 }))[0]).toBe("invalid_request");
      expect(reasonOf(() => createReadModels({ [name]: 1.5 }))[0]).toBe("invalid_request");
    },
  );

  it("take memory as what they keep does", () => {
    const { models, tell } = fedModels();
    tell(finding("news", "n"));
    const { bytes } = models.findings.stats;
    const headline = "x".repeat(10_000);
    tell(
      finding("news", "long", {
        payload: { $case: "news", value: { headline, publisher: "Wire", publishedAt: 0n, language: "en" } },
      }),
    );
    expect(models.findings.stats.bytes - bytes).toBeGreaterThan(10_000);
  });
});
