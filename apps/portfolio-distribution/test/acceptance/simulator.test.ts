/**
 * Given the simulated world, when the service is told its part over the wire, then positions are the sum of the fills and nav is
 * cash plus positions at the prices, exactly, for every event; and the read models say the same as the log.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Scenario, WorldIdentity } from "@distribution/simulated-world";
import { testFolder, until, within } from "@distribution/testkit/service";
import { describe, expect, it } from "vitest";
import { TOPICS } from "../../src/domain/topics.ts";
import { audit, fillsOf, type TracedEvent, trace } from "../support/independent-books.ts";
import { ask, logOf } from "../support/rest.ts";
import { type Ports, type Settings, startProcess, startService } from "../support/service.ts";

/** States of portfolios; with what leads to them, several thousand events. */
const ENOUGH = 2_000;
/** Usually a second; a machine that does much else takes longer. */
const TOLD_WITHIN_MS = 60_000;

const PUBLISHED = [TOPICS.state, TOPICS.positions, TOPICS.performance, TOPICS.risk, TOPICS.rebalancing];

const simulated = (folder: string, scenario: Scenario): Settings => ({
  ...{ DATA_DIR: join(folder, "data"), FEED: "simulated", FEED_WORLD: join(folder, "world.json") },
  ...{ FEED_SCENARIO: scenario, FEED_SPEED: "max" },
});
const alone = (folder: string): Settings => ({ DATA_DIR: join(folder, "data"), FEED: "none" });

function worldOf(folder: string): WorldIdentity {
  const { startNs, ...rest } = JSON.parse(readFileSync(join(folder, "world.json"), "utf8")) as {
    readonly seed: number;
    readonly startNs: string;
    readonly scenario: Scenario;
    readonly rate: number;
  };
  return { ...rest, startNs: BigInt(startNs) };
}

/** States with nothing missing before them: a topic's events may come long before another's. */
const statesOf = async (ports: Ports): Promise<number> =>
  (await readBack(ports)).filter(({ topic }) => topic === TOPICS.state).length;

/** Resolves when the service has so many of these. */
async function told(ports: Ports, states: number): Promise<void> {
  await until(`${states} states are told`, async () => (await statesOf(ports)) >= states, TOLD_WITHIN_MS);
}

async function readBack(ports: Ports): Promise<readonly TracedEvent[]> {
  return trace(await Promise.all(PUBLISHED.map((topic) => logOf(ports, topic))));
}

/** `states`: as many were told before. */
function expectBooksRight(folder: string, events: readonly TracedEvent[], states: number): void {
  const end = events.reduce((last, { data }) => (BigInt(data.asOf) > last ? BigInt(data.asOf) : last), 0n);
  const { wrong, counts } = audit(events, fillsOf(worldOf(folder), end));
  expect(wrong.slice(0, 5)).toEqual([]);
  expect(counts.states).toBeGreaterThanOrEqual(states);
  expect(counts.fills).toBeGreaterThan(ENOUGH / 4);
  expect(counts.prices).toBeGreaterThan(100);
}

/** What the log of a topic has last for each key, and what it has for one. */
async function lastOf(ports: Ports, topic: string) {
  const log = await logOf(ports, topic);
  const of = (event: (typeof log)[number]["event"]) => [String(event["partitionkey"]), event.data as object] as const;
  return { last: new Map(log.map(({ event }) => of(event))), all: log.map(({ event }) => of(event)) };
}

async function expectReadModelsRight(ports: Ports): Promise<void> {
  const states = await lastOf(ports, TOPICS.state);
  expect([...states.last.keys()].sort()).toEqual(["balanced", "growth", "income", "opportunity"]);
  const positions = await lastOf(ports, TOPICS.positions);
  for (const [id, data] of states.last) {
    const { state: told, asOf, currency } = data as { state: object; asOf: string; currency: string };
    const { body } = await ask(ports, `/portfolio/${id}/state`);
    expect(body["state"]).toEqual({ portfolioId: id, asOf, currency, ...told });
    const { body: held } = await ask<{ holdings: readonly { instrument: string }[] }>(
      ports,
      `/portfolio/${id}/positions?limit=1000`,
    );
    const open = [...positions.last]
      .filter(([key]) => key.startsWith(`${id}/`))
      .map(
        ([, each]) =>
          each as { asOf: string; currency: string; position: { instrument: string; quantity: string; value: string } },
      )
      .filter(({ position }) => position.quantity !== "0");
    expect(held.holdings.length).toBe(open.length);
    for (const { asOf: at, currency: money, position } of open) {
      expect(held.holdings.find(({ instrument }) => instrument === position.instrument)).toEqual({
        ...{ asOf: at, currency: money },
        ...position,
      });
    }
    await expectStateAtTimes(
      ports,
      id,
      states.all.filter(([key]) => key === id).map(([, each]) => each as never),
    );
  }
}

/** The state at times between those that were told. */
async function expectStateAtTimes(
  ports: Ports,
  id: string,
  all: readonly { asOf: string; state: object }[],
): Promise<void> {
  const kept = all.slice(-500);
  for (let index = 0; index < kept.length; index += 50) {
    const asked = BigInt(kept[index]!.asOf) + 1n;
    const expected = kept.findLast(({ asOf }) => BigInt(asOf) <= asked)!;
    const { body } = await ask(ports, `/portfolio/${id}/state?as_of=${asked}`);
    expect(body["state"]).toMatchObject({ asOf: expected.asOf, ...expected.state });
  }
}

describe("the simulated world", () => {
  it.each(["normal", "bad-data"] as const)(
    "adds up for every event of the scenario %s",
    { timeout: 120_000 },
    async (scenario) => {
      const folder = testFolder();
      {
        await using service = await startService(simulated(folder, scenario));
        await told(service.ports, ENOUGH);
      }
      await using service = await startService(alone(folder));
      const events = await readBack(service.ports);
      expectBooksRight(folder, events, ENOUGH);
      await expectReadModelsRight(service.ports);
    },
  );

  it("adds up, and loses and doubles nothing, when the service is killed and starts again", {
    timeout: 180_000,
  }, async () => {
    const folder = testFolder();
    let states = 0;
    for (const signal of ["SIGKILL", "SIGKILL", "SIGTERM"] as const) {
      await using service = await startProcess(simulated(folder, "open"));
      states = (await statesOf(service.ports)) + ENOUGH / 2;
      await told(service.ports, states);
      await within("the process is gone", service.kill(signal));
      expect(service.output()).not.toContain("was refused");
    }
    await using service = await startService(alone(folder));
    expectBooksRight(folder, await readBack(service.ports), states);
    await expectReadModelsRight(service.ports);
  });

  it("is told to a service that listens on every address", async () => {
    const folder = testFolder();
    await using service = await startService({ ...simulated(folder, "normal"), HOST: "0.0.0.0" });
    await told(service.ports, 10);
  });

  it.each([
    ["world", ["world.json"]],
    // Whichever broker it has.
    ["progress", ["data/feed/progress", "data/kafka/feed/progress", "data/pulsar/feed/progress"]],
  ])("ends the start where its %s is damaged, which leaves nothing behind", async (_, files) => {
    const folder = testFolder();
    for (const file of files) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), "no world");
    }
    await expect(startService(simulated(folder, "normal"))).rejects.toMatchObject({ code: "record_damaged" });
    await using service = await startService(alone(folder));
    expect((await ask(service.ports, "/portfolios")).body).toMatchObject({ portfolios: [] });
  });
});
