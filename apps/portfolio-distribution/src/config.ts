import { readServiceSettings, serviceSettings } from "@distribution/core";
import { BROKERS } from "./compose.ts";
import { FEED_SETTINGS } from "./simulator.ts";

const SETTINGS = {
  ...serviceSettings("portfolio", { port: 7010, grpcPort: 7011, adminPort: 7012 }),
  ...FEED_SETTINGS,
};

export type PortfolioConfig = ReturnType<typeof readConfig>;

/** From PORTFOLIO_* variables. Throws `invalid_request` naming what is wrong. */
export function readConfig(environment: Readonly<Record<string, string | undefined>>) {
  return readServiceSettings("portfolio", SETTINGS, BROKERS, environment);
}
