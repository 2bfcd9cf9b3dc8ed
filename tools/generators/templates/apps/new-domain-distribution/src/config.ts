import { readServiceSettings, serviceSettings } from "@distribution/core";
import { z } from "zod";
import { BROKERS } from "./compose.ts";

const SETTINGS = {
  ...serviceSettings("new-domain", { port: 7060, grpcPort: 7061, adminPort: 7062 }),
  FEED: z.enum(["simulated", "none"]).default("none").describe("Make events up, or wait for publishers."),
  FEED_INTERVAL_MS: z.coerce
    .number()
    .int()
    .min(1)
    .max(60_000)
    .default(1_000)
    .describe("Between two events that are made up."),
};

export type NewDomainConfig = ReturnType<typeof readConfig>;

/** From NEW_DOMAIN_* variables. Throws `invalid_request` naming what is wrong. */
export function readConfig(environment: Readonly<Record<string, string | undefined>>) {
  return readServiceSettings("new-domain", SETTINGS, BROKERS, environment);
}
