/** A service's program as a process: started until it says that it is ready, or until it ends. */
import { spawn } from "node:child_process";
import type { Ports } from "./runner.ts";
import { until } from "./until.ts";

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ServiceProcess extends AsyncDisposable {
  readonly ports: Ports;
  readonly pid: number;
  /** What it wrote to stdout and stderr so far. */
  output(): string;
  /** Resolves when the process is gone. */
  kill(signal: NodeJS.Signals): Promise<Exit>;
  readonly exited: boolean;
  /** Resolves when the process is gone. */
  readonly exit: Promise<Exit>;
}

export interface Program {
  /** Of Node: what comes before the program. */
  readonly options: readonly string[];
  /** The file to run. */
  readonly main: string;
  /** All that it has beside PATH. */
  readonly environment: Readonly<Record<string, string>>;
}

/** Resolves when it is ready. Disposing kills it if it still runs. */
export async function startProgram(program: Program): Promise<ServiceProcess> {
  const run = spawnProgram(program);
  try {
    await until(
      () => `the service is ready; it wrote: ${run.output()}`,
      () => {
        if (run.exited) throw new Error(`The service ended before it was ready: ${run.output()}`);
        return run.output().includes("health  ");
      },
    );
  } catch (failure) {
    await run.kill("SIGKILL");
    throw failure;
  }
  return Object.assign(run, { ports: portsOf(run.output()) });
}

export function spawnProgram({ options, main, environment }: Program): Omit<ServiceProcess, "ports"> {
  const child = spawn(process.execPath, ["--enable-source-maps", ...options, main], {
    env: { PATH: process.env["PATH"] ?? "", ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  let exited = false;
  for (const stream of [child.stdout, child.stderr]) {
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
  const kill = (signal: NodeJS.Signals): Promise<Exit> => {
    child.kill(signal);
    return exit;
  };
  return {
    pid: child.pid!,
    output: () => output,
    kill,
    get exited() {
      return exited;
    },
    exit,
    [Symbol.asyncDispose]: () => kill("SIGKILL").then(() => undefined),
  };
}

/** As `runService` tells them where nobody opened a channel. */
function portsOf(output: string): Ports {
  const port = (line: RegExp): number => Number(line.exec(output)?.[1]);
  return {
    public: port(/page +http:\/\/localhost:(\d+)/),
    grpc: port(/gRPC +localhost:(\d+)/),
    admin: port(/health +http:\/\/localhost:(\d+)/),
  };
}
