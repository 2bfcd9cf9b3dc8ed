/** The only file that names the brokers, the stores and the upstream of this service. */
import { embedded } from "@distribution/broker-embedded";
import { kafka } from "@distribution/broker-kafka/choice";
import { pulsar } from "@distribution/broker-pulsar/choice";
import { type DistributionService, type Domain, type DomainParts, startDomainService } from "@distribution/core";
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

/** By the names that INTELLIGENCE_BROKER has for them; the first is the default. */
export const BROKERS = { embedded, kafka, pulsar };

/** Resolves when the service is ready. */
export const startIntelligence = (config: IntelligenceConfig): Promise<DistributionService> =>
  startDomainService({
    service: SERVICE,
    config,
    brokers: BROKERS,
    topics: INTELLIGENCE_TOPICS,
    routes: INTELLIGENCE_ROUTES,
    rebuildMs: config.REBUILD_MINUTES * MS_PER_MINUTE,
    domain: createDomain,
    upstream: (parts) => startFeed({ config, ...parts }),
  });

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
