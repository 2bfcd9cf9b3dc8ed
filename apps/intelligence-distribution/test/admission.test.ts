import { Event } from "@distribution/proto-types/distribution/v1/event";
import { describe, expect, it } from "vitest";
import { admissionRules, type Owner } from "../src/domain/admission.ts";
import { FINDING } from "../src/domain/findings.ts";
import { FINDING_TYPES, TOPICS } from "../src/domain/topics.ts";
import { bytesOf, finding, SYMBOL } from "./support/findings.ts";
import { fedModels, reasonOf } from "./support/models.ts";

function open() {
  const fed = fedModels();
  const rules = admissionRules(fed.models.findings);
  const [rule] = rules;
  const event = (id: string, key = SYMBOL) => ({
    envelope: Event.create({ key }),
    payload: FINDING.decode(bytesOf(finding("signal", id))),
  });
  const current = (id: string) => rule!.current?.(SYMBOL, event(id));
  const next = (owner: Owner | undefined, id: string, key = SYMBOL) => rule!.next(owner, event(id, key));
  return { ...fed, rules, event, current, next };
}

it("each kind's topic is governed, and what a finding claims is its id, the same name on all of them", () => {
  const { rules, event } = open();
  expect(rules.map(({ topic }) => topic)).toEqual(FINDING_TYPES.map((type) => TOPICS[type]));
  expect(rules.map((rule) => rule.claims?.(event("i-1")))).toEqual(FINDING_TYPES.map(() => ["finding i-1"]));
});

it("an event has its symbol for key", () => {
  const { next } = open();
  expect(reasonOf(() => next(undefined, "i-1", "ETH-USD"))).toEqual([
    "invalid_event",
    "key",
    'must be the symbol, "BTC-USD" (partitionkey in CloudEvents); it is "ETH-USD".',
  ]);
});

describe("an id", () => {
  it("of a finding that is kept is refused, whatever its kind and symbol", () => {
    const { current, next, tell } = open();
    next(current("i-1"), "i-1");
    tell(finding("news", "i-1", { symbol: "ETH-USD" }));
    expect(reasonOf(() => next(current("i-1"), "i-1"))).toEqual([
      "event_conflict",
      "data.intelligence_id",
      '"i-1" is the id of a finding that is kept. Give every finding an id of its own; to repeat one, send the event as it was, with the same source and id.',
    ]);
  });

  it("is one finding's of a publish", () => {
    const { next } = open();
    const refused = reasonOf(() => next(next(undefined, "i-1"), "i-1"));
    expect(refused[2]).toContain('"i-1" is the id of another finding of this publish.');
  });
});
