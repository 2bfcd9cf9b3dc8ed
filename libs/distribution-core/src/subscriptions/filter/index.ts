/** The filter language: CEL over one event, checked against the topic's schema and bounded in cost. */
export { DEFAULT_LIMITS, type FilterLimits } from "./limits.ts";
export { parseFilter } from "./parse.ts";
