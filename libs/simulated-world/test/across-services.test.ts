/** One decision, followed over the wire through four services that know nothing of each other: everywhere the same numbers. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { acceptanceBroker } from "@distribution/brokers/acceptance";
import { addDecimals, multiplyDecimals } from "@distribution/core/events";
import { systemRuntime } from "@distribution/core/runtime";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createServicePublisher, createWorldPlayer, type WorldDomain } from "../src/index.ts";
import { createFolder, type Folder } from "./support/folder.ts";
import { seconds } from "./support/playing.ts";
import { worldOptions } from "./support/worlds.ts";

const WORLD = worldOptions({ scenario: "normal", rate: 100 });
const SECONDS = 60;
const DOMAINS = ["intelligence", "coordination", "execution", "portfolio"] as const satisfies readonly WorldDomain[];
const APPS = join(import.meta.dirname, "../../../apps");

interface Execution {
  readonly executionId: string;
  readonly quantity: string;
  readonly price: string;
}

interface Order {
  readonly orderId: string;
  readonly portfolioId: string;
  readonly instrument: string;
  readonly decisionId: string;
  readonly side: string;
  readonly filledQuantity: string;
  readonly filledValue: string;
  readonly executionCount: number;
}

interface Holding {
  readonly quantity: string;
  readonly price: string;
  readonly value: string;
  readonly cost: string;
  readonly orderId?: string;
  readonly executionId?: string;
}

interface Decision {
  readonly decisionId: string;
  readonly portfolioId: string;
  readonly instrument: string;
  readonly action: string;
  readonly intelligenceIds: readonly string[];
}

interface Step {
  readonly state: string;
  readonly orderIds?: readonly string[];
  readonly filledQuantity?: string;
}

let folder: Folder;
const processes: ChildProcess[] = [];
const urls = new Map<string, string>();

beforeAll(async () => {
  folder = createFolder();
  await Promise.all(DOMAINS.map(start));
  await Promise.all(DOMAINS.map(play));
}, 120_000);

afterAll(async () => {
  for (const run of processes) {
    run.kill("SIGTERM");
    if (run.exitCode === null) await once(run, "exit");
  }
  folder[Symbol.dispose]();
});

test("a decision becomes orders, fills, positions and a net asset value that agree to the last digit", async () => {
  const { decisions } = await ask<{ decisions: Decision[] }>("coordination", "decisions?state=executed&limit=100");
  expect(decisions.length).toBeGreaterThan(5);
  let fills = 0;
  for (const decision of decisions) fills += await follow(decision);
  expect(fills).toBeGreaterThan(10);
  for (const portfolioId of new Set(decisions.map((decision) => decision.portfolioId))) await checkWorth(portfolioId);
});

/** Resolves with the number of fills that the decision led to. */
async function follow({ decisionId, portfolioId, instrument, action, intelligenceIds }: Decision): Promise<number> {
  for (const id of intelligenceIds) await ask("intelligence", `intelligence/${id}`);
  const { history } = await ask<{ history: Step[] }>("coordination", `decisions/${decisionId}`);
  const { orderIds = [], filledQuantity } = history.find(({ state }) => state === "executed")!;
  let filled = "0";
  let fills = 0;
  for (const orderId of orderIds) {
    const { order } = await ask<{ order: Order }>("execution", `orders/${orderId}`);
    expect(order).toMatchObject({ orderId, decisionId, portfolioId, instrument, side: action });
    const { executions } = await ask<{ executions: Execution[] }>(
      "execution",
      `orders/${orderId}/executions?limit=1000`,
    );
    expect(executions).toHaveLength(order.executionCount);
    expect(sum(executions.map(({ quantity }) => quantity))).toBe(order.filledQuantity);
    expect(sum(executions.map(({ quantity, price }) => multiplyDecimals(quantity, price)))).toBe(order.filledValue);
    filled = addDecimals(filled, order.filledQuantity);
    for (const execution of executions) await checkPosition(order, execution);
    fills += executions.length;
  }
  expect(filled).toBe(filledQuantity);
  return fills;
}

/** The position changed by this fill exactly: by its quantity, and its cost by what was paid. */
async function checkPosition({ orderId, portfolioId, instrument, side }: Order, fill: Execution): Promise<void> {
  const path = `portfolio/${portfolioId}/positions/${encodeURIComponent(instrument)}/history?limit=1000`;
  const { changes } = await ask<{ changes: Holding[] }>("portfolio", path);
  const at = changes.findIndex((change) => change.orderId === orderId && change.executionId === fill.executionId);
  expect(at).toBeGreaterThanOrEqual(0);
  const [after, before] = [changes[at]!, changes[at + 1]];
  const signed = (text: string): string => (side === "buy" ? text : multiplyDecimals("-1", text));
  expect(after.quantity).toBe(addDecimals(before?.quantity ?? "0", signed(fill.quantity)));
  expect(after.cost).toBe(addDecimals(before?.cost ?? "0", signed(multiplyDecimals(fill.quantity, fill.price))));
  expect(after.value).toBe(multiplyDecimals(after.quantity, after.price));
}

async function checkWorth(portfolioId: string): Promise<void> {
  const { state } = await ask<{ state: Record<string, string> }>("portfolio", `portfolio/${portfolioId}/state`);
  expect(state["nav"]).toBe(addDecimals(state["cash"]!, state["positionsValue"]!));
}

const sum = (decimals: readonly string[]): string => decimals.reduce(addDecimals, "0");

async function ask<Answer>(domain: WorldDomain, path: string): Promise<Answer> {
  const response = await fetch(`${urls.get(domain)}/api/v1/${path}`);
  const body = await response.text();
  expect(response.status, `${path}: ${body}`).toBe(200);
  return JSON.parse(body) as Answer;
}

/** As a process of its own, without an upstream. */
async function start(domain: WorldDomain): Promise<void> {
  const own = {
    PORT: "0",
    GRPC_PORT: "0",
    ADMIN_PORT: "0",
    FEED: "none",
    LOG_LEVEL: "warn",
    DATA_DIR: folder.file(domain),
    ...(await acceptanceBroker(folder.file(domain), domain)),
  };
  const settings = Object.entries(own).map(([name, value]) => [`${domain.toUpperCase()}_${name}`, value]);
  const run = fork(join(APPS, `${domain}-distribution/src/main.ts`), {
    env: { ...process.env, ...Object.fromEntries(settings) },
    execArgv: [],
  });
  processes.push(run);
  const [report] = (await once(run, "message")) as [{ readonly ports: { readonly public: number } }];
  urls.set(domain, `http://127.0.0.1:${report.ports.public}`);
}

async function play(domain: WorldDomain): Promise<void> {
  const publisher = createServicePublisher({ url: urls.get(domain)! });
  const player = createWorldPlayer({
    world: WORLD,
    domain,
    publish: publisher.publish,
    runtime: systemRuntime,
    speed: "max",
    progressFile: folder.file(`${domain}.progress`),
    untilNs: seconds(SECONDS),
  });
  player.start();
  await player.done;
  await publisher.close();
  expect(player.stats).toMatchObject({ state: "finished", refused: 0 });
}
