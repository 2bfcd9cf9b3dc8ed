/** `npm run brokers -- start && npm start -- --brokers production`, in a checkout that has this one's apps and data of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PRODUCTION, prepareKafka, preparePulsar, readState } from "@distribution/brokers";
import { variableOf } from "@distribution/core";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { LAUNCHER, ROOT } from "./support.ts";

const BROKERS = join(ROOT, "tools/brokers/src/main.ts");
/** The first time on a machine. */
const FETCH_WITHIN_MS = 900_000;
const SERVICES = Object.keys(PRODUCTION);
const WITHIN = { timeout: 60_000, interval: 50 };

let root: string;
beforeAll(async () => {
  await prepareKafka();
  await preparePulsar();
  root = mkdtempSync(join(tmpdir(), "distribution-production-"));
  symlinkSync(join(ROOT, "apps"), join(root, "apps"));
}, FETCH_WITHIN_MS);
afterAll(async () => {
  await begin(BROKERS, "kill").exit;
  rmSync(root, { recursive: true });
});

interface Run {
  readonly child: ChildProcess;
  /** Resolves with its exit code. */
  readonly exit: Promise<number | null>;
  /** What it wrote so far. */
  said(): string;
}

function begin(...words: string[]): Run {
  const { npm_lifecycle_event: _npm, ...inherited } = process.env;
  const environment = { ...inherited, ...Object.fromEntries(SERVICES.flatMap(portsOf)) };
  const child = spawn(process.execPath, words, { cwd: root, env: environment, stdio: ["ignore", "pipe", "pipe"] });
  let written = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      written += text;
    });
  }
  const exit = new Promise<number | null>((resolve) => child.on("exit", (code) => resolve(code)));
  return { child, exit, said: () => written };
}

const portsOf = (service: string): readonly (readonly [string, string])[] =>
  ["PORT", "GRPC_PORT", "ADMIN_PORT"].map((name) => [variableOf(service, name), "0"]);

/** In the logs of all topics of a service. */
async function eventsOf(url: string): Promise<number> {
  const ask = async <Answer>(path: string): Promise<Answer> => (await fetch(`${url}/api/v1${path}`)).json() as Answer;
  const { topics } = await ask<{ topics: { name: string }[] }>("/topics");
  let events = 0;
  for (const { name } of topics) {
    const { logs } = await ask<{ logs: { events: number }[] }>(`/topics/${name}`);
    for (const log of logs) events += log.events;
  }
  return events;
}

async function isOnPulsar(service: string): Promise<boolean> {
  const admin = `http://127.0.0.1:${readState(root, "pulsar")?.adminPort}/admin/v2`;
  const topics = (await (await fetch(`${admin}/persistent/public/default/partitioned`)).json()) as string[];
  return topics.some((topic) => topic.startsWith(`persistent://public/default/${service}.`));
}

it("the services each run on their own broker in production, where their logs are, and stop", {
  timeout: 240_000,
}, async () => {
  const brokers = begin(BROKERS, "start");
  expect(await brokers.exit, brokers.said()).toBe(0);
  const { child, exit, said } = begin(LAUNCHER, "--brokers", "production");
  onTestFinished(() => void child.kill("SIGKILL"));
  await expect.poll(said, WITHIN).toContain("Ready.");
  for (const service of SERVICES) {
    const [, url = ""] = new RegExp(`${service} +(http://localhost:\\d+)/ `).exec(said()) ?? [];
    await expect.poll(() => eventsOf(url), WITHIN).toBeGreaterThan(0);
    expect(await isOnPulsar(service), service).toBe(PRODUCTION[service] === "pulsar");
    expect(existsSync(join(root, "data", service))).toBe(true);
    expect(existsSync(join(root, "data", service, "broker")), `${service} has no broker of its own`).toBe(false);
  }
  child.kill("SIGTERM");
  expect(await exit, said()).toBe(0);
  expect(await begin(BROKERS, "stop").exit).toBe(0);
});
