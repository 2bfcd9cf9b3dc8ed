/** Given decisions, what policies said of them and their conflicts, when they are asked for, then … : every endpoint, every refusal. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DecisionAnswer, StatusAnswer } from "../../src/domain/answers.ts";
import type { ConflictView, DecisionView, ViolationView } from "../../src/domain/views.ts";
import {
  approved,
  checked,
  coordinated,
  detected,
  executed,
  rejected,
  resolved,
  START,
  violated,
} from "../support/events.ts";
import { answerWhen, get, publishEach, refusal, request } from "../support/rest.ts";
import { type RunningService, startService } from "../support/service.ts";

interface Decisions {
  readonly decisions: readonly DecisionView[];
}
interface Violations {
  readonly violations: readonly ViolationView[];
}
interface Conflicts {
  readonly conflicts: readonly ConflictView[];
}

let service: RunningService;
beforeAll(async () => {
  service = await startService();
  const carry = { strategy: "carry", portfolioId: "income", instrument: "cme:6E/Z5" };
  await publishEach(service.ports, [
    coordinated("d-1", { at: 1n, with: { urgency: 9, confidence: "0.9" } }),
    coordinated("d-2", { at: 4n, with: { urgency: 0, confidence: "0.25" }, ...carry }),
    coordinated("d-3", { at: 3n, with: { urgency: 9, confidence: "0.50" } }),
    coordinated("d-4", { at: 2n, with: { urgency: 5, confidence: "1" }, ...carry }),
    checked("d-1", "largest", true),
    checked("d-2", "largest", false, carry),
    violated("d-2", "largest", "BLOCKING", carry),
    violated("d-3", "least", "WARNING"),
    detected("c-1", ["d-1", "d-3"]),
    detected("c-2", ["d-1", "d-4"]),
    approved("d-1"),
    rejected("d-2", carry),
    resolved("c-1", ["d-1", "d-3"], "d-1"),
    executed("d-1"),
    approved("d-4", carry),
  ]);
  const isThere = (answer: StatusAnswer) => answer.decisions.approved === 1 && answer.conflicts.resolved === 1;
  await answerWhen<StatusAnswer>(service.ports, "/coordination/status", isThere);
});
afterAll(() => service?.[Symbol.asyncDispose]());

const idsOf = async (query: string): Promise<readonly string[]> =>
  (await get<Decisions>(service.ports, `/decisions?${query}`)).decisions.map(({ decisionId }) => decisionId);

describe("GET /decisions", () => {
  it.each([
    ["", ["d-4", "d-1", "d-2", "d-3"]],
    ["order=ascending", ["d-3", "d-2", "d-1", "d-4"]],
    ["sort=created", ["d-2", "d-3", "d-4", "d-1"]],
    ["sort=created&order=ascending", ["d-1", "d-4", "d-3", "d-2"]],
    ["sort=urgency", ["d-3", "d-1", "d-4", "d-2"]],
    ["state=executed", ["d-1"]],
    ["state=coordinated&sort=urgency", ["d-3"]],
    ["state=expired", []],
    ["strategy=carry", ["d-4", "d-2"]],
    ["strategy=carry&state=rejected", ["d-2"]],
    ["strategy=nobody", []],
    ["portfolio_id=growth&sort=created", ["d-3", "d-1"]],
    ["instrument=cme:6E/Z5", ["d-4", "d-2"]],
    ["instrument=cme%3A6E%2FZ5&portfolio_id=growth", []],
    ["min_confidence=0.5", ["d-4", "d-1", "d-3"]],
    ["min_confidence=0.500000000000000001", ["d-4", "d-1"]],
    ["min_confidence=1.0&sort=urgency", ["d-4"]],
    [`from=${START + 2n}&to=${START + 4n}&sort=created`, ["d-3", "d-4"]],
    [`from=${START + 2n}`, ["d-4", "d-2", "d-3"]],
    ["from=2026-01-05T14:30:00.000000004Z", ["d-2"]],
    ["to=2026-01-05T14:30:00.000000002Z&sort=urgency", ["d-1"]],
    ["to=2025-01-01T00:00:00Z", []],
  ])("with %s lists %j", async (query, expected) => {
    expect(await idsOf(query)).toEqual(expected);
  });

  it("goes page by page, each decision once, and says when there are no more", async () => {
    const pages: string[][] = [];
    let cursor = "";
    do {
      const query = `sort=urgency&limit=3${cursor && `&cursor=${encodeURIComponent(cursor)}`}`;
      const page = await get<Decisions>(service.ports, `/decisions?${query}`);
      pages.push(page.decisions.map(({ decisionId }) => decisionId));
      cursor = page.next ?? "";
    } while (cursor !== "");
    expect(pages).toEqual([["d-3", "d-1", "d-4"], ["d-2"]]);
  });
});

describe("GET /decisions/{decision_id}", () => {
  it("gives everything of the decision, true at the positions of all three topics", async () => {
    const answer = await get<DecisionAnswer>(service.ports, "/decisions/d-1");
    expect(answer).toMatchObject({
      decision: { decisionId: "d-1", state: "executed", confidence: "0.9", urgency: 9 },
      history: [{ state: "coordinated" }, { state: "approved" }, { state: "executed" }],
      policies: { blocked: false, checkCount: 1, checks: [{ policyId: "largest", passed: true }], violations: [] },
      conflicts: [
        { conflictId: "c-1", state: "resolved", winningDecisionId: "d-1" },
        { conflictId: "c-2", state: "open" },
      ],
      conflictCount: 2,
    });
    const topics = new Set(answer.positions.map(({ topic }) => topic));
    expect([...topics]).toEqual(["coordination.decisions", "coordination.policies", "coordination.conflicts"]);
    expect(answer.positions).toHaveLength(10);
  });

  it("is answered 304 to who has it, until something of it changes", async () => {
    const url = `http://127.0.0.1:${service.ports.public}/api/v1/decisions/d-3`;
    const first = await fetch(url);
    const headers = { "if-none-match": first.headers.get("etag") ?? "" };
    expect((await fetch(url, { headers })).status).toBe(304);
    await publishEach(service.ports, [checked("d-3", "again")]);
    await answerWhen<DecisionAnswer>(service.ports, "/decisions/d-3", ({ policies }) => policies.checkCount === 1);
    expect((await fetch(url, { headers })).status).toBe(200);
  });
});

describe("GET /conflicts", () => {
  it.each([
    ["", ["c-1", "c-2"]],
    ["order=ascending", ["c-2", "c-1"]],
    ["state=open", ["c-2"]],
    ["state=resolved", ["c-1"]],
    ["decision_id=d-1", ["c-1", "c-2"]],
    ["decision_id=d-1&state=open", ["c-2"]],
    ["decision_id=d-4", ["c-2"]],
    ["decision_id=d-2", []],
  ])("with %s lists %j", async (query, expected) => {
    const { conflicts } = await get<Conflicts>(service.ports, `/conflicts?${query}`);
    expect(conflicts.map(({ conflictId }) => conflictId)).toEqual(expected);
  });

  it("and one of them say which decisions, since when, and how it was settled", async () => {
    const { conflict } = await get<{ conflict: ConflictView }>(service.ports, "/conflicts/c-1");
    expect(conflict).toMatchObject({
      ...{ conflictId: "c-1", state: "resolved", kind: "opposite-sides", decisionIds: ["d-1", "d-3"] },
      ...{ resolution: "prioritized", winningDecisionId: "d-1" },
      detected: { id: "c-1 conflictDetected", eventTime: String(START) },
      resolved: { id: "c-1 conflictResolved" },
    });
    const { conflict: open } = await get<{ conflict: ConflictView }>(service.ports, "/conflicts/c-2");
    expect(Object.keys(open)).not.toEqual(expect.arrayContaining(["resolution"]));
    expect(open).not.toHaveProperty("resolved");
  });
});

describe("GET /policies/violations", () => {
  it.each([
    ["", ["d-3", "d-2"]],
    ["order=ascending&limit=1", ["d-2"]],
    ["severity=blocking", ["d-2"]],
    ["policy_id=least", ["d-3"]],
    ["policy_id=least&severity=blocking", []],
    ["decision_id=d-2&policy_id=largest", ["d-2"]],
    ["decision_id=d-2&policy_id=least", []],
    ["to=1980-01-01T00:00:00Z", []],
    ["from=1980-01-01T00:00:00Z&to=9223372036854775807", ["d-3", "d-2"]],
  ])("with %s lists those of %j", async (query, expected) => {
    const { violations } = await get<Violations>(service.ports, `/policies/violations?${query}`);
    expect(violations.map(({ decisionId }) => decisionId)).toEqual(expected);
  });

  it("says what was violated, by what, and by how much", async () => {
    const { violations } = await get<Violations>(service.ports, "/policies/violations?severity=blocking");
    expect(violations).toMatchObject([
      {
        ...{ decisionId: "d-2", strategy: "carry", portfolioId: "income", instrument: "cme:6E/Z5" },
        ...{ policyId: "largest", severity: "blocking", limit: "100", actual: "120.5", text: "Over." },
        position: { topic: "coordination.policies" },
      },
    ]);
  });
});

it("GET /coordination/status counts decisions by state and strategy, those that wait, conflicts and violations", async () => {
  const answer = await get<StatusAnswer>(service.ports, "/coordination/status");
  const none = { coordinated: 0, approved: 0, rejected: 0, superseded: 0, executed: 0, expired: 0 };
  expect(answer).toMatchObject({
    decisions: { ...none, coordinated: 1, approved: 1, rejected: 1, executed: 1 },
    strategies: [
      { strategy: "carry", decisions: { ...none, approved: 1, rejected: 1 } },
      { strategy: "momentum", decisions: { ...none, coordinated: 1, executed: 1 } },
    ],
    waiting: {
      forApproval: { count: 1, oldest: { decisionId: "d-3" } },
      forExecution: { count: 1, oldest: { decisionId: "d-4" } },
    },
    conflicts: { open: 1, resolved: 1 },
    violations: [
      { policyId: "largest", warning: 0, blocking: 1 },
      { policyId: "least", warning: 1, blocking: 0 },
    ],
  });
});

describe("a request", () => {
  it.each([
    ["/decisions/no-such", 404, "not_found", undefined],
    ["/conflicts/no-such", 404, "not_found", undefined],
    ["/decisions/d%2F1", 400, "invalid_request", "path.decision_id"],
    ["/decisions/%20", 400, "invalid_request", "path.decision_id"],
    [`/decisions/${"d".repeat(129)}`, 400, "invalid_request", "path.decision_id"],
    ["/conflicts/-c", 400, "invalid_request", "path.conflict_id"],
    ["/decisions?state=open", 400, "invalid_request", "query.state"],
    ["/decisions?strategy=a%20b", 400, "invalid_request", "query.strategy"],
    ["/decisions?portfolio_id=", 400, "invalid_request", "query.portfolio_id"],
    ["/decisions?instrument=BTC-USD", 400, "invalid_request", "query.instrument"],
    ["/decisions?from=2026-02-30T00:00:00Z", 400, "invalid_request", "query.from"],
    ["/decisions?from=yesterday", 400, "invalid_request", "query.from"],
    ["/decisions?to=1767623400", 400, "invalid_request", "query.to"],
    ["/decisions?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", 400, "invalid_request", "query.to"],
    ["/decisions?min_confidence=1.1", 400, "invalid_request", "query.min_confidence"],
    ["/decisions?min_confidence=1e-1", 400, "invalid_request", "query.min_confidence"],
    ["/decisions?min_confidence=-0", 400, "invalid_request", "query.min_confidence"],
    ["/decisions?sort=age", 400, "invalid_request", "query.sort"],
    ["/decisions?order=up", 400, "invalid_request", "query.order"],
    ["/decisions?limit=0", 400, "invalid_request", "query.limit"],
    ["/decisions?limit=1001", 400, "invalid_request", "query.limit"],
    ["/decisions?limit=1&limit=2", 400, "invalid_request", "query.limit"],
    ["/decisions?cursor=x", 400, "invalid_request", "query.cursor"],
    ["/decisions?symbol=BTC", 400, "invalid_request", "query.symbol"],
    ["/conflicts?state=detected", 400, "invalid_request", "query.state"],
    ["/conflicts?decision_id=a/b", 400, "invalid_request", "query.decision_id"],
    ["/conflicts?limit=1001", 400, "invalid_request", "query.limit"],
    ["/policies/violations?severity=fatal", 400, "invalid_request", "query.severity"],
    ["/policies/violations?policy_id=%00", 400, "invalid_request", "query.policy_id"],
    ["/policies/violations?from=2026-01-02T00:00:00Z&to=2026-01-02T00:00:00Z", 400, "invalid_request", "query.to"],
    ["/coordination/status?verbose=1", 400, "invalid_request", "query.verbose"],
  ])("for %s is answered %i %s", async (path, status, code, where) => {
    const problem = await refusal(get(service.ports, path));
    expect(problem).toMatchObject({ status, code, errors: where === undefined ? [] : [{ path: where }] });
  });

  it("with a cursor of another list is refused", async () => {
    const { next = "" } = await get<Decisions>(service.ports, "/decisions?limit=1");
    expect(await idsOf(`limit=1&cursor=${encodeURIComponent(next)}`)).toEqual(["d-1"]);
    const problem = await refusal(idsOf(`sort=created&cursor=${encodeURIComponent(next)}`));
    expect(problem).toMatchObject({ code: "invalid_request", errors: [{ path: "query.cursor" }] });
  });

  it("of another method is refused", async () => {
    const problem = await refusal(request(service.ports, "/decisions", { method: "POST" }));
    expect(problem).toMatchObject({ status: 405, code: "method_not_allowed" });
  });
});
