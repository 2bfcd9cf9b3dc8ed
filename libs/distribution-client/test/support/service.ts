/** A real service with a real broker in a folder of its own, which can be stopped and started again on the same port. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createEmbeddedBroker } from "@distribution/broker-embedded";
import { createDistributionService, type DistributionService, type TopicDefinition } from "@distribution/core";
import type { Guard } from "@distribution/core/security";
import { messageOf } from "@distribution/proto-types/descriptors";
import { EventClass } from "@distribution/proto-types/distribution/v1/event";
import { type NormalizedMarketDataEvent, Side } from "@distribution/proto-types/market_data/v1/market_data";

const common = { retention: { ms: 3_600_000 }, compaction: false, eventTypes: [], ringBytes: 1 << 20 };
export const QUOTES = "test.quotes";
export const NOTES = "test.notes";
export const TRADES = "test.trades";

const TOPICS: readonly TopicDefinition[] = [
  { ...common, name: QUOTES, description: "JSON of any shape.", partitions: 2, table: { keys: 1000, bytes: 1 << 20 } },
  { ...common, name: NOTES, description: "JSON, one partition, no table.", partitions: 1 },
  {
    ...common,
    name: TRADES,
    description: "Protobuf.",
    partitions: 1,
    message: messageOf("market_data.v1.NormalizedMarketDataEvent"),
    eventTypes: [{ type: "trade.v1", class: EventClass.TRADE, description: "A trade.", key: "instrument" }],
  },
];

const quiet = { debug() {}, info() {}, warn() {}, error() {} };

export interface TestService extends AsyncDisposable {
  readonly url: string;
  /** As if the process went down and came back with what it has on disk. `notes`: with so many partitions of NOTES. */
  restart(notes?: number): Promise<void>;
  stop(): Promise<void>;
  start(): Promise<void>;
  /** Events with JSON data `{ n }`, ids `prefix-n`, all of one key unless `keyOf` says otherwise. */
  publish(topic: string, from: number, count: number, keyOf?: (n: number) => string): Promise<void>;
}

export interface TestServiceOptions {
  readonly heartbeatMs?: number;
  readonly guard?: Guard;
  readonly reconnectWithinMs?: number;
}

export async function startService(options: TestServiceOptions = {}): Promise<TestService> {
  const { heartbeatMs = 15_000, guard, reconnectWithinMs = 100 } = options;
  const directory = await mkdtemp(join(tmpdir(), "distribution-client-"));
  let port = 0;
  let running: { service: DistributionService; close(): Promise<void> } | undefined;

  const start = async (notes = 1): Promise<void> => {
    const broker = await createEmbeddedBroker({ directory: join(directory, "broker") });
    const service = await createDistributionService({
      service: { name: "test", version: "0.0.0", description: "A service for tests." },
      topics: TOPICS.map((topic) => (topic.name === NOTES ? { ...topic, partitions: notes } : topic)),
      broker,
      logger: quiet,
      secret: Buffer.alloc(32, 7),
      listen: { host: "127.0.0.1", port, grpcPort: 0, adminPort: 0, origins: [] },
      sessionLimits: { heartbeatMs },
      reconnectWithinMs,
      ...(guard && { guard }),
    });
    port = service.ports.public;
    running = {
      service,
      close: async () => {
        await service.stop();
        await broker.close();
      },
    };
  };
  const stop = async (): Promise<void> => {
    const was = running;
    running = undefined;
    await was?.close();
  };
  await start();

  return {
    get url() {
      return `http://127.0.0.1:${port}`;
    },
    start: () => start(),
    stop,
    async restart(notes) {
      await stop();
      await start(notes);
    },
    async publish(topic, from, count, keyOf = () => "k") {
      const events = Array.from({ length: count }, (_, index) => ({
        specversion: "1.0",
        id: `${topic}-${from + index}`,
        source: "/test",
        type: "test.v1",
        partitionkey: keyOf(from + index),
        data: { n: from + index },
      }));
      const response = await fetch(`http://127.0.0.1:${port}/api/v1/topics/${topic}/events`, {
        method: "POST",
        headers: { "content-type": "application/cloudevents-batch+json" },
        body: JSON.stringify(events),
      });
      if (!response.ok) throw new Error(await response.text());
    },
    async [Symbol.asyncDispose]() {
      await stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

export const trade = (price: string): NormalizedMarketDataEvent => ({
  venue: "test",
  symbol: "BTC-USD",
  instrument: "test:BTC-USD",
  exchangeTime: 1n,
  receivedTime: 2n,
  payload: { $case: "trade", value: { price, size: "1", aggressor: Side.BUY, tradeId: "1", lastKnown: false } },
});
