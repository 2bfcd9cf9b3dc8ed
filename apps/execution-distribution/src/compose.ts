/** The only file that names the brokers, the stores and the upstream of this service. */
import { embedded } from "@distribution/broker-embedded";
import { kafka } from "@distribution/broker-kafka/choice";
import { pulsar } from "@distribution/broker-pulsar/choice";
import { type DistributionService, type Domain, type DomainParts, startDomainService } from "@distribution/core";
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

/** By the names that EXECUTION_BROKER has for them; the first is the default. */
export const BROKERS = { embedded, kafka, pulsar };

/** Resolves when the service is ready. */
export const startExecution = (config: ExecutionConfig): Promise<DistributionService> =>
  startDomainService({
    service: SERVICE,
    config,
    brokers: BROKERS,
    topics: EXECUTION_TOPICS,
    routes: EXECUTION_ROUTES,
    // However long ago an order was sent, what may follow on it hangs on its first event: without a checkpoint, all is read.
    domain: createDomain,
    upstream: (parts) => startFeed({ config, ...parts }),
  });

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
