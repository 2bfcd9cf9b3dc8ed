/** `server.ts ours|ws`: tells its memory, and publishes flows. Run with --expose-gc. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { ANONYMOUS } from "@distribution/core/security";
import { WebSocketServer } from "ws";
import { startBenchService } from "../service/bench-service.ts";
import { createFeed, TRADES, tradesTopic } from "../service/trades.ts";
import type { MemoryReading, MemoryRequest, ServerName } from "./case.ts";

const BATCH_EVENTS = 500;
const BATCHES = 20;

interface Server {
  readonly port: number;
  /** Resolves when so many readers have the whole round. */
  publish(round: ReturnType<ReturnType<typeof createFeed>["next"]>, readers: number): Promise<void>;
}

const SERVERS: Readonly<Record<ServerName, () => Promise<Server>>> = {
  ours: async () => {
    const bench = await startBenchService({
      topics: [tradesTopic(TRADES)],
      // Less than a flow, so that the newest part of the log does not count as the flow's.
      broker: { recentBytes: 4 * 1024 * 1024 },
    });
    process.once("SIGTERM", () => void bench[Symbol.asyncDispose]().then(() => process.exit()));
    return {
      port: bench.port,
      publish: async (round, readers) => {
        const goal = bench.delivered + round.length * BATCH_EVENTS * readers;
        for (const batch of round) await bench.service.ingest.publish(TRADES, batch, ANONYMOUS);
        while (bench.delivered < goal) await pause(1);
      },
    };
  },
  ws: async () => {
    const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
    await once(server, "listening");
    return {
      port: (server.address() as AddressInfo).port,
      publish: async (round) => {
        for (const { bytes } of round) {
          for (const client of server.clients) client.send(Buffer.from(bytes));
          await pause(1);
        }
      },
    };
  },
};

const server = await SERVERS[process.argv[2] as ServerName]();
const feed = createFeed("protobuf", BATCH_EVENTS, BATCHES);

process.on("message", (request: MemoryRequest) => {
  const work = request === "read" ? read() : flow(request.flow, request.readers);
  void work.then((answer) => process.send?.(answer));
});
process.send?.(server.port);

async function flow(bytes: number, readers: number): Promise<string> {
  for (let sent = 0; sent < bytes; sent += BATCH_EVENTS * BATCHES * feed.eventBytes) {
    await server.publish(feed.next(), readers);
  }
  return "flowed";
}

async function read(): Promise<MemoryReading> {
  // Finalizers of one collection let go of what the next one takes.
  for (let round = 0; round < 3; round += 1) {
    globalThis.gc?.();
    await pause(50);
  }
  const { heapUsed, external } = process.memoryUsage();
  const status = readFileSync("/proc/self/status", "utf8");
  const resident = Number(/^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
  return { heap: heapUsed, external, resident };
}
