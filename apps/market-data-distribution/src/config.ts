import { readServiceSettings, serviceSettings } from "@distribution/core";
import { z } from "zod";
import { BROKERS } from "./compose.ts";

const SETTINGS = {
  ...serviceSettings("market-data", { port: 7030, grpcPort: 7031, adminPort: 7032 }),
  FEED: z
    .enum(["recorded", "none"])
    .default("recorded")
    .describe("Play the recorded exchange traffic, or wait for publishers."),
  FEED_SPEED: z
    .union([z.literal("max"), z.coerce.number().positive().max(10_000)])
    .default(1)
    .describe("1 is as recorded, 10 ten times as fast, max as fast as it is taken."),
  FEED_REPEAT: z.enum(["once", "loop"]).default("loop"),
  REBUILD_MINUTES: z.coerce
    .number()
    .positive()
    .max(10_080)
    .default(30)
    .describe("How much of the log a read model is built from that has no checkpoint."),
};

export type MarketDataConfig = ReturnType<typeof readConfig>;

/** From MARKET_DATA_* variables. Throws `invalid_request` naming what is wrong. */
export function readConfig(environment: Readonly<Record<string, string | undefined>>) {
  return readServiceSettings("market-data", SETTINGS, BROKERS, environment);
}
