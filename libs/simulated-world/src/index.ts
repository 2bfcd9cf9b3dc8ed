/** One simulated world for the upstreams of all services. See README.md. */
export { INSTRUMENTS, type Instrument } from "./instruments.ts";
export { DOMAINS, WORLD_EVENT_TYPES, WORLD_TOPICS, type WorldDomain } from "./names.ts";
export type { WorldIdentity, WorldOptions } from "./options.ts";
export { FEED_SETTINGS, type FeedConfig, type FeedOptions, startFeed } from "./player/feed.ts";
export {
  createWorldPlayer,
  type WorldPlayer,
  type WorldPlayerOptions,
  type WorldPlayerStats,
} from "./player/player.ts";
export type { Held, Publish } from "./player/publish.ts";
export { createServicePublisher, type ServicePublisher } from "./player/service-publisher.ts";
export { sharedWorld } from "./player/shared-world.ts";
export { type Simulator, type SimulatorOptions, startSimulator } from "./player/simulator.ts";
export { SCENARIOS, type Scenario } from "./scenarios.ts";
export { createWorld, type World } from "./world.ts";
export type { BadReason, WorldEvent } from "./world-event.ts";
