/** `server.ts <contender as JSON>`: publishes in process, and answers what the way of the events cost this process. */
import { mkdtempSync, rmSync } from "node:fs";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join as joinPath } from "node:path";
import type { PackedBatch } from "@distribution/core/events";
import { ANONYMOUS } from "@distribution/core/security";
import { openRaw } from "../append.ts";
import { joinOurs } from "../fanout/protocols.ts";
import { join } from "../fanout/subscribers.ts";
import { startBenchService } from "../service/bench-service.ts";
import { catchSockets } from "../service/swallow.ts";
import { createFeed, TRADES, tradesTopic } from "../service/trades.ts";
import type { Contender, WayResult, WayRun } from "./contender.ts";
import { priceBands } from "./filters.ts";

const BATCH_EVENTS = 1_000;
const BATCHES = 20;
const UNDER_WAY = 4;
const PER_SESSION = 100;

interface Way extends AsyncDisposable {
  publish(batch: PackedBatch): Promise<unknown>;
  /** Resolves when all that was published is matched and handed to its subscribers. */
  settled(): Promise<void>;
  readonly delivered: number;
}

const contender = JSON.parse(process.argv[2] ?? "") as Contender;
const way = contender.kind === "raw" ? openRawWay() : await openServiceWay();
const feed = createFeed(contender.form, BATCH_EVENTS, BATCHES);

process.on("message", ({ ms }: WayRun) => {
  void run(ms).then((result) => process.send?.(result));
});
process.once("SIGTERM", () => {
  void way[Symbol.asyncDispose]().then(() => process.exit());
});
process.send?.("ready");

async function run(ms: number): Promise<WayResult> {
  const delivered = way.delivered;
  let events = 0;
  let cpuMicros = 0;
  let wallMs = 0;
  while (cpuMicros < ms * 1_000) {
    const batches = feed.next();
    const cpu = process.cpuUsage();
    const start = performance.now();
    for (let at = 0; at < batches.length; at += UNDER_WAY)
      await Promise.all(batches.slice(at, at + UNDER_WAY).map(way.publish));
    await way.settled();
    const { user, system } = process.cpuUsage(cpu);
    cpuMicros += user + system;
    wallMs += performance.now() - start;
    events += BATCH_EVENTS * batches.length;
  }
  return {
    events,
    cpuSeconds: cpuMicros / 1e6,
    seconds: wallMs / 1e3,
    delivered: way.delivered - delivered,
    eventBytes: feed.eventBytes,
  };
}

function openRawWay(): Way {
  const directory = mkdtempSync(joinPath(tmpdir(), "bench-way-"));
  const raw = openRaw(joinPath(directory, "raw"));
  return {
    publish: raw.append,
    settled: () => Promise.resolve(),
    delivered: 0,
    [Symbol.asyncDispose]: async () => {
      await raw.close();
      rmSync(directory, { recursive: true });
    },
  };
}

async function openServiceWay(): Promise<Way> {
  const sockets = catchSockets();
  const bench = await startBenchService({ topics: [tradesTopic(TRADES, { partitions: contender.partitions })] });
  const { ingest, tail } = bench.service;
  const filters = contender.filters === 0 ? [] : priceBands(contender.filters, contender.wanted);
  const clients: Socket[] = [];
  for (let first = 0; first < filters.length; first += PER_SESSION) {
    const wishes = filters.slice(first, first + PER_SESSION).map((filter) => ({ topics: [TRADES], filter }));
    clients.push(await join(bench.port, joinOurs("proto", wishes), () => undefined));
  }
  sockets.swallow();
  let published = 0;
  const head = (): number => tail.partitions(TRADES).reduce((sum, partition) => sum + partition.head.number, 0);
  return {
    publish: (batch) => {
      published += batch.count;
      return ingest.publish(TRADES, batch, ANONYMOUS);
    },
    settled: async () => {
      while (head() < published) await soon();
      // What matched is written in a turn of its own.
      await soon();
      await soon();
    },
    get delivered() {
      return bench.delivered;
    },
    [Symbol.asyncDispose]: () => {
      for (const client of clients) client.removeAllListeners("close").destroy();
      return bench[Symbol.asyncDispose]();
    },
  };
}

function soon(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
