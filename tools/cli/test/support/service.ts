/** A real service with a real broker in a folder of its own. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createEmbeddedBroker } from "@distribution/broker-embedded";
import { createDistributionService } from "@distribution/core";
import { messageOf } from "@distribution/proto-types/descriptors";
import { Event, EventBatch, EventClass } from "@distribution/proto-types/distribution/v1/event";
import { NormalizedMarketDataEvent, Side } from "@distribution/proto-types/market_data/v1/market_data";

const common = { retention: { ms: 3_600_000 }, compaction: false, ringBytes: 1 << 20 };
const table = { keys: 1000, bytes: 1 << 20 };
export const NOTES = "test.notes";
export const TRADES = "test.trades";

const quiet = { debug() {}, info() {}, warn() {}, error() {} };

export interface TestService extends AsyncDisposable {
  readonly url: string;
  /** A trade of the instrument at the price, as protobuf. */
  publishTrade(instrument: string, price: string): Promise<void>;
}

export async function startService(): Promise<TestService> {
  const directory = await mkdtemp(join(tmpdir(), "distribution-cli-"));
  const broker = await createEmbeddedBroker({ directory });
  const service = await createDistributionService({
    service: { name: "test", version: "0.0.0", description: "A service for tests." },
    topics: [
      { ...common, name: NOTES, description: "JSON.", partitions: 1, table, eventTypes: [] },
      {
        ...common,
        name: TRADES,
        description: "Protobuf.",
        partitions: 2,
        table,
        message: messageOf("market_data.v1.NormalizedMarketDataEvent"),
        eventTypes: [{ type: "trade.v1", class: EventClass.TRADE, description: "A trade.", key: "instrument" }],
      },
    ],
    broker,
    logger: quiet,
    secret: Buffer.alloc(32, 7),
    listen: { host: "127.0.0.1", port: 0, grpcPort: 0, adminPort: 0, origins: [] },
    reconnectWithinMs: 50,
  });
  const url = `http://127.0.0.1:${service.ports.public}`;
  let trades = 0;
  return {
    url,
    async publishTrade(instrument, price) {
      trades += 1;
      const data = NormalizedMarketDataEvent.encode({
        venue: "test",
        symbol: instrument,
        instrument,
        exchangeTime: 1n,
        receivedTime: 2n,
        payload: { $case: "trade", value: { price, size: "1", aggressor: Side.BUY, tradeId: "1", lastKnown: false } },
      }).finish();
      const event = Event.fromPartial({
        id: `trade-${trades}`,
        source: "/test",
        type: "trade.v1",
        key: instrument,
        time: 1_700_000_000_000_000_000n + BigInt(trades),
        contentType: "application/protobuf",
        data: Buffer.from(data),
      });
      const response = await fetch(`${url}/api/v1/topics/${TRADES}/events`, {
        method: "POST",
        headers: { "content-type": "application/protobuf" },
        body: EventBatch.encode({ events: [event] }).finish(),
      });
      if (!response.ok) throw new Error(await response.text());
    },
    async [Symbol.asyncDispose]() {
      await service.stop();
      await broker.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
