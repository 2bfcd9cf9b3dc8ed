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
import { createLogger } from "@distribution/core/observability";
import { createCheckpointFiles } from "@distribution/core/projections";
import { createFileCheckpoints } from "@distribution/core/tail";
import type { IntelligenceConfig } from "./config.ts";
import { admissionRules } from "./domain/admission.ts";
import { createIntelligenceRouter, intelligenceOpenApi } from "./domain/endpoints.ts";
import { createReadModels } from "./domain/read-models.ts";
import { INTELLIGENCE_ROUTES } from "./domain/routes.ts";
import { INTELLIGENCE_TOPICS } from "./domain/topics.ts";
import { startFeed } from "./simulator.ts";

const SERVICE = {
  name: "intelligence",
  version: "0.1.0",
  description:
    "Signals, news, sentiment and what was concluded from them, distributed to those they are meant for and whoever wants them.",
};

const MS_PER_MINUTE = 60_000;

/** Resolves when the service is ready. */
export async function startIntelligence(config: IntelligenceConfig): Promise<DistributionService> {
  const folder = openDataFolder("INTELLIGENCE_DATA_DIR", config.DATA_DIR);
  const logger = createLogger(SERVICE.name, config.LOG_LEVEL);
  const broker = await createEmbeddedBroker({ directory: join(folder, "broker"), logger });
  let service: DistributionService | undefined;
  try {
    service = await createDistributionService({
      service: SERVICE,
      topics: INTELLIGENCE_TOPICS,
      routes: INTELLIGENCE_ROUTES,
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
      projections: {
        files: createCheckpointFiles(join(folder, "projections")),
        rebuildMs: config.REBUILD_MINUTES * MS_PER_MINUTE,
      },
      domain: createDomain,
    });
    const upstream = startFeed({ config, port: service.ports.public, folder, logger });
    const stop = async (): Promise<void> => {
      await upstream?.stop();
      await service?.stop();
    };
    return { ...service, stop: () => stop().finally(() => broker.close()) };
  } catch (failure) {
    await service?.stop();
    await broker.close();
    throw failure;
  }
}

function createDomain({ ingest, runtime }: DomainParts): Domain {
  const models = createReadModels();
  for (const rule of admissionRules(models.findings)) ingest.govern(rule);
  const endpoints = { models, clock: runtime.clock };
  return {
    projections: Object.values(models),
    router: createIntelligenceRouter(endpoints),
    openApi: intelligenceOpenApi(endpoints),
  };
}
