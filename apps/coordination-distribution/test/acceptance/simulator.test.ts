/** Given the simulated world as the upstream, when it was played for a while, then the read models are what the log says, exactly. */

import { join } from "node:path";
import { startSimulator } from "@distribution/simulated-world";
import { refuseBadData, testFolder, until } from "@distribution/testkit/service";
import { describe, expect, it } from "vitest";
import type { DecisionAnswer, StatusAnswer } from "../../src/domain/answers.ts";
import { DECISION_STATES } from "../../src/domain/decision.ts";
import { TOPICS } from "../../src/domain/topics.ts";
import type { ConflictView, DecisionView, ViolationView } from "../../src/domain/views.ts";
import { byKey, happened, type LoggedEvent, readLog, tally } from "../support/log.ts";
import { get, hasEvents, readPages } from "../support/rest.ts";
import { type Ports, startProcess, startService } from "../support/service.ts";

const DECISION_EVENTS = 1_500;

const world = (folder: string) => ({
  ...{ DATA_DIR: join(folder, "data"), FEED: "simulated", FEED_WORLD: join(folder, "world.json") },
  ...{ FEED_SPEED: "max", FEED_RATE: "100" },
});

const expectDecisions = async (ports: Ports, log: readonly LoggedEvent[]): Promise<readonly DecisionView[]> => {
  const decisions = await readPages(ports, "/decisions", (page: { decisions: DecisionView[] }) => page.decisions);
  const lives = byKey(log);
  const shown = new Map(decisions.map((decision) => [decision.decisionId, decision]));
  expect([...shown.keys()].sort()).toEqual([...lives.keys()].sort());
  for (const [id, [first, ...rest]] of lives) {
    const { strategy, portfolioId, instrument, eventTime } = first!.data;
    const { quantity, notional, confidence, urgency = 0, validUntil } = first!.member;
    expect(shown.get(id)).toMatchObject({
      ...{
        strategy,
        portfolioId,
        instrument,
        quantity,
        notional,
        confidence,
        urgency,
        validUntil,
        createdAt: eventTime,
      },
      state: happened(rest.at(-1) ?? first!),
    });
  }
  return decisions;
};

/** The read models have all that the log has. */
async function caughtUp(ports: Ports): Promise<void> {
  for (const topic of [TOPICS.decisions, TOPICS.policies, TOPICS.conflicts]) {
    const { logs } = await get<{ logs: { partition: number; end: string }[] }>(ports, `/topics/${topic}`);
    await until(`what is answered has all of ${topic}`, async () => {
      const { positions } = await get(ports, "/coordination/status");
      const own = positions.filter((position) => position.topic === topic);
      return logs.every(({ partition, end }) => own[partition]?.offset === end);
    });
  }
}

async function expectExact(ports: Ports): Promise<void> {
  await caughtUp(ports);
  const [decisionLog, policyLog, conflictLog] = await Promise.all(
    [TOPICS.decisions, TOPICS.policies, TOPICS.conflicts].map((topic) => readLog(ports, topic)),
  );
  const decisions = await expectDecisions(ports, decisionLog!);
  const violated = policyLog!.filter((event) => happened(event) === "violated");
  const violations = await readPages(
    ports,
    "/policies/violations",
    (page: { violations: ViolationView[] }) => page.violations,
  );
  expect(violations.map(({ id }) => id).sort()).toEqual(violated.map(({ id }) => id).sort());
  const conflicts = await readPages(ports, "/conflicts", (page: { conflicts: ConflictView[] }) => page.conflicts);
  const conflictLives = byKey(conflictLog!);
  expect(tally(conflicts.map(({ conflictId, state }) => `${conflictId} ${state}`))).toEqual(
    tally([...conflictLives].map(([id, { length }]) => `${id} ${length === 1 ? "open" : "resolved"}`)),
  );

  const status = await get<StatusAnswer>(ports, "/coordination/status");
  const zero = Object.fromEntries(DECISION_STATES.map((state) => [state, 0]));
  expect(status.decisions).toEqual({ ...zero, ...tally(decisions.map(({ state }) => state)) });
  for (const { strategy, decisions: counts } of status.strategies) {
    const own = decisions.filter((decision) => decision.strategy === strategy);
    expect(counts).toEqual({ ...zero, ...tally(own.map(({ state }) => state)) });
  }
  expect(status.conflicts).toEqual({ open: 0, resolved: 0, ...tally(conflicts.map(({ state }) => state)) });
  expect(
    tally(
      status.violations.flatMap(({ policyId, warning, blocking }) => Array<string>(warning + blocking).fill(policyId)),
    ),
  ).toEqual(tally(violations.map(({ policyId }) => policyId)));

  const lives = byKey(decisionLog!);
  const policies = byKey(policyLog!);
  for (const { decisionId } of decisions.filter((_, at) => at % 20 === 0)) {
    const answer = await get<DecisionAnswer>(ports, `/decisions/${decisionId}`);
    expect(answer.history.map(({ id }) => id)).toEqual(lives.get(decisionId)!.map(({ id }) => id));
    const said = policies.get(decisionId) ?? [];
    const { checks, violations: own, blocked, approvedAgainstPolicy } = answer.policies;
    expect([...checks, ...own].map(({ id }) => id).sort()).toEqual(said.map(({ id }) => id).sort());
    const isBlocked = said.some(({ member }) => member["severity"] === "VIOLATION_SEVERITY_BLOCKING");
    expect([blocked, approvedAgainstPolicy]).toEqual([isBlocked, false]);
    const touching = [...conflictLives.values()].filter((life) =>
      life.some(({ member }) => touches(member, decisionId)),
    );
    expect(answer.conflictCount).toBe(touching.length);
  }
}

const touches = ({ decisionIds, winningDecisionId }: LoggedEvent["member"], id: string): boolean =>
  winningDecisionId === id || (decisionIds as readonly string[]).includes(id);

describe("a service with the simulated world as its upstream", () => {
  it("has decisions, policies and conflicts as its log says them, also after it was killed in the midst", async () => {
    const folder = testFolder();
    {
      await using killed = await startProcess(world(folder));
      await until("a part of the events", () => hasEvents(killed.ports, DECISION_EVENTS / 3, TOPICS.decisions));
      await killed.kill("SIGKILL");
    }
    {
      await using service = await startService(world(folder));
      await until("all of the events", () => hasEvents(service.ports, DECISION_EVENTS, TOPICS.decisions));
    }
    await using service = await startService({ ...world(folder), FEED: "none" });
    const { ports } = service;
    for (const topic of [TOPICS.decisions, TOPICS.policies, TOPICS.conflicts]) {
      const ids = (await readLog(ports, topic)).map(({ id }) => id);
      expect(new Set(ids).size, `nothing is twice on ${topic}`).toBe(ids.length);
    }
    const types = tally((await readLog(ports, TOPICS.decisions)).map(happened));
    for (const state of DECISION_STATES) expect(types[state], state).toBeGreaterThan(0);
    await expectExact(ports);
  });

  it("takes no bad data, and all that is good between", async () => {
    const folder = testFolder();
    await using service = await startService();
    const files = { worldFile: join(folder, "world.json"), progressFile: join(folder, "progress") };
    await refuseBadData(service, 20, (options) =>
      startSimulator({ domain: "coordination", ...files, scenario: "bad-data", rate: 1000, speed: "max", ...options }),
    );
    expect((await readLog(service.ports, TOPICS.decisions)).filter(({ id }) => id.endsWith("-bad"))).toEqual([]);
    await expectExact(service.ports);
  });

  it("does not start on a file that is no world, and lets go of its folder", async () => {
    const folder = testFolder();
    const settings = { ...world(folder), FEED_WORLD: join(import.meta.dirname, "simulator.test.ts") };
    await expect(startService(settings)).rejects.toThrow("describes no world");
    await using service = await startService({ ...settings, FEED: "none" });
    expect((await get<{ decisions: unknown[] }>(service.ports, "/decisions")).decisions).toEqual([]);
  });
});
