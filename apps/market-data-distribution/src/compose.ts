/** The only file that names the brokers, the stores and the upstream of this service. */
import { embedded } from "@distribution/broker-embedded";
import { kafka } from "@distribution/broker-kafka/choice";
import { pulsar } from "@distribution/broker-pulsar/choice";
import {
  type DistributionService,
  type Domain,
  type DomainParts,
  startDomainService,
  type Upstream,
  type UpstreamParts,
} from "@distribution/core";
import { packEvents } from "@distribution/core/events";
import type { MarketDataConfig } from "./config.ts";
import { createMarketDataRouter, marketDataOpenApi } from "./domain/endpoints.ts";
import { createReadModels } from "./domain/read-models.ts";
import { MARKET_DATA_ROUTES } from "./domain/routes.ts";
import { govern } from "./domain/rules.ts";
import { MARKET_DATA_TOPICS } from "./domain/topics.ts";
import { createSimulator } from "./simulator.ts";

const SERVICE = {
  name: "market-data",
  version: "0.1.0",
  description:
    "Normalized trades, quotes, order books and bars, distributed to everybody who needs them, each in their own way.",
};

const MS_PER_MINUTE = 60_000;

/** By the names that MARKET_DATA_BROKER has for them; the first is the default. */
export const BROKERS = { embedded, kafka, pulsar };

/** Resolves when the service is ready. */
export const startMarketData = (config: MarketDataConfig): Promise<DistributionService> =>
  startDomainService({
    service: SERVICE,
    config,
    brokers: BROKERS,
    topics: MARKET_DATA_TOPICS,
    routes: MARKET_DATA_ROUTES,
    rebuildMs: config.REBUILD_MINUTES * MS_PER_MINUTE,
    domain: createDomain,
    upstream: (parts) => startFeed(config, parts),
  });

function createDomain({ ingest }: DomainParts): Domain {
  const models = createReadModels();
  govern(ingest);
  return {
    projections: Object.values(models),
    router: createMarketDataRouter(models),
    openApi: marketDataOpenApi(models),
  };
}

function startFeed(config: MarketDataConfig, { ingest, runtime, logger }: UpstreamParts): Upstream | undefined {
  if (config.FEED === "none") return undefined;
  const identity = { subject: "feed:recorded", attributes: {} };
  const feed = createSimulator({
    runtime,
    speed: config.FEED_SPEED,
    repeat: config.FEED_REPEAT,
    publish: (topic, events) => ingest.publish(topic, packEvents(events), identity),
  });
  feed.start();
  feed.done.catch((failure: unknown) => logger.error({ err: failure }, "The recorded feed ended."));
  return feed;
}
