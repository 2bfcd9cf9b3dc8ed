import { readServiceSettings, serviceSettings } from "@distribution/core";
import { BROKERS } from "./compose.ts";
import { FEED_SETTINGS } from "./simulator.ts";

const SETTINGS = {
  ...serviceSettings("execution", { port: 7050, grpcPort: 7051, adminPort: 7052 }),
  ...FEED_SETTINGS,
};

export type ExecutionConfig = ReturnType<typeof readConfig>;

/** From EXECUTION_* variables. Throws `invalid_request` naming what is wrong. */
export function readConfig(environment: Readonly<Record<string, string | undefined>>) {
  return readServiceSettings("execution", SETTINGS, BROKERS, environment);
}
