/** A service that takes plain records in, as the tests of ingress start it. */
import { createDistributionService, type DistributionService } from "@distribution/core";
import type { Broker } from "@distribution/core/brokers";
import { type IngressTopic, plainRecords } from "@distribution/core/ingress";
import { createLogger } from "@distribution/core/observability";
import type { Runtime } from "@distribution/core/runtime";

export const FILLS = {
  ...{ name: "test.fills", description: "Fills", partitions: 1, retention: {}, compaction: false },
  ...{ eventTypes: [], ringBytes: 1 << 20 },
};

const form = plainRecords({
  ...{ type: "test.fill.v1", source: "/oms", contentType: "application/json", id: "fill.id" },
});

/** `form`: by default JSON with the id at `fill.id`. */
export function startIngress(
  broker: Broker,
  ingress: Pick<IngressTopic, "from"> & Partial<IngressTopic>,
  runtime?: Runtime,
): Promise<DistributionService> {
  return createDistributionService({
    ...{ broker, topics: [FILLS], secret: new Uint8Array(32), logger: createLogger("test", "silent") },
    ingress: [{ into: FILLS.name, form, ...ingress }],
    service: { name: "test", version: "1.0.0", description: "Takes fills from Kafka." },
    listen: { port: 0, grpcPort: 0, adminPort: 0 },
    ...(runtime && { runtime }),
  });
}
