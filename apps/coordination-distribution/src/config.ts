import { readSettings, serviceSettings } from "@distribution/core";
import { z } from "zod";
import { FEED_SETTINGS } from "./simulator.ts";

const SETTINGS = {
  ...serviceSettings({ port: 7020, grpcPort: 7021, adminPort: 7022 }),
  DATA_DIR: z
    .string()
    .min(1)
    .default("data/coordination")
    .describe("Folder of the broker, checkpoints and the secret."),
  ...FEED_SETTINGS,
};

export type CoordinationConfig = ReturnType<typeof readConfig>;

/** From COORDINATION_* variables. Throws `invalid_request` naming what is wrong. */
export function readConfig(environment: Readonly<Record<string, string | undefined>>) {
  return readSettings("COORDINATION", SETTINGS, environment);
}
