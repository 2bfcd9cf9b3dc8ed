import { readServiceSettings, serviceSettings } from "@distribution/core";
import { BROKERS } from "./compose.ts";
import { FEED_SETTINGS } from "./simulator.ts";

const SETTINGS = {
  ...serviceSettings("coordination", { port: 7020, grpcPort: 7021, adminPort: 7022 }),
  ...FEED_SETTINGS,
};

export type CoordinationConfig = ReturnType<typeof readConfig>;

/** From COORDINATION_* variables. Throws `invalid_request` naming what is wrong. */
export function readConfig(environment: Readonly<Record<string, string | undefined>>) {
  return readServiceSettings("coordination", SETTINGS, BROKERS, environment);
}
