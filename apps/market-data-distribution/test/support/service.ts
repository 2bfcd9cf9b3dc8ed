/** The real service, in this process or as a process of its own, on free ports; without the recorded feed unless a test wants it. */
import { join } from "node:path";
import { acceptanceBroker } from "@distribution/brokers/acceptance";
import { type ServiceProcess as AnyProcess, type Settings, serviceRunner, until } from "@distribution/testkit/service";
import { startMarketData } from "../../src/compose.ts";
import { readConfig } from "../../src/config.ts";

export type { Ports, RunningService } from "@distribution/testkit/service";

const runner = serviceRunner({
  name: "market-data",
  start: (environment) => startMarketData(readConfig(environment)),
  main: join(import.meta.dirname, "../../src/main.ts"),
  nodeOptions: ["--expose-gc", "--import", join(import.meta.dirname, "report-memory.ts")],
  settings: { FEED: "none" },
  brokerOf: acceptanceBroker,
});

export const { startService, runToExit } = runner;

export interface ServiceProcess extends AnyProcess {
  /** What it holds on its heap and in buffers, without garbage. Bytes. */
  memory(): Promise<number>;
}

/** Resolves when it is ready. Disposing kills it if it still runs. */
export async function startProcess(settings: Settings): Promise<ServiceProcess> {
  const run = await runner.startProcess(settings);
  return Object.assign(run, {
    async memory() {
      const told = run.output().length;
      process.kill(run.pid, "SIGUSR2");
      const line = await until(
        "it tells its memory",
        () => /memory (\d+)\n/.exec(run.output().slice(told)) ?? undefined,
      );
      return Number(line[1]);
    },
  });
}
