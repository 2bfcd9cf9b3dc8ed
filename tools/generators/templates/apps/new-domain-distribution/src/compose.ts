/** The only file that names the broker, the stores and the upstream of this service. */
import { join } from "node:path";
import { createEmbeddedBroker } from "@distribution/broker-embedded";
import {
  createDistributionService,
  type DistributionService,
  type Domain,
  type DomainParts,
  openDataFolder,
  secretOf,
} from "@distribution/core";
import { packEvents } from "@distribution/core/events";
import { createLogger } from "@distribution/core/observability";
import { createCheckpointFiles } from "@distribution/core/projections";
import { createFileCheckpoints } from "@distribution/core/tail";
import type { NewDomainConfig } from "./config.ts";
import { createNewDomainRouter, newDomainOpenApi } from "./domain/endpoints.ts";
import { createReadModels, ruleOf } from "./domain/read-models.ts";
import { NEW_DOMAIN_ROUTES } from "./domain/routes.ts";
import { NEW_DOMAIN_TOPICS } from "./domain/topics.ts";
import { createSimulator } from "./simulator.ts";

const SERVICE = {
  name: "new-domain",
  version: "0.1.0",
  description: "What happens in the domain new-domain, distributed to everybody who needs it, each in their own way.",
};

/** Resolves when the service is ready. */
export async function startNewDomain(config: NewDomainConfig): Promise<DistributionService> {
  const folder = openDataFolder("NEW_DOMAIN_DATA_DIR", config.DATA_DIR);
  const logger = createLogger(SERVICE.name, config.LOG_LEVEL);
  const broker = await createEmbeddedBroker({ directory: join(folder, "broker"), logger });
  try {
    const service = await createDistributionService({
      service: SERVICE,
      topics: NEW_DOMAIN_TOPICS,
      routes: NEW_DOMAIN_ROUTES,
      broker,
      logger,
      listen: {
        host: config.HOST,
        port: config.PORT,
        grpcPort: config.GRPC_PORT,
        adminPort: config.ADMIN_PORT,
        origins: config.ORIGINS,
        hosts: config.HOSTS,
      },
      secret: secretOf(join(folder, "secret")),
      checkpoints: createFileCheckpoints(join(folder, "tables")),
      projections: { files: createCheckpointFiles(join(folder, "projections")) },
      domain: (parts) => createDomain(config, parts),
    });
    return { ...service, stop: () => service.stop().finally(() => broker.close()) };
  } catch (failure) {
    await broker.close();
    throw failure;
  }
}

function createDomain(config: NewDomainConfig, { ingest, runtime, logger }: DomainParts): Domain {
  const models = createReadModels();
  ingest.govern(ruleOf(models));
  const reads = {
    projections: Object.values(models),
    router: createNewDomainRouter(models),
    openApi: newDomainOpenApi(models),
  };
  if (config.FEED === "none") return reads;

  const identity = { subject: "feed:simulated", attributes: {} };
  const feed = createSimulator({
    ...{ runtime, logger, intervalMs: config.FEED_INTERVAL_MS },
    publish: (topic, event) => ingest.publish(topic, packEvents([event]), identity),
  });
  return { ...reads, start: () => feed.start(), stop: () => feed.stop() };
}
