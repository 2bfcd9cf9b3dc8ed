/** The face of the core that apps and tools import; stages have faces of their own (`@distribution/core/events` and so on). */

export { readSettings, secretOf, serviceSettings } from "./config.ts";
export * from "./errors.ts";
export { runService } from "./run.ts";
export {
  createDistributionService,
  type DistributionService,
  type Domain,
  type DomainParts,
  type ServiceOptions,
} from "./service.ts";
export type { EventTypeDefinition, TopicDefinition } from "./topics.ts";
