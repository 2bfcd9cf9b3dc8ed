/** Filters, the index that matches events against many of them, and topic patterns. */
export type { Filter, MatchBuffer, Matcher, TopicSchema } from "./contract.ts";
export type { EventsEncoder, EventsHeader, SnapshotHeader } from "./encoder.ts";
export { EventList } from "./event-list.ts";
export * from "./filter/index.ts";
export { type Interest, type InterestTopic, identityOf } from "./interest.ts";
export {
  type ClassCounters,
  type ClassMember,
  FRAME_BYTES,
  type InterestClass,
  type Lane,
  TOKEN_EVERY_MS,
} from "./interest-class.ts";
export * from "./matcher/index.ts";
export * from "./patterns.ts";
export { createRegistry, type Registry } from "./registry.ts";
