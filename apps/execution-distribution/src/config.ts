import { readSettings, serviceSettings } from "@distribution/core";
import { z } from "zod";
import { FEED_SETTINGS } from "./simulator.ts";

const SETTINGS = {
  ...serviceSettings({ port: 7050, grpcPort: 7051, adminPort: 7052 }),
  DATA_DIR: z.string().min(1).default("data/execution").describe("Folder of the broker, checkpoints and the secret."),
  ...FEED_SETTINGS,
};

export type ExecutionConfig = ReturnType<typeof readConfig>;

/** From EXECUTION_* variables. Throws `invalid_request` naming what is wrong. */
export function readConfig(environment: Readonly<Record<string, string | undefined>>) {
  return readSettings("EXECUTION", SETTINGS, environment);
}
