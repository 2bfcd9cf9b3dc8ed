/** Which of many filters match an event, found by index. */
export { createMatcher, DEFAULT_MAX_IDS, type MatcherOptions } from "./matcher.ts";
