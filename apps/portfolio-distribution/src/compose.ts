/** The only file that names the brokers, the stores and the upstream of this service. */
import { embedded } from "@distribution/broker-embedded";
import { kafka } from "@distribution/broker-kafka/choice";
import { pulsar } from "@distribution/broker-pulsar/choice";
import { type DistributionService, type Domain, type DomainParts, startDomainService } from "@distribution/core";
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

/** By the names that PORTFOLIO_BROKER has for them; the first is the default. */
export const BROKERS = { embedded, kafka, pulsar };

/** Resolves when the service is ready. */
export const startPortfolio = (config: PortfolioConfig): Promise<DistributionService> =>
  startDomainService({
    service: SERVICE,
    config,
    brokers: BROKERS,
    topics: PORTFOLIO_TOPICS,
    routes: PORTFOLIO_ROUTES,
    // However long ago a position was told of, what may follow hangs on it: without a checkpoint, all of the log is read.
    domain: createDomain,
    upstream: (parts) => startFeed({ config, ...parts }),
  });

function createDomain({ ingest }: DomainParts): Domain {
  const models = createReadModels();
  governTopics(ingest, models);
  return {
    projections: Object.values(models),
    router: createPortfolioRouter(models),
    openApi: portfolioOpenApi(models),
  };
}
