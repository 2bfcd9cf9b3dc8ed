import { readSettings, serviceSettings } from "@distribution/core";
import { z } from "zod";
import { FEED_SETTINGS } from "./simulator.ts";

const SETTINGS = {
  ...serviceSettings({ port: 7010, grpcPort: 7011, adminPort: 7012 }),
  DATA_DIR: z.string().min(1).default("data/portfolio").describe("Folder of the broker, checkpoints and the secret."),
  ...FEED_SETTINGS,
};

export type PortfolioConfig = ReturnType<typeof readConfig>;

/** From PORTFOLIO_* variables. Throws `invalid_request` naming what is wrong. */
export function readConfig(environment: Readonly<Record<string, string | undefined>>) {
  return readSettings("PORTFOLIO", SETTINGS, environment);
}
