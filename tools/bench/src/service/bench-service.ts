/** The platform whole, as an app composes it, on a log in a folder that goes with it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createEmbeddedBroker, type EmbeddedBrokerOptions } from "@distribution/broker-embedded";
import { createDistributionService, type DistributionService } from "@distribution/core";
import { createLogger } from "@distribution/core/observability";
import { tuneHeap } from "@distribution/core/runtime";
import type { TopicDefinition } from "@distribution/core/topics";

const MIB = 1024 * 1024;

export interface BenchService extends AsyncDisposable {
  readonly service: DistributionService;
  /** Of WebSocket connections, on loopback. */
  readonly port: number;
  /** Events handed to WebSocket sessions since the start. */
  readonly delivered: number;
}

export interface BenchServiceOptions {
  readonly topics: readonly TopicDefinition[];
  readonly broker?: Omit<EmbeddedBrokerOptions, "directory">;
}

export const SERVICE_NAME = "bench-distribution";

export async function startBenchService(options: BenchServiceOptions): Promise<BenchService> {
  // As `runService` does.
  tuneHeap();
  const directory = mkdtempSync(join(tmpdir(), "bench-service-"));
  const broker = await createEmbeddedBroker({ directory, ...options.broker });
  const service = await createDistributionService({
    service: { name: SERVICE_NAME, version: "0.0.0", description: "The service under the benches." },
    topics: options.topics,
    broker,
    listen: { port: 0, grpcPort: 0, adminPort: 0 },
    secret: Buffer.alloc(32, "bench"),
    logger: createLogger(SERVICE_NAME, "warn"),
    // The subscribers here never say anything: a heartbeat would end them. And a publisher that waits for nobody has thousands
    // of answers coming at once when the disk was slow.
    sessionLimits: { heartbeatMs: 3_600_000, maxWaitingBytes: 256 * 1024 * 1024 },
  });
  const delivered = service.metrics.counter("distribution_delivered_events_total", { wire: "websocket" });
  return {
    service,
    port: service.ports.public,
    get delivered() {
      return delivered.value;
    },
    [Symbol.asyncDispose]: async () => {
      await service.stop();
      await broker.close();
      rmSync(directory, { recursive: true });
    },
  };
}

/** A topic of JSON of any shape, with room for what benches publish. */
export function benchTopic(name: string, more: Partial<TopicDefinition> = {}): TopicDefinition {
  return {
    name,
    description: "Events of a bench.",
    partitions: 1,
    retention: { bytes: 256 * MIB },
    compaction: false,
    eventTypes: [],
    ringBytes: 16 * MIB,
    ...more,
  };
}
