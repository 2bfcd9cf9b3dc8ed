/** Given the simulated world as the upstream, when it was played for a while, then read models and copies are what the log says, exactly. */

import { join } from "node:path";
import { startSimulator } from "@distribution/simulated-world";
import { refuseBadData, testFolder, until } from "@distribution/testkit/service";
import { describe, expect, it } from "vitest";
import { FINDING_TYPES, GOLD_TOPIC, TOPICS, URGENT_TOPIC, WORKFLOWS, workflowTopic } from "../../src/domain/topics.ts";
import type { FindingView } from "../../src/domain/views.ts";
import { type LoggedEvent, newestBySymbol, readLog } from "../support/log.ts";
import {
  type FindingAnswer,
  type FindingsAnswer,
  get,
  hasEvents,
  readPages,
  type SymbolsAnswer,
} from "../support/rest.ts";
import { type Ports, startProcess, startService } from "../support/service.ts";

const ALL = Object.values(TOPICS);
const EVENTS = 2_400;
/** Each topic is told at its own pace. */
const SYNTHESES = 60;

const world = (folder: string) => ({
  ...{ DATA_DIR: join(folder, "data"), FEED: "simulated", FEED_WORLD: join(folder, "world.json") },
  ...{ FEED_SPEED: "max", FEED_RATE: "100" },
});

const readFindings = (ports: Ports, path: string): Promise<FindingView[]> =>
  readPages(ports, path, ({ findings }: FindingsAnswer) => findings);

const idsIn = (log: readonly LoggedEvent[]): string[] => log.map(({ id }) => id).sort();
const kept = (findings: readonly FindingView[]): string[] => findings.map(({ intelligenceId }) => intelligenceId);

/** The answers, the log and the copies say the same. */
async function expectExact(ports: Ports): Promise<readonly LoggedEvent[]> {
  const logs = new Map<string, readonly LoggedEvent[]>();
  for (const type of FINDING_TYPES) logs.set(type, await readLog(ports, TOPICS[type]));
  const log = [...logs.values()].flat();
  const told = new Set(log.map(({ data }) => data.intelligenceId));
  expect(told.size, "nothing is there twice").toBe(log.length);
  for (const { partitionkey, data } of log) expect(partitionkey).toBe(data.symbol);

  const all = await readFindings(ports, "/intelligence");
  expect(new Set(kept(all))).toEqual(told);
  const times = all.map(({ producedAt }) => BigInt(producedAt));
  expect(times.every((time, index) => index === 0 || time <= times[index - 1]!)).toBe(true);

  const latest = await readFindings(ports, "/intelligence/latest?include_expired=true");
  for (const [type, events] of logs) {
    const ofType = latest.filter((each) => each.type === type);
    expect(new Map(ofType.map(({ symbol, intelligenceId }) => [symbol, intelligenceId]))).toEqual(
      newestBySymbol(events),
    );
  }
  const symbols = await readPages(ports, "/symbols", (answer: SymbolsAnswer) => answer.symbols);
  const counted = symbols.flatMap(({ types }) => types.map(({ findings }) => findings));
  expect(counted.reduce((sum, count) => sum + count, 0)).toBe(log.length);

  const copied = (wanted: (data: LoggedEvent["data"]) => boolean) => idsIn(log.filter(({ data }) => wanted(data)));
  expect(idsIn(await readLog(ports, URGENT_TOPIC))).toEqual(copied(({ urgency = 0 }) => urgency >= 7));
  expect(idsIn(await readLog(ports, GOLD_TOPIC))).toEqual(copied((data) => data.qualityTier === "QUALITY_TIER_GOLD"));
  for (const workflow of WORKFLOWS) {
    const mine = copied(({ targetWorkflows = [] }) => targetWorkflows.includes(workflow));
    expect(idsIn(await readLog(ports, workflowTopic(workflow))), workflow).toEqual(mine);
    expect(await readFindings(ports, `/intelligence?workflow=${workflow}`), workflow).toHaveLength(mine.length);
  }
  return log;
}

describe("a service with the simulated world as its upstream", () => {
  it("answers what its log says, also after it was killed in the midst", async () => {
    const folder = testFolder();
    {
      await using killed = await startProcess(world(folder));
      await until("half of the events", () => hasEvents(killed.ports, EVENTS / 2, ...ALL));
      await killed.kill("SIGKILL");
    }
    {
      await using service = await startService(world(folder));
      await until("all of the events", () => hasEvents(service.ports, EVENTS, ...ALL));
      await until("enough syntheses", () => hasEvents(service.ports, SYNTHESES, TOPICS.synthesis));
    }
    await using service = await startService({ ...world(folder), FEED: "none" });
    const log = await expectExact(service.ports);
    expect(log.length).toBeGreaterThanOrEqual(EVENTS);

    const syntheses = log.filter(({ data }) => data.synthesis);
    expect(syntheses.length).toBeGreaterThanOrEqual(SYNTHESES);
    const told = new Set(log.map(({ data }) => data.intelligenceId));
    for (const { data } of syntheses.slice(0, 100)) {
      const { sources } = await get<FindingAnswer>(service.ports, `/intelligence/${data.intelligenceId}`);
      // The stop may have come before a source of another topic.
      const named = data.synthesis!.intelligenceIds;
      expect(kept(sources!.findings)).toEqual(named.filter((id) => told.has(id)));
      expect(sources!.missing).toEqual(named.filter((id) => !told.has(id)));
      expect(sources!.findings.every(({ symbol }) => symbol === data.symbol)).toBe(true);
    }
    const confident = await readFindings(service.ports, "/intelligence?confidence=0.8&tier=gold");
    const expected = log.filter(({ data }) => data.confidence >= "0.8" && data.qualityTier === "QUALITY_TIER_GOLD");
    expect(new Set(kept(confident))).toEqual(new Set(expected.map(({ data }) => data.intelligenceId)));
  });

  it("takes no bad data, and all that is good between", async () => {
    const folder = testFolder();
    await using service = await startService();
    const files = { worldFile: join(folder, "world.json"), progressFile: join(folder, "progress") };
    await refuseBadData(service, 15, (options) =>
      startSimulator({ domain: "intelligence", ...files, scenario: "bad-data", rate: 1000, speed: "max", ...options }),
    );
    const log = await expectExact(service.ports);
    expect(log.filter(({ id }) => id.endsWith("-bad"))).toEqual([]);
  });

  it("does not start on a file that is no world, and lets go of its folder", async () => {
    const folder = testFolder();
    const settings = { ...world(folder), FEED_WORLD: join(import.meta.dirname, "simulator.test.ts") };
    await expect(startService(settings)).rejects.toThrow("describes no world");
    await using service = await startService({ ...settings, FEED: "none" });
    expect((await get<FindingsAnswer>(service.ports, "/intelligence")).findings).toEqual([]);
  });
});
