/** The real service, in this process or as a process of its own, on free ports. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import type { DistributionService } from "@distribution/core";
import { startIntelligence } from "../../src/compose.ts";
import { readConfig } from "../../src/config.ts";
import { emptyFolder, removeFolder } from "./folder.ts";
import { until } from "./until.ts";

const MAIN = join(import.meta.dirname, "../../src/main.ts");

/** Without the prefix; a folder is made when none is given. */
export type Settings = Readonly<Record<string, string>>;

export type Ports = DistributionService["ports"];

/** On free ports, without the simulated world, unless the settings say otherwise. */
function environmentOf(settings: Settings): Record<string, string> {
  const standard = { PORT: "0", GRPC_PORT: "0", ADMIN_PORT: "0", FEED: "none", LOG_LEVEL: "silent" };
  const all = Object.entries({ ...standard, ...settings });
  return Object.fromEntries(all.map(([name, value]) => [`INTELLIGENCE_${name}`, value]));
}

export type RunningService = DistributionService & AsyncDisposable;

/** In this process. */
export async function startService(settings: Settings = {}): Promise<RunningService> {
  const folder = settings["DATA_DIR"] ?? emptyFolder();
  const service = await startIntelligence(readConfig(environmentOf({ ...settings, DATA_DIR: folder })));
  return {
    ...service,
    async [Symbol.asyncDispose]() {
      await service.stop();
      if (settings["DATA_DIR"] === undefined) removeFolder(folder);
    },
  };
}

export interface ServiceProcess extends AsyncDisposable {
  readonly ports: Ports;
  /** Resolves when the process is gone. */
  kill(signal: NodeJS.Signals): Promise<void>;
}

/** As a process; resolves when it is ready. Disposing kills it if it still runs. */
export async function startProcess(settings: Settings): Promise<ServiceProcess> {
  const { child, output, exited } = spawnService(settings);
  const kill = async (signal: NodeJS.Signals): Promise<void> => {
    child.kill(signal);
    await exited;
  };
  try {
    await until(
      () => `the service is ready; it wrote: ${output()}`,
      () => {
        if (child.exitCode !== null) throw new Error(`The service ended before it was ready: ${output()}`);
        return output().includes("health  ");
      },
    );
  } catch (failure) {
    await kill("SIGKILL");
    throw failure;
  }
  const port = (line: RegExp): number => Number(line.exec(output())?.[1]);
  const ports = {
    public: port(/page +http:\/\/localhost:(\d+)/),
    grpc: port(/gRPC +localhost:(\d+)/),
    admin: port(/health +http:\/\/localhost:(\d+)/),
  };
  return { ports, kill, [Symbol.asyncDispose]: () => kill("SIGKILL") };
}

/** For a service that is not to become ready: how it ended and what it wrote. */
export async function runToExit(settings: Settings) {
  const { output, exited } = spawnService(settings);
  return { code: await exited, output: output() };
}

function spawnService(settings: Settings) {
  const child = spawn(process.execPath, ["--enable-source-maps", MAIN], {
    env: { PATH: process.env["PATH"] ?? "", ...environmentOf(settings) },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let written = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      written += text;
    });
  }
  const exited = new Promise<number | null>((resolve) => child.on("close", resolve));
  return { child, output: () => written, exited };
}
