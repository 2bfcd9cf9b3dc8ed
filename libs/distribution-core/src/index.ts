/** The face of the core that apps and tools import; stages have faces of their own (`@distribution/core/events` and so on). */

export { readSettings, serviceSettings } from "./config.ts";
export { openDataFolder, secretOf } from "./data-folder.ts";
export * from "./errors.ts";
export { runService, type ServiceReport, STOP_WITHIN_MS } from "./run.ts";
export {
  createDistributionService,
  type DistributionService,
  type Domain,
  type DomainParts,
  type ServiceOptions,
} from "./service.ts";
export type { EventTypeDefinition, TopicDefinition } from "./topics.ts";
