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
import type { PortfolioConfig } from "./config.ts";
import { createPortfolioRouter, portfolioOpenApi } from "./domain/endpoints.ts";
import { governTopics } from "./domain/govern.ts";
import { createReadModels } from "./domain/read-models.ts";
import { PORTFOLIO_ROUTES } from "./domain/routes.ts";
import { PORTFOLIO_TOPICS } from "./domain/topics.ts";
import { startFeed } from "./simulator.ts";

const SERVICE = {
  name: "portfolio",
  version: "0.1.0",
  description:
    "What portfolios are worth, hold, earn and risk, distributed to everybody who needs it, each in their own way.",
};

/** Resolves when the service is ready. */
export async function startPortfolio(config: PortfolioConfig): Promise<DistributionService> {
  const folder = openDataFolder("PORTFOLIO_DATA_DIR", config.DATA_DIR);
  const logger = createLogger(SERVICE.name, config.LOG_LEVEL);
  const broker = await createEmbeddedBroker({ directory: join(folder, "broker"), logger });
  let service: DistributionService | undefined;
  try {
    service = await createDistributionService({
      service: SERVICE,
      topics: PORTFOLIO_TOPICS,
      routes: PORTFOLIO_ROUTES,
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
      // However long ago a position was told of, what may follow hangs on it: without a checkpoint, all of the log is read.
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
  governTopics(ingest, models);
  return {
    projections: Object.values(models),
    router: createPortfolioRouter(models),
    openApi: portfolioOpenApi(models),
  };
}
