/** The production brokers through our adapters, and through the bare clients that those stand on, on real servers. */
import { execFileSync } from "node:child_process";
import { startKafka, startPulsar } from "@distribution/brokers";
import { LOAD_CORE, type Pinned, SERVER_CORE, startPinned } from "../harness/pinned.ts";
import type { Bench, Floor, Row } from "../harness/row.ts";
import { quantile, rowOf } from "../harness/statistics.ts";
import {
  type Engine,
  EVENT_BYTES,
  type Measured,
  type Request,
  SUBJECTS,
  type Subject,
  type Task,
  type Where,
} from "./contender.ts";

const ENGINES: readonly Engine[] = ["kafka", "pulsar"];
const ROUNDS = 3;
const LATENCY_ROUNDS = 5;
/** Rounds of latency before those that count: a broker's compiler takes longer than a client's. */
const WARM_ROUNDS = 3;
/** The 99th percentile of a round hangs on a few pauses of the broker: these hit both clients alike, which run at once. */
const BESIDE_ROUNDS = 9;
const BEYOND = "p99 beyond the bare client's, ms";
/** For what each does before its events and after them: none of it falls into the other's time. */
const BESIDE_LEAD_MS = 2_000;
const EVENTS = 300_000;
const BATCH = 1_000;
const THROUGHPUT: readonly (readonly [name: string, Task])[] = [
  ["append", { do: "append", events: EVENTS, batch: BATCH }],
  ["read", { do: "read", events: EVENTS }],
  ["group", { do: "work", events: EVENTS }],
];
const RATES = [1_000, 10_000] as const;
const HIGHEST_RATE = Math.max(...RATES);
const RATE_SECONDS = 3;
const PER_CORE = "events per client CPU-second";
const { packed: PACKED, unpacked: UNPACKED } = SUBJECTS;
const OURS: readonly Subject[] = [PACKED, UNPACKED];
/** What each adapter stands on. */
const BARE = { kafka: SUBJECTS.platformatic, pulsar: SUBJECTS.pulsarProtocol } as const;
/** Each in a process of its own: what one leaves in a heap would be another one's time. */
const CONTENDERS: Readonly<Record<Engine, readonly Subject[]>> = {
  kafka: [...OURS, BARE.kafka, SUBJECTS.kafkajs],
  pulsar: [...OURS, BARE.pulsar],
};

const packedFloor = (engine: Engine, what: string, atLeast: number): Floor => ({
  text: `${engine}, ${what}, packed, events per second and core`,
  atLeast,
  of: ({ median }) => median({ case: `${engine}: ${what}`, subject: PACKED, metric: PER_CORE }),
});

const floorsOf = (engine: Engine): readonly Floor[] => [
  packedFloor(engine, "append", 300_000),
  packedFloor(engine, "read", 1_000_000),
  {
    text: `${engine}, read, an event a record, of the bare client reading the same records`,
    atLeast: 0.9,
    of: ({ times }) => {
      const metric = PER_CORE;
      return times(
        { case: `${engine}: read`, subject: UNPACKED, metric },
        { case: `${engine}: read of records with attributes`, subject: BARE[engine], metric },
      );
    },
  },
  {
    text: `${engine}, p99 at 10,000 events/s beyond the bare client's, ms`,
    atMost: 1,
    of: ({ median }) => median({ case: besideCase(engine), subject: PACKED, metric: BEYOND }),
  },
];

const latencyCase = (engine: Engine, perSecond: number): string =>
  `${engine}: append to reader at ${perSecond} events/s`;

const besideCase = (engine: Engine): string =>
  `${engine}: ours and the bare client at once, ${HIGHEST_RATE} events/s each`;

const protocolFloor = (what: string, atLeast: number): Floor => ({
  text: `pulsar-protocol, ${what}, messages per second`,
  atLeast,
  of: ({ median }) => median({ case: `pulsar: ${what}`, subject: BARE.pulsar, metric: "events/s" }),
});

export const benchBrokers: Bench = {
  name: "brokers",
  about: `events of ${EVENT_BYTES} B, one partition, every append acknowledged by all replicas (one); each client's process has a core in its turn (where one is set beside another, both have it), the broker the other`,
  floors: [...ENGINES.flatMap(floorsOf), protocolFloor("append", 100_000), protocolFloor("read", 300_000)],
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

/** Figures of several rounds, by what they are of. */
class Figures {
  readonly #rounds = new Map<string, { readonly what: What; readonly values: number[] }>();

  note(what: What, value: number): void {
    const key = JSON.stringify(what);
    const known = this.#rounds.get(key);
    if (known === undefined) this.#rounds.set(key, { what, values: [value] });
    else known.values.push(value);
  }

  forget(): void {
    this.#rounds.clear();
  }

  rows(): readonly Row[] {
    return [...this.#rounds.values()].map(({ what, values }) => rowOf(what, values));
  }
}

async function measureEngine(where: Where): Promise<readonly Row[]> {
  await using stack = new AsyncDisposableStack();
  const subjects = CONTENDERS[where.engine];
  const clients = new Map<Subject, Pinned>();
  for (const subject of subjects) {
    const args = [JSON.stringify(where), subject];
    const client = stack.use(startPinned(LOAD_CORE, new URL("client.ts", import.meta.url), args));
    await client.answer();
    clients.set(subject, client);
  }
  const measure = (subject: Subject, request: Request) => clients.get(subject)!.ask<Measured>(request);
  const figures = new Figures();
  let topics = 0;
  const newTopic = (): string => {
    topics += 1;
    return `bench-${topics}`;
  };
  const latency = async (subject: Subject, perSecond: number): Promise<void> => {
    const request = { do: "latency", topic: newTopic(), perSecond, seconds: RATE_SECONDS } as const;
    const { latencies } = await measure(subject, request);
    const what = { case: latencyCase(where.engine, perSecond), subject, better: "lower" } as const;
    figures.note({ ...what, metric: "p50, ms" }, quantile(latencies, 0.5));
    figures.note({ ...what, metric: "p99, ms" }, quantile(latencies, 0.99));
  };
  const besideBare = async (): Promise<void> => {
    const from = Date.now() + BESIDE_LEAD_MS;
    const within = [from, from + RATE_SECONDS * 1e3 + BESIDE_LEAD_MS] as const;
    const request = { do: "latency", perSecond: HIGHEST_RATE, seconds: RATE_SECONDS, within } as const;
    const what = { case: besideCase(where.engine), better: "lower" } as const;
    const p99Of = async (subject: Subject): Promise<number> => {
      const { latencies } = await measure(subject, { ...request, topic: newTopic() });
      const p99 = quantile(latencies, 0.99);
      figures.note({ ...what, subject, metric: "p99, ms" }, p99);
      return p99;
    };
    const [ours, bare] = await Promise.all([p99Of(PACKED), p99Of(BARE[where.engine])]);
    figures.note({ ...what, subject: PACKED, metric: BEYOND }, ours - bare);
  };
  const throughput = async (name: string, task: Task, subject: Subject, topic: string): Promise<void> => {
    const { events, seconds, cpuSeconds } = await measure(subject, { ...task, topic });
    const what = { case: `${where.engine}: ${name}`, subject, better: "higher" } as const;
    figures.note({ ...what, metric: "events/s" }, events / seconds);
    figures.note({ ...what, metric: PER_CORE }, events / cpuSeconds);
  };
  const measureThroughput = async (subject: Subject): Promise<void> => {
    const topic = newTopic();
    for (const [name, task] of THROUGHPUT) {
      if (task.do !== "work" || OURS.includes(subject)) await throughput(name, task, subject, topic);
    }
    if (subject !== UNPACKED) return;
    for (const reader of subjects.filter((other) => !OURS.includes(other))) {
      await throughput("read of records with attributes", { do: "read", events: EVENTS }, reader, topic);
    }
  };
  // The first round is for the compilers of both sides.
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const subject of subjects) await measureThroughput(subject);
    if (round === 0) figures.forget();
  }
  const throughputs = figures.rows();
  figures.forget();
  for (let round = 0; round < WARM_ROUNDS; round += 1)
    for (const subject of subjects) await latency(subject, HIGHEST_RATE);
  figures.forget();
  for (let round = 0; round < LATENCY_ROUNDS; round += 1) {
    for (const perSecond of RATES) for (const subject of subjects) await latency(subject, perSecond);
  }
  for (let round = 0; round < BESIDE_ROUNDS; round += 1) await besideBare();
  return [...throughputs, ...figures.rows()];
}
