/** The real service, in this process or as a process of its own, on free ports. */
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import type { DistributionService } from "@distribution/core";
import { startPortfolio } from "../../src/compose.ts";
import { readConfig } from "../../src/config.ts";
import { emptyFolder, removeFolder } from "./folder.ts";
import { until } from "./until.ts";

const MAIN = join(import.meta.dirname, "../../src/main.ts");

/** Without the prefix; a folder is made when none is given. */
export type Settings = Readonly<Record<string, string>>;

export interface Ports {
  readonly public: number;
  readonly grpc: number;
  readonly admin: number;
}

/** On free ports, without the simulated feed, unless the settings say otherwise. */
function environmentOf(settings: Settings): Record<string, string> {
  const standard = { PORT: "0", GRPC_PORT: "0", ADMIN_PORT: "0", FEED: "none", LOG_LEVEL: "warn" };
  const all = Object.entries({ ...standard, ...settings });
  return Object.fromEntries(all.map(([name, value]) => [`PORTFOLIO_${name}`, value]));
}

export type RunningService = DistributionService & AsyncDisposable;

/** In this process. */
export async function startService(settings: Settings = {}): Promise<RunningService> {
  const folder = settings["DATA_DIR"] ?? emptyFolder();
  const service = await startPortfolio(
    readConfig(environmentOf({ LOG_LEVEL: "silent", ...settings, DATA_DIR: folder })),
  );
  return {
    ...service,
    async [Symbol.asyncDispose]() {
      await service.stop();
      if (settings["DATA_DIR"] === undefined) removeFolder(folder);
    },
  };
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ServiceProcess extends AsyncDisposable {
  readonly ports: Ports;
  readonly pid: number;
  /** What it wrote to stdout and stderr so far. */
  output(): string;
  kill(signal: NodeJS.Signals): void;
  readonly exited: boolean;
  /** Resolves when the process is gone. */
  readonly exit: Promise<Exit>;
}

/** As a process; resolves when it is ready. Disposing kills it if it still runs. */
export async function startProcess(settings: Settings): Promise<ServiceProcess> {
  const run = spawnService(settings);
  try {
    await until(
      () => `the service is ready; it wrote: ${run.output()}`,
      () => {
        if (run.exited) throw new Error(`The service ended before it was ready: ${run.output()}`);
        return run.output().includes("health  ");
      },
    );
  } catch (failure) {
    run.kill("SIGKILL");
    throw failure;
  }
  return Object.assign(run, { ports: portsOf(run.output()) });
}

function spawnService(settings: Settings) {
  const child: ChildProcess = spawn(process.execPath, ["--enable-source-maps", MAIN], {
    env: { PATH: process.env["PATH"] ?? "", ...environmentOf(settings) },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  let exited = false;
  for (const stream of [child.stdout!, child.stderr!]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  const exit = new Promise<Exit>((resolve) => {
    child.on("close", (code, signal) => {
      exited = true;
      resolve({ code, signal });
    });
  });
  return {
    pid: child.pid!,
    output: () => output,
    kill: (signal: NodeJS.Signals) => void child.kill(signal),
    get exited() {
      return exited;
    },
    exit,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await exit;
    },
  };
}

function portsOf(output: string): Ports {
  const port = (line: RegExp): number => Number(line.exec(output)?.[1]);
  return {
    public: port(/page +http:\/\/localhost:(\d+)/),
    grpc: port(/gRPC +localhost:(\d+)/),
    admin: port(/health +http:\/\/localhost:(\d+)/),
  };
}
