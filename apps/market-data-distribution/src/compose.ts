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
import type { MarketDataConfig } from "./config.ts";
import { createMarketDataRouter, marketDataOpenApi } from "./domain/endpoints.ts";
import { createReadModels } from "./domain/read-models.ts";
import { MARKET_DATA_ROUTES } from "./domain/routes.ts";
import { MARKET_DATA_TOPICS } from "./domain/topics.ts";
import { createSimulator } from "./simulator.ts";

const SERVICE = {
  name: "market-data",
  version: "0.1.0",
  description:
    "Normalized trades, quotes, order books and bars, distributed to everybody who needs them, each in their own way.",
};

const MS_PER_MINUTE = 60_000;

/** Resolves when the service is ready. */
export async function startMarketData(config: MarketDataConfig): Promise<DistributionService> {
  const folder = openDataFolder("MARKET_DATA_DATA_DIR", config.DATA_DIR);
  const logger = createLogger(SERVICE.name, config.LOG_LEVEL);
  const broker = await createEmbeddedBroker({ directory: join(folder, "broker"), logger });
  try {
    const service = await createDistributionService({
      service: SERVICE,
      topics: MARKET_DATA_TOPICS,
      routes: MARKET_DATA_ROUTES,
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
      domain: (parts) => createDomain(config, parts),
    });
    return { ...service, stop: () => service.stop().finally(() => broker.close()) };
  } catch (failure) {
    await broker.close();
    throw failure;
  }
}

function createDomain(config: MarketDataConfig, { ingest, runtime, logger }: DomainParts): Domain {
  const models = createReadModels();
  const reads = {
    projections: Object.values(models),
    router: createMarketDataRouter(models),
    openApi: marketDataOpenApi(models),
  };
  if (config.FEED === "none") return reads;

  const identity = { subject: "feed:recorded", attributes: {} };
  const feed = createSimulator({
    runtime,
    speed: config.FEED_SPEED,
    repeat: config.FEED_REPEAT,
    publish: (topic, events) => ingest.publish(topic, packEvents(events), identity),
  });
  return {
    ...reads,
    start() {
      feed.start();
      feed.done.catch((failure: unknown) => logger.error({ err: failure }, "The recorded feed ended."));
    },
    stop: () => feed.stop(),
  };
}
