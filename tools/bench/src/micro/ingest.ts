/**
 * CPU time of ingest per event: `node tools/bench/src/micro/ingest.ts [seconds per row]`.
 *
 * Trades in protobuf, packed in batches, published one batch after the other with a few under way. `at once` is a broker
 * that acknowledges and keeps nothing, so that its row is ingest alone: read, validate, deduplicate, check the sequence,
 * route, partition, stamp. `embedded` adds the log. `copy` is the bare control: the same batches stamped and nothing else.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createEmbeddedBroker } from "@distribution/broker-embedded";
import type { Broker, PartitionWrite } from "@distribution/core/brokers";
import { BatchWriter, type PackedBatch, packEvents } from "@distribution/core/events";
import { createIngest } from "@distribution/core/ingest";
import { createMetrics } from "@distribution/core/observability";
import { createRouter } from "@distribution/core/routing";
import { systemRuntime } from "@distribution/core/runtime";
import { ANONYMOUS, createLoopbackGuard } from "@distribution/core/security";
import { createMatcher, parseFilter } from "@distribution/core/subscriptions";
import type { TopicDefinition } from "@distribution/core/topics";
import { messageOf } from "@distribution/proto-types/descriptors";
import { Event, EventClass } from "@distribution/proto-types/distribution/v1/event";
import { NormalizedMarketDataEvent, Side } from "@distribution/proto-types/market_data/v1/market_data";

const SECONDS = Number(process.argv[2] ?? 2);
const UNDER_WAY = 4;
const INSTRUMENTS = 500;
const ROUND_EVENTS = 20_000;

const topic = (partitions: number): TopicDefinition => ({
  name: "market-data.trades",
  description: "Trades",
  partitions,
  retention: { bytes: 512 * 1024 * 1024 },
  compaction: false,
  message: messageOf("market_data.v1.NormalizedMarketDataEvent"),
  eventTypes: [
    { type: "market-data.trade.v1", class: EventClass.TRADE, description: "A trade", key: "instrument, venue:symbol" },
  ],
  ringBytes: 1024 * 1024,
});

/** Sequences start here, so that all of them take the same number of bytes: four, seven bits each. */
const FIRST_SEQUENCE = 2 ** 21;
const SEQUENCE_BYTES = 4;

/**
 * Makes rounds of batches whose events no other batch has, as a feed would, by writing new ids and sequences into the
 * batches of the round before: encoding them anew would cost ten times what is measured, and garbage besides.
 */
function createFeed(size: number): () => readonly PackedBatch[] {
  const events = Array.from({ length: size }, (_, index) => trade(index, index % INSTRUMENTS, FIRST_SEQUENCE));
  const template = packEvents(events);
  const places = events.map(({ id }, index) => {
    const end = template.bounds[2 * index + 1]!;
    const idStart = Buffer.from(template.bytes).indexOf(id, template.bounds[2 * index]!, "latin1");
    // `sequence` is the last field of these events.
    return { idStart, sequenceStart: end - SEQUENCE_BYTES };
  });
  const sequences = new Uint32Array(INSTRUMENTS).fill(FIRST_SEQUENCE);
  let made = 0;
  const round = Array.from({ length: Math.ceil(ROUND_EVENTS / size) }, () => Buffer.from(template.bytes));
  return () => {
    for (const bytes of round) {
      for (const [index, { idStart, sequenceStart }] of places.entries()) {
        made += 1;
        bytes.write(idOf(made), idStart, "latin1");
        let rest = sequences[index % INSTRUMENTS]!++;
        for (let at = 0; at < SEQUENCE_BYTES; at += 1) {
          bytes[sequenceStart + at] = (rest & 0x7f) | (at === SEQUENCE_BYTES - 1 ? 0 : 0x80);
          rest >>>= 7;
        }
      }
    }
    return round.map((bytes) => ({ bytes, count: size, bounds: template.bounds }));
  };
}

function idOf(number: number): string {
  return `t-${number.toString(36).padStart(12, "0")}`;
}

function trade(number: number, instrument: number, sequence: number): Event {
  const symbol = `SYM${instrument}-USD`;
  const now = BigInt(Date.now()) * 1_000_000n;
  const payload = NormalizedMarketDataEvent.encode(
    NormalizedMarketDataEvent.fromPartial({
      venue: "coinbase",
      symbol,
      instrument: `coinbase:${symbol}`,
      exchangeTime: now,
      receivedTime: now,
      payload: {
        $case: "trade",
        value: { price: `${60_000 + (number % 997)}.25`, size: "0.0125", aggressor: Side.BUY, tradeId: String(number) },
      },
    }),
  ).finish();
  return Event.fromPartial({
    id: idOf(number),
    source: "/feeds/coinbase/eu-west-1",
    type: "market-data.trade.v1",
    key: `coinbase:${symbol}`,
    class: EventClass.TRADE,
    time: now,
    contentType: "application/protobuf",
    data: Buffer.from(payload),
    sequence: BigInt(sequence),
  });
}

/** Acknowledges at once and keeps nothing. */
function createAtOnceBroker(): Broker {
  let next = 0;
  const refuse = (): never => {
    throw new Error("Not part of this benchmark.");
  };
  return {
    name: "at once",
    capabilities: {
      transactions: true,
      groups: false,
      individualAck: false,
      delayedRedelivery: false,
      keyShared: false,
      nativeDeduplication: false,
      exactTruncation: true,
      compaction: false,
      maxBatchBytes: 8 * 1024 * 1024,
    },
    admin: {
      ensureTopic: async () => {},
      topics: async () => [],
      partitions: async () => [],
      lag: async () => [],
      truncate: async () => {},
      deleteTopic: async () => {},
      maintain: async () => {},
    },
    append: async (writes: readonly PartitionWrite[]) =>
      writes.map(({ batch }) => {
        const base = next;
        next += batch.count;
        return { epoch: "1", offsetAt: (index: number) => String(base + index) };
      }),
    read: refuse,
    group: refuse,
    compareOffsets: (a, b) => Number(a) - Number(b),
    health: () => ({ ready: true, reasons: [] }),
    close: async () => {},
  };
}

interface Row {
  readonly events: number;
  readonly cpuMs: number;
}

/** Runs for `SECONDS` of CPU time after a warm-up of a third of it: wall time says little on a machine that is shared. */
async function measure(size: number, publish: (batch: PackedBatch) => Promise<unknown>): Promise<Row> {
  const feed = createFeed(size);
  const warmUpMs = (SECONDS * 1000) / 3;
  let warmedMs = 0;
  let events = 0;
  let cpuMs = 0;
  while (cpuMs < SECONDS * 1000) {
    const batches = feed();
    const before = process.cpuUsage();
    for (let at = 0; at < batches.length; at += UNDER_WAY) {
      await Promise.all(batches.slice(at, at + UNDER_WAY).map(publish));
    }
    const { user, system } = process.cpuUsage(before);
    if (warmedMs < warmUpMs) {
      warmedMs += (user + system) / 1000;
      continue;
    }
    cpuMs += (user + system) / 1000;
    events += size * batches.length;
  }
  return { events, cpuMs };
}

async function measureIngest(broker: Broker, size: number, partitions: number): Promise<Row> {
  const metrics = createMetrics();
  const topics = [topic(partitions)];
  await broker.admin.ensureTopic(topics[0]!);
  const router = createRouter({ topics, parseFilter, createMatcher, metrics });
  const ingest = createIngest({
    broker,
    topics,
    router,
    runtime: systemRuntime,
    metrics,
    guard: createLoopbackGuard(),
  });
  await ingest.restore();
  return measure(size, (batch) => ingest.publish("market-data.trades", batch, ANONYMOUS));
}

function measureCopy(size: number): Promise<Row> {
  return measure(size, async ({ bytes, bounds, count }) => {
    const writer = new BatchWriter({ initialBytes: bytes.length + 16 * count });
    const now = systemRuntime.clock.wallNs();
    for (let index = 0; index < count; index += 1)
      writer.append(bytes, bounds[2 * index]!, bounds[2 * index + 1]!, now, false);
    return writer.finish();
  });
}

function print(name: string, size: number, partitions: number, { events, cpuMs }: Row): void {
  const micros = (cpuMs * 1000) / events;
  console.log(
    [
      name.padEnd(10),
      `${size} a batch`.padStart(13),
      `${partitions} partition${partitions > 1 ? "s" : ""}`.padStart(13),
      `${micros.toFixed(3)} µs CPU an event`.padStart(24),
      `${Math.round(1000 / micros)} K events/s a core`.padStart(24),
    ].join(""),
  );
}

for (const size of [1000, 100, 1]) {
  print("copy", size, 1, await measureCopy(size));
  for (const partitions of [1, 8]) {
    print("at once", size, partitions, await measureIngest(createAtOnceBroker(), size, partitions));
    const directory = mkdtempSync(join(tmpdir(), "ingest-bench-"));
    const broker = await createEmbeddedBroker({ directory });
    print("embedded", size, partitions, await measureIngest(broker, size, partitions));
    await broker.close();
    rmSync(directory, { recursive: true });
  }
}
