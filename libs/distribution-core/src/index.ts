/** The face of the core that apps and tools import; stages have faces of their own (`@distribution/core/events` and so on). */

export { readServiceSettings, serviceSettings, variableOf } from "./config.ts";
export { type DomainServiceOptions, startDomainService } from "./domain-service.ts";
export * from "./errors.ts";
export { runService, type ServiceReport, STOP_WITHIN_MS } from "./run.ts";
export {
  createDistributionService,
  type DistributionService,
  type Domain,
  type DomainParts,
  type ServiceOptions,
  type Upstream,
  type UpstreamParts,
} from "./service.ts";
export type { EventTypeDefinition, TopicDefinition } from "./topics.ts";
