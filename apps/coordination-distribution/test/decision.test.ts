import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DECISION_STATES, type Decision, type DecisionState, nextDecision } from "../src/domain/decision.ts";
import {
  checked,
  coordinated,
  executed,
  type Fields,
  judged,
  START,
  STEPS,
  superseded,
  type TestEvent,
} from "./support/events.ts";
import { thrownBy } from "./support/thrown.ts";

const step = (decision: Decision | undefined, event: TestEvent): Decision => nextDecision(decision, judged(event));

/** The decision d-1 after these. */
const following = (...states: readonly DecisionState[]): Decision | undefined =>
  states.reduce<Decision | undefined>((decision, state) => step(decision, STEPS[state]("d-1")), undefined);

/** How a decision comes to each state. */
const WAYS: Readonly<Record<"none" | DecisionState, readonly DecisionState[]>> = {
  none: [],
  coordinated: ["coordinated"],
  approved: ["coordinated", "approved"],
  rejected: ["coordinated", "rejected"],
  superseded: ["coordinated", "superseded"],
  executed: ["coordinated", "approved", "executed"],
  expired: ["coordinated", "approved", "expired"],
};

/** The stated machine, written down a second time. */
const MAY: Readonly<Record<string, readonly DecisionState[]>> = {
  none: ["coordinated"],
  coordinated: ["approved", "rejected", "superseded", "expired"],
  approved: ["executed", "superseded", "expired"],
};

const pairs = Object.keys(WAYS).flatMap((from) =>
  DECISION_STATES.map((to) => [from as keyof typeof WAYS, to] as const),
);

describe("a decision that is", () => {
  it.each(pairs.filter(([from, to]) => MAY[from]?.includes(to)))("%s can be %s", (from, to) => {
    expect(step(following(...WAYS[from]), STEPS[to]("d-1")).state).toBe(to);
  });

  it.each(pairs.filter(([from, to]) => !MAY[from]?.includes(to)))("%s cannot be %s", (from, to) => {
    const [code, path, message] = thrownBy(() => step(following(...WAYS[from]), STEPS[to]("d-1")));
    expect([code, path]).toEqual(["illegal_transition", "type"]);
    expect(message).toContain(from === "none" ? "is not known" : `Decision d-1 is ${from}`);
  });

  it("refused something says what may follow, or that nothing may", () => {
    const [, , next] = thrownBy(() => step(following("coordinated", "approved"), STEPS.rejected("d-1")));
    expect(next).toBe("Decision d-1 is approved: next it can be executed, superseded, expired, not rejected.");
    const [, , nothing] = thrownBy(() => step(following("coordinated", "rejected"), STEPS.approved("d-1")));
    expect(nothing).toBe("Decision d-1 is rejected: nothing may follow, not approved.");
  });

  it("followed by another event is left as it was", () => {
    const before = Object.freeze(following("coordinated")!);
    expect(step(before, STEPS.approved("d-1"))).not.toBe(before);
    expect(before.state).toBe("coordinated");
  });
});

it("whatever comes, a decision goes the stated way and no other", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...DECISION_STATES), { maxLength: 8 }), (states) => {
      let decision: Decision | undefined;
      for (const state of states) {
        const isAllowed = MAY[decision?.state ?? "none"]?.includes(state) ?? false;
        const before = decision;
        try {
          decision = step(decision, STEPS[state]("d-1"));
        } catch {
          expect(isAllowed).toBe(false);
          continue;
        }
        expect([isAllowed, decision.state]).toEqual([true, state]);
        expect({ ...decision, state: "" }).toEqual({ ...(before ?? decision), state: "" });
      }
    }),
  );
});

it("what was coordinated stays as it was published", () => {
  const event = coordinated("d-1", { with: { quantity: "0.10", confidence: "1.0", validUntil: String(START) } });
  expect(step(undefined, event)).toEqual({
    ...{ state: "coordinated", strategy: "momentum", portfolioId: "growth", instrument: "coinbase:BTC-USD" },
    ...{ action: "buy", quantity: "0.10", notional: "200", confidence: "1.0", urgency: 3 },
    ...{ createdAt: START, validUntil: START, intelligenceIds: ["i-1"] },
  });
});

describe("a coordination is taken with", () => {
  it.each<[string, Fields]>([
    ["the smallest quantity", { with: { quantity: "0.000000000000000001" } }],
    ["no confidence at all", { with: { confidence: "0" } }],
    ["full confidence", { with: { confidence: "1.000" } }],
    ["the highest urgency", { with: { urgency: 9 } }],
    ["no end", { with: { validUntil: "0" } }],
    ["no notional", { with: { notional: "" } }],
    ["an id of the largest length", { strategy: "s".repeat(128) }],
    ["a symbol with a slash", { instrument: "cme:6E/Z5" }],
  ])("%s", (_, fields) => {
    expect(step(undefined, coordinated("d-1", fields)).state).toBe("coordinated");
  });
});

describe("a coordination is refused with", () => {
  const inside = (field: string) => `data.decision_coordinated.${field}`;
  it.each<[string, Fields, string]>([
    ["another key", { key: "d-2" }, "key"],
    ["no key", { key: "" }, "key"],
    ["no quantity", { with: { quantity: "" } }, inside("quantity")],
    ["a quantity of zero", { with: { quantity: "0.0" } }, inside("quantity")],
    ["a quantity below zero", { with: { quantity: "-1" } }, inside("quantity")],
    ["no confidence stated", { with: { confidence: "" } }, inside("confidence")],
    ["a confidence below 0", { with: { confidence: "-0.000000000000000001" } }, inside("confidence")],
    ["a confidence above 1", { with: { confidence: "1.000000000000000001" } }, inside("confidence")],
    ["an urgency above 9", { with: { urgency: 10 } }, inside("urgency")],
    ["an end before its time", { with: { validUntil: String(START - 1n) } }, inside("valid_until")],
    ["no action", { with: { action: "ACTION_UNSPECIFIED" } }, inside("action")],
    ["no time", { at: -START }, "data.event_time"],
    ["no strategy", { strategy: "" }, "data.strategy"],
    ["a strategy of another shape", { strategy: "a/b" }, "data.strategy"],
    ["a portfolio of another shape", { portfolioId: "p".repeat(129) }, "data.portfolio_id"],
    ["no instrument", { instrument: "" }, "data.instrument"],
    ["an instrument of another shape", { instrument: "BTC-USD" }, "data.instrument"],
  ])("%s", (_, fields, path) => {
    expect(thrownBy(() => step(undefined, coordinated("d-1", fields)))).toEqual([
      ...["invalid_event", path],
      expect.stringContaining("must"),
    ]);
  });

  it.each(["", "-d", "d 1", "d/1", "d".repeat(129)])("the id %j", (decisionId) => {
    expect(thrownBy(() => step(undefined, coordinated(decisionId)))[1]).toBe("data.decision_id");
  });
});

describe("a step is refused that", () => {
  it.each<[string, Fields, string]>([
    ["changes the strategy", { strategy: "carry" }, "data.strategy"],
    ["changes the portfolio", { portfolioId: "income" }, "data.portfolio_id"],
    ["changes the instrument", { instrument: "coinbase:ETH-USD" }, "data.instrument"],
    ["leaves the strategy out", { strategy: "" }, "data.strategy"],
  ])("%s", (_, fields, path) => {
    const [code, where] = thrownBy(() => step(following("coordinated"), STEPS.approved("d-1", fields)));
    expect([code, where]).toEqual(["illegal_transition", path]);
  });

  it.each([["d-1"], [""], ["d 2"]])("supersedes the decision by %j", (supersededBy) => {
    const event = superseded("d-1", { with: { supersededBy } });
    const [code, path] = thrownBy(() => step(following("coordinated"), event));
    expect([code, path]).toEqual(["invalid_event", "data.decision_superseded.superseded_by"]);
  });

  it.each(["-0.1", "2.000000000000000001"])("executes %s of a quantity of 2", (filledQuantity) => {
    const event = executed("d-1", { with: { filledQuantity } });
    const [code, path] = thrownBy(() => step(following("coordinated", "approved"), event));
    expect([code, path]).toEqual(["invalid_event", "data.decision_executed.filled_quantity"]);
  });

  it("is about no decision's state", () => {
    expect(thrownBy(() => step(undefined, checked("d-1", "p")))).toEqual([
      ...["invalid_event", "data"],
      expect.stringContaining("decision"),
    ]);
  });
});

it.each(["0", "2", "2.000", ""])("an execution may have filled %j of a quantity of 2", (filledQuantity) => {
  const event = executed("d-1", { with: { filledQuantity } });
  expect(step(following("coordinated", "approved"), event).state).toBe("executed");
});
