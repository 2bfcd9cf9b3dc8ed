import { readServiceSettings, serviceSettings } from "@distribution/core";
import { z } from "zod";
import { BROKERS } from "./compose.ts";
import { FEED_SETTINGS } from "./simulator.ts";

const SETTINGS = {
  ...serviceSettings("intelligence", { port: 7040, grpcPort: 7041, adminPort: 7042 }),
  ...FEED_SETTINGS,
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
  return readServiceSettings("intelligence", SETTINGS, BROKERS, environment);
}
