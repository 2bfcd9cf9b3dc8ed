import { Event } from "@distribution/proto-types/distribution/v1/event";
import { describe, expect, it } from "vitest";
import { admissionRules, type Claims } from "../src/domain/admission.ts";
import { FINDING } from "../src/domain/findings.ts";
import { FINDING_TYPES, TOPICS } from "../src/domain/topics.ts";
import { bytesOf, finding, SYMBOL } from "./support/findings.ts";
import { fedModels, reasonOf } from "./support/models.ts";

function open() {
  const fed = fedModels();
  const rules = admissionRules(fed.models.findings);
  const [rule] = rules;
  const next = (claims: Claims | undefined, id: string, key = SYMBOL) =>
    rule!.next(claims, { envelope: Event.create({ key }), payload: FINDING.decode(bytesOf(finding("signal", id))) });
  return { ...fed, rules, next };
}

it("each kind's topic is governed, and waits for what is on its way on the others", () => {
  const { rules } = open();
  expect(rules.map(({ topic }) => topic)).toEqual(FINDING_TYPES.map((type) => TOPICS[type]));
  for (const { topic, beside = [] } of rules) expect([topic, ...beside].sort()).toEqual(Object.values(TOPICS).sort());
});

it("an event has its symbol for key", () => {
  const { next } = open();
  expect(reasonOf(() => next(undefined, "i-1", "ETH-USD"))).toEqual([
    "invalid_event",
    "key",
    'must be the symbol, "BTC-USD"; it is "ETH-USD".',
  ]);
});

describe("an id", () => {
  it("of a finding that is kept is refused, whatever its kind and symbol", () => {
    const { next, tell } = open();
    next(undefined, "i-1");
    tell(finding("news", "i-1", { symbol: "ETH-USD" }));
    expect(reasonOf(() => next(undefined, "i-1"))).toEqual([
      "event_conflict",
      "data.intelligence_id",
      '"i-1" is the id of a finding that is kept. Give every finding an id of its own; to repeat one, send the event as it was, with the same source and id.',
    ]);
  });

  it("is one finding's of a publish", () => {
    const { next } = open();
    const two = next(next(undefined, "i-1"), "i-2");
    for (const id of ["i-1", "i-2"]) expect(reasonOf(() => next(two, id))[0]).toBe("event_conflict");
    expect(() => next(two, "i-3")).not.toThrow();
  });

  it("that a later state claimed is free in the one before it", () => {
    const { next } = open();
    const one = next(undefined, "i-1");
    const here = next(one, "i-2");
    const there = next(one, "i-2");
    expect(reasonOf(() => next(here, "i-2"))[0]).toBe("event_conflict");
    expect(reasonOf(() => next(there, "i-1"))[0]).toBe("event_conflict");
    expect(() => next(next(there, "i-3"), "i-4")).not.toThrow();
    expect(() => next(one, "i-3")).not.toThrow();
  });
});
