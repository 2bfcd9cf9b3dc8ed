/** The upstream of demos, load and tests: what a simulated world tells of its decisions, published over the wire. */
import { type FeedOptions, type Simulator, startFeed as startWorldFeed } from "@distribution/simulated-world";

export { FEED_SETTINGS } from "@distribution/simulated-world";

export function startFeed(options: Omit<FeedOptions, "domain">): Simulator | undefined {
  return startWorldFeed({ ...options, domain: "coordination" });
}
