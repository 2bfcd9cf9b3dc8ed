/** The production brokers through our adapters, and through the bare clients that those stand on, on real servers. */
import { execFileSync } from "node:child_process";
import { startKafka, startPulsar } from "@distribution/brokers";
import { LOAD_CORE, SERVER_CORE, startPinned } from "../harness/pinned.ts";
import type { Bench, Floor, Row } from "../harness/row.ts";
import { quantile, rowOf } from "../harness/statistics.ts";
import { type Engine, EVENT_BYTES, type Measured, type Request, type Task, type Where } from "./contender.ts";

const ENGINES: readonly Engine[] = ["kafka", "pulsar"];
const ROUNDS = 3;
const EVENTS = 300_000;
const BATCH = 1_000;
const THROUGHPUT: readonly (readonly [name: string, Task])[] = [
  ["append", { do: "append", events: EVENTS, batch: BATCH }],
  ["tail", { do: "read", events: EVENTS }],
  ["group", { do: "work", events: EVENTS }],
];
const RATES = [1_000, 10_000] as const;
const RATE_SECONDS = 5;
const PACKED = "ours, packed";
const PER_CORE = "events per client CPU-second";

const floor = (engine: Engine, what: string, atLeast: number): Floor => ({
  text: `${engine}, ${what}, packed, events per second and core`,
  atLeast,
  of: (find) => find({ case: `${engine}: ${what}`, subject: PACKED, metric: PER_CORE }),
});

export const benchBrokers: Bench = {
  name: "brokers",
  about: `events of ${EVENT_BYTES} B, one partition, every append acknowledged by all replicas (one); the client's process has a core, the broker the other`,
  floors: ENGINES.flatMap((engine) => [floor(engine, "append", 300_000), floor(engine, "tail", 1_000_000)]),
  run: async () => [...(await measureKafka()), ...(await measurePulsar())],
};

async function measureKafka(): Promise<readonly Row[]> {
  await using kafka = await startKafka({ tuned: "load" });
  pin(kafka.pid);
  return await measureEngine({ engine: "kafka", url: kafka.bootstrap, adminUrl: "" });
}

async function measurePulsar(): Promise<readonly Row[]> {
  await using pulsar = await startPulsar({ tuned: "load" });
  pin(pulsar.pid);
  return await measureEngine({ engine: "pulsar", url: pulsar.serviceUrl, adminUrl: pulsar.adminUrl });
}

/** All threads of the broker's process on the server's core. */
function pin(pid: number | undefined): void {
  execFileSync("taskset", ["--all-tasks", "--cpu-list", "--pid", String(SERVER_CORE), String(pid)], {
    stdio: "ignore",
  });
}

type What = Pick<Row, "case" | "subject" | "metric" | "better">;

interface Subject {
  readonly subject: string;
  readonly groups: boolean;
}

/** Figures of several rounds, by what they are of. */
class Figures {
  readonly #rounds = new Map<string, { readonly what: What; readonly values: number[] }>();

  note(what: What, value: number): void {
    const key = JSON.stringify(what);
    const known = this.#rounds.get(key);
    if (known === undefined) this.#rounds.set(key, { what, values: [value] });
    else known.values.push(value);
  }

  rows(): readonly Row[] {
    return [...this.#rounds.values()].map(({ what, values }) => rowOf(what, values));
  }
}

async function measureEngine(where: Where): Promise<readonly Row[]> {
  await using client = startPinned(LOAD_CORE, new URL("client.ts", import.meta.url), [JSON.stringify(where)]);
  const subjects = await client.answer<readonly Subject[]>();
  const figures = new Figures();
  let topics = 0;
  const newTopic = (): string => {
    topics += 1;
    return `bench-${topics}`;
  };
  // The first round is for the compilers of both sides.
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const { subject, groups } of subjects) {
      const topic = newTopic();
      for (const [name, task] of THROUGHPUT) {
        if (task.do === "work" && !groups) continue;
        const { events, seconds, cpuSeconds } = await client.ask<Measured>({
          ...task,
          subject,
          topic,
        } satisfies Request);
        if (round === 0) continue;
        const what = { case: `${where.engine}: ${name}`, subject, better: "higher" } as const;
        figures.note({ ...what, metric: "events/s" }, events / seconds);
        figures.note({ ...what, metric: PER_CORE }, events / cpuSeconds);
      }
    }
  }
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const perSecond of RATES) {
      for (const { subject } of subjects) {
        const request = { do: "latency", subject, topic: newTopic(), perSecond, seconds: RATE_SECONDS } as const;
        const { latencies } = await client.ask<Measured>(request satisfies Request);
        const what = {
          case: `${where.engine}: append to reader at ${perSecond} events/s`,
          subject,
          better: "lower",
        } as const;
        figures.note({ ...what, metric: "p50, ms" }, quantile(latencies, 0.5));
        figures.note({ ...what, metric: "p99, ms" }, quantile(latencies, 0.99));
      }
    }
  }
  return figures.rows();
}
