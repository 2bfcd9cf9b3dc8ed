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
import type { CoordinationConfig } from "./config.ts";
import { coordinationOpenApi, createCoordinationRouter } from "./domain/endpoints.ts";
import { createReadModels } from "./domain/read-models.ts";
import { COORDINATION_ROUTES } from "./domain/routes.ts";
import { govern } from "./domain/rules.ts";
import { COORDINATION_TOPICS } from "./domain/topics.ts";
import { startFeed } from "./simulator.ts";

const SERVICE = {
  name: "coordination",
  version: "0.1.0",
  description:
    "Coordinated trading decisions, what policies say of them, and the conflicts between them, distributed to everybody who acts on them.",
};

/** Resolves when the service is ready. */
export async function startCoordination(config: CoordinationConfig): Promise<DistributionService> {
  const folder = openDataFolder("COORDINATION_DATA_DIR", config.DATA_DIR);
  const logger = createLogger(SERVICE.name, config.LOG_LEVEL);
  const broker = await createEmbeddedBroker({ directory: join(folder, "broker"), logger });
  let service: DistributionService | undefined;
  try {
    service = await createDistributionService({
      service: SERVICE,
      topics: COORDINATION_TOPICS,
      routes: COORDINATION_ROUTES,
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
      // Without a checkpoint from all of the log: a decision that is not known could not go on.
      projections: { files: createCheckpointFiles(join(folder, "projections")) },
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

function createDomain({ ingest }: DomainParts): Domain {
  const models = createReadModels();
  govern(ingest, models);
  return {
    projections: Object.values(models),
    router: createCoordinationRouter(models),
    openApi: coordinationOpenApi(models),
  };
}
