import { Direction, type IntelligenceEvent, QualityTier } from "@distribution/proto-types/intelligence/v1/intelligence";
import { describe, expect, it } from "vitest";
import { FINDING } from "../src/domain/findings.ts";
import { bytesOf, finding, NOON, SYMBOL, synthesisOf } from "./support/findings.ts";
import { reasonOf } from "./support/models.ts";

const decode = (data: IntelligenceEvent) => FINDING.decode(bytesOf(data));
const signal = (change: Partial<IntelligenceEvent>) => decode(finding("signal", "i-1", change));
const ids = (count: number) => Array.from({ length: count }, (_, at) => `i-source-${at}`);

describe("a finding", () => {
  it("is what its event says, decimals in canonical form", () => {
    expect(signal({ confidence: "0.7200", validUntil: NOON + 1n, targetWorkflows: ["research"], urgency: 9 })).toEqual({
      intelligenceId: "i-1",
      symbol: SYMBOL,
      qualityTier: "silver",
      confidence: "0.72",
      targetWorkflows: ["research"],
      producedAt: NOON,
      validUntil: NOON + 1n,
      urgency: 9,
      details: { type: "signal", model: "trend-7", direction: "up", strength: "0.4", horizon: 600_000_000_000n },
    });
    expect(decode(finding("news", "i-1")).details).toMatchObject({ type: "news", headline: "It rallies" });
    expect(decode(finding("sentiment", "i-1")).details).toMatchObject({ score: "-0.35", mentions: 412 });
    expect(decode(synthesisOf("i-1", ["i-2"])).details).toMatchObject({
      direction: "neutral",
      intelligenceIds: ["i-2"],
    });
  });

  it("says nothing of a tier and a direction that are not stated, or that nobody knows yet", () => {
    const value = { model: "m", direction: Direction.UNSPECIFIED, strength: "1", horizon: 0n };
    const bare = signal({ qualityTier: QualityTier.UNSPECIFIED, payload: { $case: "signal", value } });
    expect(bare).not.toHaveProperty("qualityTier");
    expect(bare.details).not.toHaveProperty("direction");
    const tierOfLater = new Uint8Array([...bytesOf(finding("signal", "i-1")), 0x18, 0x63]);
    expect(FINDING.decode(tierOfLater)).not.toHaveProperty("qualityTier");
  });
});

/** At the bound and within, and beyond it. */
describe.each<[path: string, good: readonly Partial<IntelligenceEvent>[], bad: readonly Partial<IntelligenceEvent>[]]>([
  [
    "data.confidence",
    ["0", "1", "0.0", "1.000", "0.99999999999999999999", `0.${"1".repeat(62)}`].map((confidence) => ({ confidence })),
    ["", "-0.1", "1.00000000000000000001", "2", "0,5", "1e0", "NaN", `0.${"1".repeat(63)}`].map((confidence) => ({
      confidence,
    })),
  ],
  ["data.urgency", [{ urgency: 0 }, { urgency: 9 }], [{ urgency: 10 }, { urgency: 4_294_967_295 }]],
  ["data.produced_at", [{ producedAt: 1n }], [{ producedAt: 0n }, { producedAt: -1n }]],
  [
    "data.valid_until",
    [{ validUntil: 0n }, { validUntil: NOON + 1n }],
    [{ validUntil: NOON }, { validUntil: NOON - 1n }, { validUntil: -1n }],
  ],
  [
    "data.intelligence_id",
    ["i", "a".repeat(128), "A.b_c:d-1"].map((intelligenceId) => ({ intelligenceId })),
    ["", "a".repeat(129), "-a", "a/b", "a b", "é", "latest"].map((intelligenceId) => ({ intelligenceId })),
  ],
  [
    "data.symbol",
    ["B", ".SPX", "6E/Z5", "a_b-c", "a".repeat(64)].map((symbol) => ({ symbol })),
    ["", "a".repeat(65), "/a", "a b", "a?b", "__proto__"].map((symbol) => ({ symbol })),
  ],
])("%s", (path, good, bad) => {
  it.each(good)("is taken with $0", (change) => {
    expect(() => signal(change)).not.toThrow();
  });

  it.each(bad)("is refused with $0", (change) => {
    expect(reasonOf(() => signal(change)).slice(0, 2)).toEqual(["invalid_event", path]);
  });
});

describe("the workflows that it is for", () => {
  const workflows = (...targetWorkflows: string[]) => signal({ targetWorkflows });

  it("are at most 16", () => {
    expect(() => workflows(...ids(16))).not.toThrow();
    expect(reasonOf(() => workflows(...ids(17)))).toEqual([
      "invalid_event",
      "data.target_workflows",
      "must be at most 16; there are 17.",
    ]);
  });

  it("are of lower-case letters, digits and -", () => {
    for (const name of ["risk-desk", "7", "-", "a".repeat(64)]) expect(() => workflows(name)).not.toThrow();
    for (const name of ["Risk", "risk desk", "", "a_b", "a".repeat(65)]) {
      expect(reasonOf(() => workflows("research", name)).slice(0, 2)).toEqual([
        "invalid_event",
        "data.target_workflows[1]",
      ]);
    }
  });
});

describe("a signal's strength and a sentiment's score", () => {
  const strength = (text: string) =>
    signal({
      payload: { $case: "signal", value: { model: "m", direction: Direction.UP, strength: text, horizon: 1n } },
    });
  const score = (text: string) =>
    decode(
      finding("sentiment", "i", { payload: { $case: "sentiment", value: { score: text, mentions: 1, window: 1n } } }),
    );

  it("are 0 to 1, and -1 to 1", () => {
    for (const text of ["0", "1", "0.5"]) expect(strength(text).details).toMatchObject({ strength: text });
    for (const text of ["-1", "-0.999", "0", "1"]) expect(score(text).details).toMatchObject({ score: text });
    expect(score("-0.0").details).toMatchObject({ score: "0" });
    for (const text of ["-0.1", "1.1", ""]) {
      expect(reasonOf(() => strength(text)).slice(0, 2)).toEqual(["invalid_event", "data.signal.strength"]);
    }
    for (const text of ["-1.01", "1.01", "-2", ""]) {
      expect(reasonOf(() => score(text)).slice(0, 2)).toEqual(["invalid_event", "data.sentiment.score"]);
    }
    expect(reasonOf(() => score("1.5"))[2]).toBe(
      'must be a decimal from -1 to 1 in at most 64 characters; it is "1.5".',
    );
  });
});

describe("a synthesis", () => {
  const PATH = "data.synthesis.intelligence_ids";

  it("names 1 to 64 findings", () => {
    for (const count of [1, 64]) expect(() => decode(synthesisOf("i-1", ids(count)))).not.toThrow();
    for (const count of [0, 65]) {
      const [code, path, message] = reasonOf(() => decode(synthesisOf("i-1", ids(count))));
      expect([code, path]).toEqual(["invalid_event", PATH]);
      expect(message).toBe(`must name 1 to 64 findings that it was concluded from; it names ${count}.`);
    }
  });

  it("does not name itself, and nothing that is no id", () => {
    expect(reasonOf(() => decode(synthesisOf("i-1", ["i-2", "i-1"])))[1]).toBe(`${PATH}[1]`);
    expect(reasonOf(() => decode(synthesisOf("i-1", ["not an id"])))[1]).toBe(`${PATH}[0]`);
  });
});

it("an event without a payload is none", () => {
  const empty = { ...finding("signal", "i-1") };
  delete empty.payload;
  expect(reasonOf(() => decode(empty)).slice(0, 2)).toEqual(["invalid_event", "data.payload"]);
});
