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
import type { ExecutionConfig } from "./config.ts";
import { createExecutionRouter, executionOpenApi } from "./domain/endpoints.ts";
import { createReadModels } from "./domain/read-models.ts";
import { EXECUTION_ROUTES } from "./domain/routes.ts";
import { governTopics } from "./domain/rules.ts";
import { EXECUTION_TOPICS } from "./domain/topics.ts";
import { startFeed } from "./simulator.ts";

const SERVICE = {
  name: "execution",
  version: "0.1.0",
  description:
    "Orders, their fills, confirmations and alerts, distributed to everybody who needs them, each in their own way.",
};

/** Resolves when the service is ready. */
export async function startExecution(config: ExecutionConfig): Promise<DistributionService> {
  const folder = openDataFolder("EXECUTION_DATA_DIR", config.DATA_DIR);
  const logger = createLogger(SERVICE.name, config.LOG_LEVEL);
  const broker = await createEmbeddedBroker({ directory: join(folder, "broker"), logger });
  let service: DistributionService | undefined;
  try {
    service = await createDistributionService({
      service: SERVICE,
      topics: EXECUTION_TOPICS,
      routes: EXECUTION_ROUTES,
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
      // However long ago an order was sent, what may follow on it hangs on its first event: without a checkpoint, all is read.
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

function createDomain({ ingest, runtime }: DomainParts): Domain {
  const models = createReadModels();
  governTopics(ingest, models);
  const reads = { models, now: () => runtime.clock.wallNs() };
  return {
    projections: Object.values(models),
    router: createExecutionRouter(reads),
    openApi: executionOpenApi(reads),
  };
}
