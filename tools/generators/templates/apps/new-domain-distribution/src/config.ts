import { readSettings, serviceSettings } from "@distribution/core";
import { z } from "zod";

const SETTINGS = {
  ...serviceSettings({ port: 7060, grpcPort: 7061, adminPort: 7062 }),
  DATA_DIR: z.string().min(1).default("data/new-domain").describe("Folder of the broker, checkpoints and the secret."),
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
  return readSettings("NEW_DOMAIN", SETTINGS, environment);
}
