/** The settings by which a service chooses its simulated upstream, and what comes of them. */
import { join } from "node:path";
import { z } from "zod";
import { SCENARIOS } from "../scenarios.ts";
import { type Simulator, type SimulatorOptions, startSimulator } from "./simulator.ts";

/** Beside a service's own settings, under its prefix. */
export const FEED_SETTINGS = {
  FEED: z
    .enum(["simulated", "none"])
    .default("simulated")
    .describe("Play this service's part of the simulated world, or wait for publishers."),
  FEED_WORLD: z
    .string()
    .min(1)
    .default("data/world.json")
    .describe("The file of the world that all services' simulators play; the first one makes it."),
  FEED_SCENARIO: z.enum(SCENARIOS).default("normal").describe("Of a world that is not there yet."),
  FEED_RATE: z.coerce
    .number()
    .min(1)
    .max(1_000_000)
    .default(100)
    .describe("Events a second of all domains, of a world that is not there yet."),
  FEED_SPEED: z
    .union([z.literal("max"), z.coerce.number().positive().max(10_000)])
    .default(1)
    .describe("1 is as it happens, 10 ten times as fast, max as fast as it is taken."),
};

export type FeedConfig = { readonly [Name in keyof typeof FEED_SETTINGS]: z.infer<(typeof FEED_SETTINGS)[Name]> };

export interface FeedOptions extends Pick<SimulatorOptions, "domain" | "runtime" | "logger"> {
  /** `HOST`: where the service listens. */
  readonly config: FeedConfig & { readonly HOST: string };
  /** The service's, as bound. */
  readonly ports: { readonly public: number };
  /** The service's data folder: the simulator keeps there how far it has come. */
  readonly folder: string;
}

/** Undefined: the settings want none. Throws `record_damaged` as `startSimulator` does. */
export function startFeed({ domain, config, ports, folder, runtime, logger }: FeedOptions): Simulator | undefined {
  if (config.FEED === "none") return undefined;
  return startSimulator({
    domain,
    url: `http://${reachable(config.HOST)}:${ports.public}`,
    worldFile: config.FEED_WORLD,
    scenario: config.FEED_SCENARIO,
    rate: config.FEED_RATE,
    progressFile: join(folder, "feed", "progress"),
    speed: config.FEED_SPEED,
    runtime,
    logger,
  });
}

/** The address to connect to where a service listens on this one. */
function reachable(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  if (host === "::") return "[::1]";
  return host.includes(":") ? `[${host}]` : host;
}
