/** Given the simulated world as the upstream, when it was played for a while, then the read models are what the log says, exactly. */

import { join } from "node:path";
import type { Logger } from "@distribution/core/observability";
import { systemRuntime } from "@distribution/core/runtime";
import { startSimulator } from "@distribution/simulated-world";
import { testFolder, until } from "@distribution/testkit/service";
import { describe, expect, it } from "vitest";
import type { DecisionAnswer, StatusAnswer } from "../../src/domain/answers.ts";
import { DECISION_STATES } from "../../src/domain/decision.ts";
import { TOPICS } from "../../src/domain/topics.ts";
import type { ConflictView, DecisionView, ViolationView } from "../../src/domain/views.ts";
import { byKey, happened, type LoggedEvent, readLog, tally } from "../support/log.ts";
import { get, type ReadAnswer } from "../support/rest.ts";
import { type Ports, startProcess, startService } from "../support/service.ts";
import { urlOf } from "../support/ways-in.ts";

const DECISION_EVENTS = 1_500;

const world = (folder: string) => ({
  ...{ DATA_DIR: join(folder, "data"), FEED: "simulated", FEED_WORLD: join(folder, "world.json") },
  ...{ FEED_SPEED: "max", FEED_RATE: "100" },
});

async function eventsOf(ports: Ports, topic: string): Promise<number> {
  const { logs } = await get<{ logs: { events: number }[] }>(ports, `/topics/${topic}`);
  return logs.reduce((sum, { events }) => sum + events, 0);
}

/** All pages, one after the other. */
async function readPages<Answer extends object, Item>(
  ports: Ports,
  path: string,
  itemsOf: (answer: Answer) => readonly Item[],
): Promise<readonly Item[]> {
  const items: Item[] = [];
  let cursor = "";
  do {
    const answer: Answer & ReadAnswer = await get<Answer>(ports, `${path}limit=1000${cursor}`);
    items.push(...itemsOf(answer));
    cursor = answer.next === undefined ? "" : `&cursor=${answer.next}`;
  } while (cursor !== "");
  return items;
}

const expectDecisions = async (ports: Ports, log: readonly LoggedEvent[]): Promise<readonly DecisionView[]> => {
  const decisions = await readPages<{ decisions: DecisionView[] }, DecisionView>(
    ports,
    "/decisions?",
    (page) => page.decisions,
  );
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
  const violations = await readPages<{ violations: ViolationView[] }, ViolationView>(
    ports,
    "/policies/violations?",
    (page) => page.violations,
  );
  expect(violations.map(({ id }) => id).sort()).toEqual(violated.map(({ id }) => id).sort());
  const conflicts = await readPages<{ conflicts: ConflictView[] }, ConflictView>(
    ports,
    "/conflicts?",
    (page) => page.conflicts,
  );
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
      await until(
        "a part of the events",
        async () => (await eventsOf(killed.ports, TOPICS.decisions)) >= DECISION_EVENTS / 3,
      );
      await killed.kill("SIGKILL");
    }
    {
      await using service = await startService(world(folder));
      await until(
        "all of the events",
        async () => (await eventsOf(service.ports, TOPICS.decisions)) >= DECISION_EVENTS,
      );
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
    const warnings: string[] = [];
    const warn = (_: object, message: string) => void warnings.push(message);
    const logger: Logger = { debug: () => {}, info: () => {}, warn, error: warn };
    const simulator = startSimulator({
      domain: "coordination",
      ...{ url: urlOf(service.ports), worldFile: join(folder, "world.json"), progressFile: join(folder, "progress") },
      ...{ scenario: "bad-data", rate: 1000, speed: "max", runtime: systemRuntime, logger },
    });
    await until("bad events are refused", () => simulator.stats.refusedBad >= 20);
    await simulator.stop();
    // A stop waits for what is under way as long as a shutdown may take, and no longer.
    await until("what was sent is settled", () => service.ingest.inFlight().batches === 0);
    const { refused, refusedBad } = simulator.stats;
    expect([warnings, refused]).toEqual([[], refusedBad]);
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
