/** The embedded broker as one that a service's settings choose. */
import { join } from "node:path";
import type { BrokerChoice } from "@distribution/core/brokers";
import { createEmbeddedBroker } from "./broker.ts";

/** Below `broker/` of the data folder. */
export const embedded: BrokerChoice = {
  settings: {},
  open: (_settings, { folder, logger }) => createEmbeddedBroker({ directory: join(folder, "broker"), logger }),
};
