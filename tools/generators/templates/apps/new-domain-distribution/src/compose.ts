/** The only file that names the brokers, the stores and the upstream of this service. */
import { embedded } from "@distribution/broker-embedded";
import {
  type DistributionService,
  type Domain,
  type DomainParts,
  startDomainService,
  type Upstream,
  type UpstreamParts,
} from "@distribution/core";
import { packEvents } from "@distribution/core/events";
import type { NewDomainConfig } from "./config.ts";
import { createNewDomainRouter, newDomainOpenApi } from "./domain/endpoints.ts";
import { createReadModels, ruleOf } from "./domain/read-models.ts";
import { NEW_DOMAIN_ROUTES } from "./domain/routes.ts";
import { NEW_DOMAIN_TOPICS } from "./domain/topics.ts";
import { startSimulator } from "./simulator.ts";

const SERVICE = {
  name: "new-domain",
  version: "0.1.0",
  description: "What happens in the domain new-domain, distributed to everybody who needs it, each in their own way.",
};

/** By the names that NEW_DOMAIN_BROKER has for them; the first is the default. */
export const BROKERS = { embedded };

/** Resolves when the service is ready. */
export const startNewDomain = (config: NewDomainConfig): Promise<DistributionService> =>
  startDomainService({
    service: SERVICE,
    config,
    brokers: BROKERS,
    topics: NEW_DOMAIN_TOPICS,
    routes: NEW_DOMAIN_ROUTES,
    domain: createDomain,
    upstream: (parts) => startFeed(config, parts),
  });

function createDomain({ ingest }: DomainParts): Domain {
  const models = createReadModels();
  ingest.govern(ruleOf(models));
  return {
    projections: Object.values(models),
    router: createNewDomainRouter(models),
    openApi: newDomainOpenApi(models),
  };
}

function startFeed(config: NewDomainConfig, { ingest, runtime, logger }: UpstreamParts): Upstream | undefined {
  if (config.FEED === "none") return undefined;
  const identity = { subject: "feed:simulated", attributes: {} };
  return startSimulator({
    ...{ runtime, logger, intervalMs: config.FEED_INTERVAL_MS },
    publish: (topic, event) => ingest.publish(topic, packEvents([event]), identity),
  });
}
