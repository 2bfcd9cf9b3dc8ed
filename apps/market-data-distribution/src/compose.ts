/** The only file that names the broker, the stores and the upstream of this service. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { createEmbeddedBroker } from "@distribution/broker-embedded";
import {
  createDistributionService,
  type DistributionService,
  type Domain,
  type DomainParts,
  secretOf,
} from "@distribution/core";
import { packEvents } from "@distribution/core/events";
import { createLogger } from "@distribution/core/observability";
import { createFileCheckpoints, followLog } from "@distribution/core/tail";
import type { MarketDataConfig } from "./config.ts";
import { createMarketDataRouter, marketDataOpenApi } from "./domain/endpoints.ts";
import { createReadModels } from "./domain/read-models.ts";
import { MARKET_DATA_TOPICS, TOPICS } from "./domain/topics.ts";
import { createSimulator } from "./simulator.ts";

const SERVICE = {
  name: "market-data",
  version: "0.1.0",
  description:
    "Normalized trades, quotes, order books and bars, distributed to everybody who needs them, each in their own way.",
};

const NS_PER_MINUTE = 60_000_000_000n;

/** Resolves when the service is ready. */
export async function startMarketData(config: MarketDataConfig): Promise<DistributionService> {
  mkdirSync(config.DATA_DIR, { recursive: true });
  const logger = createLogger(SERVICE.name, config.LOG_LEVEL);
  const broker = await createEmbeddedBroker({ directory: join(config.DATA_DIR, "broker"), logger });
  try {
    const service = await createDistributionService({
      service: SERVICE,
      topics: MARKET_DATA_TOPICS,
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
      secret: secretOf(join(config.DATA_DIR, "secret")),
      checkpoints: createFileCheckpoints(join(config.DATA_DIR, "tables")),
      domain: (parts) => createDomain(config, { ...parts, broker }),
    });
    return { ...service, stop: () => service.stop().finally(() => broker.close()) };
  } catch (failure) {
    await broker.close();
    throw failure;
  }
}

async function createDomain(
  config: MarketDataConfig,
  { broker, tail, queries, ingest, runtime, logger }: DomainParts & Pick<Parameters<typeof followLog>[0], "broker">,
): Promise<Domain> {
  const models = createReadModels();
  const rebuilding = followLog({
    broker,
    tail,
    queries,
    topics: [TOPICS.quotes, TOPICS.trades, TOPICS.books, TOPICS.bars],
    from: { time: runtime.clock.wallNs() - BigInt(Math.round(config.REBUILD_MINUTES)) * NS_PER_MINUTE },
    apply: models.apply,
    onLost: () => models.reset(),
  });
  await rebuilding;
  const endpoints = { router: createMarketDataRouter(models), openApi: marketDataOpenApi(models) };
  if (config.FEED === "none") return endpoints;

  const identity = { subject: "feed:recorded", attributes: {} };
  const feed = createSimulator({
    runtime,
    speed: config.FEED_SPEED,
    repeat: config.FEED_REPEAT,
    publish: (topic, events) => ingest.publish(topic, packEvents(events), identity),
  });
  return {
    ...endpoints,
    start() {
      feed.start();
      feed.done.catch((failure: unknown) => logger.error({ err: failure }, "The recorded feed ended."));
    },
    stop: () => feed.stop(),
  };
}
