/** The face of the core that apps and tools import; stages have faces of their own (`@distribution/core/events` and so on). */
export * from "./errors.ts";
export type { EventTypeDefinition, TopicDefinition } from "./topics.ts";
