/** The only file that names the brokers, the stores and the upstream of this service. */
import { embedded } from "@distribution/broker-embedded";
import { kafka } from "@distribution/broker-kafka/choice";
import { pulsar } from "@distribution/broker-pulsar/choice";
import { type DistributionService, type Domain, type DomainParts, startDomainService } from "@distribution/core";
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

/** By the names that COORDINATION_BROKER has for them; the first is the default. */
export const BROKERS = { embedded, kafka, pulsar };

/** Resolves when the service is ready. */
export const startCoordination = (config: CoordinationConfig): Promise<DistributionService> =>
  startDomainService({
    service: SERVICE,
    config,
    brokers: BROKERS,
    topics: COORDINATION_TOPICS,
    routes: COORDINATION_ROUTES,
    // Without a checkpoint from all of the log: a decision that is not known could not go on.
    domain: createDomain,
    upstream: (parts) => startFeed({ config, ...parts }),
  });

function createDomain({ ingest }: DomainParts): Domain {
  const models = createReadModels();
  govern(ingest, models);
  return {
    projections: Object.values(models),
    router: createCoordinationRouter(models),
    openApi: coordinationOpenApi(models),
  };
}
