/** What each domain's own mix of events costs its service, whole and as it is deployed; and the memory of all five together. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { LOAD_CORE, type Pinned, startPinned } from "../harness/pinned.ts";
import { cpuSeconds, residentBytes } from "../harness/process.ts";
import type { Bench, Row } from "../harness/row.ts";
import { quantile, rowOf } from "../harness/statistics.ts";
import { ALL_DOMAINS, type App, type Domain, RECORDED, startApp } from "./app.ts";
import type { DomainResult, DomainRun } from "./load.ts";

const ROUNDS = 3;
const WARM_UP: DomainRun = { events: 5_000 };
const FULL_SPEED: DomainRun = { events: 10_000 };
const RATE = 300;
const PACED_SECONDS = 2;
const PACED: DomainRun = { events: RATE * PACED_SECONDS, ms: PACED_SECONDS * 1_000 };
const MIX_EVENTS = WARM_UP.events + ROUNDS * (FULL_SPEED.events + PACED.events);
/** Times as fast as recorded: fast enough to be there soon. */
const RECORDING_SPEED = 10;

const TOGETHER_SECONDS = 20;
const TOGETHER = {
  case: `after ${TOGETHER_SECONDS} s of their simulators`,
  subject: "all five at once",
  metric: "MB resident",
} as const;

export const benchDomains: Bench = {
  name: "domains",
  about: `the real services, a process each; their own events, made before the clock starts, over one WebSocket, a publish of at most 500 by topic under way; another reads all topics; ${RATE} events/s is as bunched as in the simulated world, market data even; resident memory counts what is shared or mapped in each process`,
  floors: [
    {
      text: "memory of all five services with their simulators, MB",
      atMost: 1_500,
      of: ({ median }) => median(TOGETHER),
    },
  ],
  run: async () => {
    const rows: Row[] = [];
    for (const domain of ALL_DOMAINS) rows.push(...(await runDomain(domain)));
    return [...rows, ...(await together())];
  },
};

interface Round extends DomainResult {
  readonly events: number;
  readonly cpu: number;
}

async function runDomain(domain: Domain): Promise<readonly Row[]> {
  await using app = await startApp(domain, { FEED: "none" });
  await using load = await startLoad(domain, app);
  const round = async (run: DomainRun): Promise<Round> => {
    const before = cpuSeconds(app.pid);
    const result = await load.ask<DomainResult>(run);
    return { ...result, events: run.events, cpu: cpuSeconds(app.pid) - before };
  };
  await round(WARM_UP);
  const full = await rounds(() => round(FULL_SPEED));
  const paced = await rounds(() => round(PACED));
  const of =
    (what: string, all: readonly Round[]) =>
    (metric: string, better: Row["better"], figure: (one: Round) => number): Row =>
      rowOf({ case: what, subject: domain, metric, better }, all.map(figure));
  const atFull = of(`${FULL_SPEED.events.toLocaleString("en")} events at full speed`, full);
  const atRate = of(`${PACED.events} events at ${RATE} events/s`, paced);
  return [
    atFull("events/s", "higher", ({ events, seconds }) => events / seconds),
    atFull("events per server CPU-second", "higher", ({ events, cpu }) => events / cpu),
    atFull("server CPU-seconds", "lower", ({ cpu }) => cpu),
    atRate("p50, ms", "lower", ({ latencies }) => quantile(latencies, 0.5)),
    atRate("p99, ms", "lower", ({ latencies }) => quantile(latencies, 0.99)),
    atRate("server CPU-seconds", "lower", ({ cpu }) => cpu),
    rowOf({ case: "afterwards", subject: domain, metric: TOGETHER.metric, better: "lower" }, [
      residentBytes(app.pid) / 1e6,
    ]),
  ];
}

/** Market data's mix is what its service makes of its recordings; another one plays them, and the load takes them down. */
async function startLoad(domain: Domain, { url }: App): Promise<Pinned> {
  const args = [domain, url, String(MIX_EVENTS)];
  await using player =
    domain === RECORDED ? await startApp(domain, { FEED_SPEED: String(RECORDING_SPEED) }) : undefined;
  if (player) args.push(player.url);
  const load = startPinned(LOAD_CORE, new URL("load.ts", import.meta.url), args);
  await load.answer();
  return load;
}

async function rounds(measure: () => Promise<Round>): Promise<readonly Round[]> {
  const all: Round[] = [];
  for (let round = 0; round < ROUNDS; round += 1) all.push(await measure());
  return all;
}

/** All five on one core, each with its own upstream at its default rate. */
async function together(): Promise<readonly Row[]> {
  await using stack = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), "bench-domains-"));
  stack.defer(() => rmSync(folder, { recursive: true }));
  const world = { FEED_WORLD: join(folder, "world.json") };
  const apps = await Promise.all(
    ALL_DOMAINS.map(async (domain) => stack.use(await startApp(domain, domain === RECORDED ? {} : world))),
  );
  const resident = (): readonly number[] => [apps.reduce((sum, { pid }) => sum + residentBytes(pid), 0) / 1e6];
  const ready = rowOf({ ...TOGETHER, case: "when all are ready", better: "lower" }, resident());
  await sleep(TOGETHER_SECONDS * 1_000);
  return [ready, rowOf({ ...TOGETHER, better: "lower" }, resident())];
}
