/** The real service, in this process or as a process of its own, on free ports; without the simulated feed unless a test wants it. */
import { join } from "node:path";
import { acceptanceBroker } from "@distribution/brokers/acceptance";
import { serviceRunner } from "@distribution/testkit/service";
import { startPortfolio } from "../../src/compose.ts";
import { readConfig } from "../../src/config.ts";

export type { Ports, RunningService, Settings } from "@distribution/testkit/service";

export const { startService, startProcess, runToExit } = serviceRunner({
  name: "portfolio",
  start: (environment) => startPortfolio(readConfig(environment)),
  main: join(import.meta.dirname, "../../src/main.ts"),
  settings: { FEED: "none" },
  brokerOf: acceptanceBroker,
});
