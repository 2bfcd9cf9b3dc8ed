/** The read models as folds: what they hold of any events, in any order between topics, and at their bounds. */
import { feedProjections } from "@distribution/core/projections";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readDecision, readStatus } from "../src/domain/answers.ts";
import { DECISION_STATES, type DecisionState } from "../src/domain/decision.ts";
import { DECISION_SORTS, type DecisionsRequest, listDecisions, listViolations } from "../src/domain/listings.ts";
import { MAX_CHECKS } from "../src/domain/read-models/policies.ts";
import { createReadModels, type ReadModelBounds } from "../src/domain/read-models.ts";
import { COORDINATION_TOPICS } from "../src/domain/topics.ts";
import {
  approved,
  checked,
  coordinated,
  detected,
  placed,
  rejected,
  resolved,
  START,
  STEPS,
  type TestEvent,
  violated,
} from "./support/events.ts";
import { thrownBy } from "./support/thrown.ts";

/** Fed with the events: the n-th is appended at n, from 1. */
function modelsOf(events: readonly TestEvent[], bounds: Partial<ReadModelBounds> = {}) {
  const models = createReadModels(bounds);
  const feed = feedProjections(COORDINATION_TOPICS, Object.values(models));
  for (const [at, event] of events.entries()) feed(placed(event, at + 1));
  return models;
}

describe("a decision's answer", () => {
  const events = [
    violated("d-1", "largest", "WARNING", { id: "early" }),
    coordinated("d-1"),
    checked("d-1", "largest", false),
    coordinated("d-2"),
    violated("d-2", "largest", "BLOCKING"),
    detected("c-1", ["d-1", "d-2"]),
    approved("d-1", { at: 5n }),
    resolved("c-1", ["d-1", "d-2"], "d-1"),
  ];

  it("has its history with positions and times, what policies said before and after, and its conflicts", () => {
    const { value, positions } = readDecision(modelsOf(events), "d-1");
    expect(value.decision).toMatchObject({
      decisionId: "d-1",
      state: "approved",
      changedAt: "7",
      createdAt: String(START),
    });
    const position = { topic: "coordination.decisions", partition: 0, epoch: "e1" };
    expect(value.history).toEqual([
      {
        ...{ state: "coordinated", source: "/test/desk", id: "d-1 decisionCoordinated" },
        ...{ eventTime: String(START), appendedAt: "2", position: { ...position, offset: "2" } },
      },
      {
        ...{ state: "approved", approvedBy: "risk-desk", source: "/test/desk", id: "d-1 decisionApproved" },
        ...{ eventTime: String(START + 5n), appendedAt: "7", position: { ...position, offset: "7" } },
      },
    ]);
    expect(value.policies).toMatchObject({
      ...{ blocked: false, approvedAgainstPolicy: false, checkCount: 1, violationCount: 1 },
      checks: [{ policyId: "largest", passed: false, appendedAt: "3" }],
      violations: [{ id: "early", severity: "warning", limit: "100", actual: "120.5", appendedAt: "1" }],
    });
    expect(value).toMatchObject({ conflicts: [{ conflictId: "c-1", state: "resolved" }], conflictCount: 1 });
    expect(positions.map(({ topic, offset }) => `${topic} ${offset}`)).toEqual([
      ...["coordination.decisions 7", "coordination.policies 5", "coordination.conflicts 8"],
    ]);
  });

  it("says that it is blocked, and when it was approved all the same", () => {
    const models = modelsOf([...events, violated("d-1", "late", "BLOCKING"), rejected("d-2")]);
    expect(readDecision(models, "d-1").value.policies).toMatchObject({ blocked: true, approvedAgainstPolicy: true });
    expect(readDecision(models, "d-2").value.policies).toMatchObject({ blocked: true, approvedAgainstPolicy: false });
  });

  it("has another tag when anything of it changes, and the same when nothing does", () => {
    const tagAfter = (...more: TestEvent[]) => readDecision(modelsOf([...events, ...more]), "d-1").tag;
    const tags = [
      tagAfter(),
      tagAfter(STEPS.executed("d-1")),
      tagAfter(checked("d-1", "largest", true, { id: "again" })),
      tagAfter(violated("d-1", "other", "WARNING")),
      tagAfter(detected("c-2", ["d-1", "d-3"])),
    ];
    expect(new Set(tags).size).toBe(tags.length);
    expect(tagAfter(coordinated("d-9"), checked("d-2", "largest"), detected("c-2", ["d-2", "d-3"]))).toBe(tags[0]);
  });

  it("touches the decision that others were netted into", () => {
    const netted = { with: { resolution: "RESOLUTION_NETTED" } };
    const models = modelsOf([
      coordinated("d-3"),
      detected("c-1", ["d-1", "d-2"]),
      resolved("c-1", ["d-1", "d-2"], "d-3", netted),
    ]);
    expect(readDecision(models, "d-3").value.conflicts).toMatchObject([{ winningDecisionId: "d-3" }]);
  });

  it("keeps the newest checks, and counts all", () => {
    const checks = Array.from({ length: MAX_CHECKS + 1 }, (_, at) => checked("d-1", `p-${at}`));
    const { policies } = readDecision(modelsOf([coordinated("d-1"), ...checks]), "d-1").value;
    expect([policies.checkCount, policies.checks.length]).toEqual([MAX_CHECKS + 1, MAX_CHECKS]);
    expect([policies.checks[0]?.policyId, policies.checks.at(-1)?.policyId]).toEqual([`p-${MAX_CHECKS}`, "p-1"]);
  });
});

describe("the read models", () => {
  it("skip an event that cannot be, count it, and are as before", () => {
    const models = modelsOf([coordinated("d-1"), STEPS.executed("d-1"), resolved("c-1", ["d-1", "d-2"], "d-1")]);
    expect(readDecision(models, "d-1").value.decision.state).toBe("coordinated");
    expect(models.decisions.stats.skipped).toEqual({ "coordination.decisions": 1 });
    expect(models.conflicts.stats.skipped).toEqual({ "coordination.conflicts": 1 });
  });

  it("forget what changed longest ago at their bound, and say so", () => {
    const three = ["d-1", "d-2", "d-3"].map((id) => coordinated(id));
    const bounds = { decisions: { keys: 2, bytes: 1_000_000 } };
    const models = modelsOf([...three.slice(0, 2), approved("d-1"), three[2]!], bounds);
    const [code, , message] = thrownBy(() => readDecision(models, "d-2"));
    expect([code, message]).toEqual(["not_found", expect.stringContaining("the 2 keys changed last are kept")]);
    expect(readStatus(models).value).toMatchObject({ decisions: { coordinated: 1, approved: 1 } });
  });

  it("measure all texts of a state: one that has many takes more bytes", () => {
    const long = { id: "x".repeat(200), with: { intelligenceIds: ["i".repeat(1000)] } };
    const [small, large] = [coordinated("d-1"), coordinated("d-1", long)].map(
      (event) => modelsOf([event]).decisions.stats.bytes,
    );
    expect(large! - small!).toBeGreaterThan(1000);
    for (const { stats } of Object.values(
      modelsOf([violated("d-1", "p", "WARNING"), checked("d-1", "p"), detected("c", ["a", "b"])]),
    )) {
      expect(stats.bytes > 0).toBe(stats.keys > 0);
    }
  });
});

const IDS = ["a", "b"] as const;
const anyDecision = fc.record({
  strategy: fc.constantFrom(...IDS),
  portfolioId: fc.constantFrom(...IDS),
  instrument: fc.constantFrom("v:A", "v:B"),
  urgency: fc.nat(9),
  confidence: fc.constantFrom("0", "0.5", "0.50", "0.7", "1"),
  at: fc.bigInt(0n, 20n),
  steps: fc.constantFrom<readonly DecisionState[]>(
    [],
    ["approved"],
    ["rejected"],
    ["approved", "executed"],
    ["expired"],
  ),
});

/** Mostly not: of many filters together little is left. */
const maybe = <T>(...values: readonly T[]) =>
  fc.oneof({ weight: 5, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.constantFrom(...values) });
const anyRequest = fc.record({
  state: maybe(...DECISION_STATES),
  strategy: maybe(...IDS),
  portfolio_id: maybe(...IDS),
  instrument: maybe("v:A", "v:B"),
  from: maybe(START + 3n, START + 10n),
  to: maybe(START + 11n, START + 15n),
  min_confidence: maybe("0.5", "0.6", "1"),
  sort: fc.constantFrom(...DECISION_SORTS),
  order: fc.constantFrom<("ascending" | "descending")[]>("ascending", "descending"),
});

describe("lists of decisions", () => {
  it("have each decision that is wanted once, in the order asked for, whatever is combined", () => {
    fc.assert(
      fc.property(
        fc.array(anyDecision, { maxLength: 30 }),
        anyRequest,
        fc.integer({ min: 1, max: 7 }),
        (drawn, wanted, limit) => {
          const events = drawn.flatMap(({ steps, urgency, confidence, ...fields }, index) => [
            coordinated(`d-${index}`, { ...fields, with: { urgency, confidence } }),
            ...steps.map((state) => STEPS[state](`d-${index}`, fields)),
          ]);
          const models = modelsOf(events);
          const pages: string[] = [];
          let cursor: string | undefined;
          do {
            const { value } = listDecisions(models, { ...wanted, limit, cursor });
            expect(value.entries.length).toBeLessThanOrEqual(limit);
            pages.push(...value.entries.map(({ key }) => key));
            cursor = value.next;
          } while (cursor !== undefined);
          expect(pages).toEqual(
            expectedKeys(
              events,
              drawn.map(({ steps }) => steps.at(-1) ?? "coordinated"),
              drawn,
              wanted,
            ),
          );
        },
      ),
    );
  });

  it("by any filter and sort add up to the status's counts", () => {
    const events = ["a", "b", "a"].map((strategy, at) => coordinated(`d-${at}`, { strategy }));
    const { value } = readStatus(
      modelsOf([...events, approved("d-0", { strategy: "a" }), rejected("d-1", { strategy: "b" })]),
    );
    const none = { coordinated: 0, approved: 0, rejected: 0, superseded: 0, executed: 0, expired: 0 };
    expect(value.decisions).toEqual({ ...none, coordinated: 1, approved: 1, rejected: 1 });
    expect(value.strategies).toEqual([
      { strategy: "a", decisions: { ...none, coordinated: 1, approved: 1 } },
      { strategy: "b", decisions: { ...none, rejected: 1 } },
    ]);
    expect(value.waiting).toMatchObject({
      forApproval: { count: 1, oldest: { decisionId: "d-2" } },
      forExecution: { count: 1, oldest: { decisionId: "d-0" } },
    });
  });
});

/** The listing without any index. */
function expectedKeys(
  events: readonly TestEvent[],
  states: readonly DecisionState[],
  drawn: readonly {
    strategy: string;
    portfolioId: string;
    instrument: string;
    urgency: number;
    confidence: string;
    at: bigint;
  }[],
  wanted: Omit<DecisionsRequest, "limit" | "cursor">,
): string[] {
  const { state, strategy, portfolio_id, instrument, from, to, min_confidence, sort, order } = wanted;
  const changed = new Map(events.map(({ key }, at) => [key, BigInt(at + 1)]));
  const rows = drawn.map((decision, index) => {
    const key = `d-${index}`;
    const createdAt = START + decision.at;
    const by = {
      changed: changed.get(key)!,
      created: createdAt,
      urgency: BigInt(decision.urgency) * 2n ** 64n + createdAt,
    };
    return { ...decision, key, state: states[index]!, createdAt, by: by[sort] };
  });
  const kept = rows.filter(
    (row) =>
      (!state || row.state === state) &&
      (!strategy || row.strategy === strategy) &&
      (!portfolio_id || row.portfolioId === portfolio_id) &&
      (!instrument || row.instrument === instrument) &&
      (!from || row.createdAt >= from) &&
      (!to || row.createdAt < to) &&
      (!min_confidence || Number(row.confidence) >= Number(min_confidence)),
  );
  const sign = order === "ascending" ? 1 : -1;
  kept.sort((a, b) => sign * (a.by === b.by ? (a.key < b.key ? -1 : 1) : a.by < b.by ? -1 : 1));
  return kept.map(({ key }) => key);
}

describe("lists of violations", () => {
  it("are by decision, policy and severity, alone and together", () => {
    const drawn = IDS.flatMap((decision) => IDS.map((policy) => [decision, policy] as const));
    const models = modelsOf([
      ...drawn.map(([decision, policy]) => violated(decision, policy, "WARNING")),
      ...drawn.map(([decision, policy]) =>
        violated(decision, policy, "BLOCKING", { id: `${decision} ${policy} blocked` }),
      ),
    ]);
    const count = (decision_id?: string, policy_id?: string, severity?: "warning" | "blocking", from?: bigint) =>
      listViolations(models, {
        ...{ decision_id, policy_id, severity, from, to: undefined },
        ...{ order: "descending", limit: 100, cursor: undefined },
      }).value.entries.length;
    expect([count(), count("a"), count(undefined, "a"), count("a", "a")]).toEqual([8, 4, 4, 2]);
    expect([
      count(undefined, undefined, "blocking"),
      count("a", undefined, "warning"),
      count("a", "b", "warning"),
    ]).toEqual([4, 2, 1]);
    expect([count(undefined, undefined, undefined, 5n), count("none"), count("a", "none")]).toEqual([4, 0, 0]);
    expect(readStatus(models).value.violations).toEqual(IDS.map((policyId) => ({ policyId, warning: 2, blocking: 2 })));
  });
});
