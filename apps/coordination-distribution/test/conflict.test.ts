import { describe, expect, it } from "vitest";
import { type Conflict, MAX_CONFLICTING, nextConflict } from "../src/domain/conflict.ts";
import { checkPolicyEvent } from "../src/domain/policy.ts";
import {
  checked,
  coordinated,
  detected,
  type Fields,
  judged,
  resolved,
  type TestEvent,
  violated,
} from "./support/events.ts";
import { thrownBy } from "./support/thrown.ts";

const step = (conflict: Conflict | undefined, event: TestEvent): Conflict => nextConflict(conflict, judged(event));
const BOTH = ["d-1", "d-2"];
const open = step(undefined, detected("c-1", BOTH));
const ids = (count: number) => Array.from({ length: count }, (_, at) => `d-${at}`);

describe("a conflict", () => {
  it("is open when it is detected, and resolved once", () => {
    expect(open).toEqual({
      ...{ state: "open", kind: "opposite-sides", decisionIds: BOTH },
      ...{ portfolioId: "growth", instrument: "coinbase:BTC-USD" },
    });
    const settled = step(open, resolved("c-1", ["d-2", "d-1"], "d-2"));
    expect(settled).toEqual({ ...open, state: "resolved", resolution: "prioritized", winningDecisionId: "d-2" });
    expect(open.state).toBe("open");
    for (const event of [resolved("c-1", BOTH, "d-2"), detected("c-1", BOTH)]) {
      expect(thrownBy(() => step(settled, event))).toEqual([
        ...["illegal_transition", "type"],
        expect.stringContaining("Conflict c-1 is resolved"),
      ]);
    }
  });

  it("cannot be detected twice, nor resolved before it is detected", () => {
    expect(thrownBy(() => step(open, detected("c-1", BOTH)))[2]).toContain("is open: it cannot be detected again");
    const [code, path, message] = thrownBy(() => step(undefined, resolved("c-1", BOTH, "d-1")));
    expect([code, path]).toEqual(["illegal_transition", "type"]);
    expect(message).toContain("is not known");
  });

  it.each([
    ["nobody", "", "RESOLUTION_ABANDONED"],
    ["one of them", "d-1", "RESOLUTION_NETTED"],
    ["another that they were netted into", "d-3", "RESOLUTION_NETTED"],
  ])("can be won by %s", (_, winner, resolution) => {
    const settled = step(open, resolved("c-1", BOTH, winner, { with: { resolution } }));
    expect(settled.winningDecisionId).toBe(winner);
  });

  it.each<[string, readonly string[], string, Fields, string, string]>([
    ["other decisions", ["d-1", "d-3"], "d-1", {}, "illegal_transition", "decision_ids"],
    ["fewer decisions", ["d-1"], "d-1", {}, "illegal_transition", "decision_ids"],
    ["more decisions", ["d-1", "d-2", "d-3"], "d-1", {}, "illegal_transition", "decision_ids"],
    ["one of them twice", ["d-1", "d-1"], "d-1", {}, "illegal_transition", "decision_ids"],
    ["another winner", BOTH, "d-3", {}, "illegal_transition", "winning_decision_id"],
    [
      "a winner of no shape",
      BOTH,
      "d 3",
      { with: { resolution: "RESOLUTION_NETTED" } },
      "invalid_event",
      "winning_decision_id",
    ],
    ["no resolution", BOTH, "d-1", { with: { resolution: "RESOLUTION_UNSPECIFIED" } }, "invalid_event", "resolution"],
    ["another id", BOTH, "d-1", { with: { conflictId: "" } }, "invalid_event", "conflict_id"],
  ])("is not resolved with %s", (_, decisionIds, winner, fields, code, field) => {
    const [given, path] = thrownBy(() => step(open, resolved("c-1", decisionIds, winner, fields)));
    expect([given, path]).toEqual([code, `data.conflict_resolved.${field}`]);
  });

  it.each([
    [2, true],
    [MAX_CONFLICTING, true],
    [1, false],
    [MAX_CONFLICTING + 1, false],
  ])("of %i decisions is taken: %s", (count, isTaken) => {
    const detect = () => step(undefined, detected("c-1", ids(count)));
    if (isTaken) expect(detect().decisionIds).toEqual(ids(count));
    else expect(thrownBy(detect)[1]).toBe("data.conflict_detected.decision_ids");
  });

  it.each<[string, TestEvent, string]>([
    ["a decision twice", detected("c-1", ["d-1", "d-1"]), "data.conflict_detected.decision_ids"],
    ["an id of another shape", detected("c-1", ["d-1", "d/2"]), "data.conflict_detected.decision_ids[1]"],
    ["no kind", detected("c-1", BOTH, { with: { kind: "CONFLICT_KIND_UNSPECIFIED" } }), "data.conflict_detected.kind"],
    ["another key", detected("c-1", BOTH, { key: "c-2" }), "key"],
    ["no id", detected("", BOTH), "data.conflict_detected.conflict_id"],
    ["what is no conflict", coordinated("c-1"), "data"],
  ])("is not detected with %s", (_, event, path) => {
    expect(thrownBy(() => step(undefined, event))).toEqual(["invalid_event", path, expect.stringContaining("must")]);
  });
});

describe("what a policy says", () => {
  const check = (event: TestEvent) => checkPolicyEvent(judged(event));

  it("is taken whatever is known of the decision", () => {
    check(checked("d-1", "largest"));
    check(violated("d-1", "largest", "WARNING"));
    check(violated("d-1", "largest", "BLOCKING"));
  });

  it.each<[string, TestEvent, string]>([
    ["a key that is not the decision", checked("d-1", "largest", true, { key: "largest" }), "key"],
    ["a decision of another shape", checked("d 1", "largest"), "data.decision_id"],
    ["no policy", checked("d-1", ""), "data.policy_checked.policy_id"],
    ["a policy of another shape", violated("d-1", "a/b", "WARNING"), "data.policy_violated.policy_id"],
    [
      "no severity",
      violated("d-1", "largest", "WARNING", { with: { severity: "VIOLATION_SEVERITY_UNSPECIFIED" } }),
      "data.policy_violated.severity",
    ],
    ["what no policy says", coordinated("d-1"), "data"],
  ])("is refused with %s", (_, event, path) => {
    expect(thrownBy(() => check(event))).toEqual(["invalid_event", path, expect.stringContaining("must")]);
  });
});
