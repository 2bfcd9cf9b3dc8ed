/** Filters, the index that matches events against many of them, and the classes of equal interests. */
export type { Filter, MatchBuffer, Matcher, TopicSchema } from "./contract.ts";
export type { EventsEncoder, EventsHeader, SnapshotHeader } from "./encoder.ts";
export { EventList, FRAME_BYTES } from "./event-list.ts";
export * from "./filter/index.ts";
export { type Interest, type InterestTopic, identityOf } from "./interest.ts";
export {
  type ClassCounters,
  type ClassMember,
  type FrameSink,
  type InterestClass,
  TOKEN_EVERY_MS,
} from "./interest-class.ts";
export type { Lane } from "./lane.ts";
export * from "./matcher/index.ts";
export { createRegistry, type Registry } from "./registry.ts";
export { WALK_KEYS, walkTable } from "./table-walk.ts";
