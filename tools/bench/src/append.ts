/**
 * The embedded broker's log against its own floor: durable appends of packed batches, and lmdb itself storing the same
 * values with the same durability from the same number of callers; then reading the log from its beginning.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createEmbeddedBroker } from "@distribution/broker-embedded";
import type { Broker } from "@distribution/core/brokers";
import type { PackedBatch } from "@distribution/core/events";
import { open } from "lmdb";
import { renderTable } from "./harness/report.ts";
import type { Bench, Row } from "./harness/row.ts";
import { interleaved, rowOf } from "./harness/statistics.ts";

const EVENT_BYTES = 200;
const BATCHES = [1, 10, 100, 1000] as const;
const CALLERS = [1, 16] as const;
const ROUNDS = 5;
const ROUND_MS = 400;
const TOPIC = "bench.append";
const READ_BYTES = 1 << 20;

/** Stores one batch durably. */
export interface Contender {
  readonly subject: string;
  append(batch: PackedBatch): Promise<unknown>;
  close(): Promise<void>;
}

interface Measured {
  readonly events: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
}

export const benchAppend: Bench = {
  name: "append",
  about: `durable appends of events of ${EVENT_BYTES} B to one partition, each answered after fdatasync; ${ROUNDS} rounds of ${ROUND_MS} ms`,
  run: runAppend,
};

async function runAppend(): Promise<readonly Row[]> {
  const directory = mkdtempSync(join(tmpdir(), "bench-append-"));
  const broker = await createEmbeddedBroker({ directory: join(directory, "broker") });
  const contenders: readonly Contender[] = [
    {
      subject: "embedded broker",
      append: (batch) => broker.append([{ topic: TOPIC, partition: 0, batch }]),
      close: () => broker.close(),
    },
    openRaw(join(directory, "raw")),
  ];
  try {
    await broker.admin.ensureTopic({ name: TOPIC, partitions: 1, retention: {}, compaction: false });
    const rows: Row[] = [];
    for (const callers of CALLERS) {
      for (const events of BATCHES) rows.push(...(await compare(contenders, events, callers)));
    }
    return [...rows, ...(await replay(broker))];
  } finally {
    for (const contender of contenders) await contender.close();
    rmSync(directory, { recursive: true });
  }
}

async function compare(contenders: readonly Contender[], events: number, callers: number): Promise<Row[]> {
  const batch = packedBatch(events);
  const cpu = new Map(contenders.map((contender): [Contender, number[]] => [contender, []]));
  const rates = await interleaved(ROUNDS, contenders, async (contender) => {
    const measured = await measure(() => appendFor(ROUND_MS, contender, batch, callers));
    cpu.get(contender)!.push((measured.cpuSeconds / measured.events) * 1e6);
    return measured.events / measured.seconds;
  });
  const what = `batches of ${events}, ${callers} at a time`;
  return contenders.flatMap((contender) => [
    rowOf({ case: what, subject: contender.subject, metric: "events/s", better: "higher" }, rates.get(contender)!),
    rowOf({ case: what, subject: contender.subject, metric: "µs CPU/event", better: "lower" }, cpu.get(contender)!),
  ]);
}

/** Callers append one after another, each for itself, until the time is over. The events appended. */
async function appendFor(ms: number, { append }: Contender, batch: PackedBatch, callers: number): Promise<number> {
  const end = performance.now() + ms;
  let events = 0;
  const caller = async (): Promise<void> => {
    while (performance.now() < end) {
      await append(batch);
      events += batch.count;
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  return events;
}

/** The whole log, from its beginning to its end, once a round. */
async function replay(broker: Broker): Promise<Row[]> {
  const { end } = (await broker.admin.partitions(TOPIC))[0]!;
  const rates: number[] = [];
  const cpu: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const measured = await measure(() => readTo(broker, end));
    rates.push(measured.events / measured.seconds);
    cpu.push((measured.cpuSeconds / measured.events) * 1e6);
  }
  const what = { case: "read the log from its beginning", subject: "embedded broker" };
  return [
    rowOf({ ...what, metric: "events/s", better: "higher" }, rates),
    rowOf({ ...what, metric: "µs CPU/event", better: "lower" }, cpu),
  ];
}

async function readTo(broker: Broker, end: string): Promise<number> {
  const reader = await broker.read(TOPIC, 0, { at: "earliest" });
  let { offset } = reader.start;
  let events = 0;
  while (offset !== end) {
    for (const stored of await reader.next(READ_BYTES)) {
      events += stored.batch.count;
      offset = stored.offsetAt(stored.batch.count - 1);
    }
  }
  await reader.close();
  return events;
}

async function measure(work: () => Promise<number>): Promise<Measured> {
  const cpu = process.cpuUsage();
  const start = performance.now();
  const events = await work();
  const { user, system } = process.cpuUsage(cpu);
  return { events, seconds: (performance.now() - start) / 1000, cpuSeconds: (user + system) / 1e6 };
}

/** lmdb as the broker opens it, with nothing around it. */
export function openRaw(path: string): Contender {
  const environment = open({
    ...{ path, noSubdir: false, maxDbs: 8, mapSize: 2 ** 38 },
    ...{ overlappingSync: false, noMemInit: true, eventTurnBatching: false },
  });
  const log = environment.openDB<Uint8Array, Uint8Array>({ name: "log", keyEncoding: "binary", encoding: "binary" });
  const key = Buffer.alloc(34);
  let next = 0;
  return {
    subject: "raw lmdb",
    append: ({ bytes }) => {
      key.writeUIntBE(next, 4, 6);
      next += 1;
      return log.batch(() => void log.put(key, bytes));
    },
    close: () => environment.close(),
  };
}

/** Messages of exactly this size: a key, then data. */
function packedBatch(events: number): PackedBatch {
  const message = Buffer.alloc(EVENT_BYTES, 1);
  message.set([0x32, 6, ...Buffer.from("XBTUSD"), 0x4a, 0xbd, 0x01]);
  const framed = Buffer.concat([Buffer.of(0x0a, 0xc8, 0x01), message]);
  const bytes = Buffer.concat(Array.from({ length: events }, () => framed));
  const bounds = new Uint32Array(2 * events);
  for (let event = 0; event < events; event += 1) {
    bounds[2 * event] = event * framed.length + 3;
    bounds[2 * event + 1] = (event + 1) * framed.length;
  }
  return { bytes, count: events, bounds };
}

if (import.meta.main) console.log(renderTable(await benchAppend.run()));
