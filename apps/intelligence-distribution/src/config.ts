import { readSettings, serviceSettings } from "@distribution/core";
import { z } from "zod";
import { SCENARIOS } from "./simulator.ts";

const SETTINGS = {
  ...serviceSettings({ port: 7040, grpcPort: 7041, adminPort: 7042 }),
  DATA_DIR: z
    .string()
    .min(1)
    .default("data/intelligence")
    .describe("Folder of the broker, checkpoints and the secret."),
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
  REBUILD_MINUTES: z.coerce
    .number()
    .positive()
    .max(43_200)
    .default(1440)
    .describe("How much of the log a read model is built from that has no checkpoint."),
};

export type IntelligenceConfig = ReturnType<typeof readConfig>;

/** From INTELLIGENCE_* variables. Throws `invalid_request` naming what is wrong. */
export function readConfig(environment: Readonly<Record<string, string | undefined>>) {
  return readSettings("INTELLIGENCE", SETTINGS, environment);
}
