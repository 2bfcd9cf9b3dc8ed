/** One service as a process of its own, what it writes shown under its name. */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import type { ServiceReport } from "@distribution/core";
import { readableLines } from "./line.ts";
import type { Screen } from "./screen.ts";
import type { LaunchedService } from "./services.ts";

export interface ServiceProcess {
  readonly name: string;
  /** Absent: it is not ready yet. */
  readonly report: ServiceReport | undefined;
  /** What it wrote last on stderr. */
  readonly lastWords: readonly string[];
  kill(signal: NodeJS.Signals): void;
}

export interface ServiceProcessOptions {
  readonly service: LaunchedService;
  /** The Node that runs it: a path. */
  readonly node: string;
  /** The checkout: its working directory. */
  readonly root: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly screen: Screen;
  /** Before each line. */
  readonly prefix: string;
  onReady(): void;
  /** Once, after its last line. */
  onEnd(end: End): void;
}

/** How a process ended: one of the two is not null. Or why there was none. */
export type End =
  | { readonly code: number | null; readonly signal: NodeJS.Signals | null }
  | { readonly failure: NodeJS.ErrnoException };

const LAST_WORDS = 20;

export function startServiceProcess(options: ServiceProcessOptions): ServiceProcess {
  const { service, screen } = options;
  // A group of its own: Ctrl-C in the terminal reaches the launcher alone, which hands each service one signal.
  // The channel ends with the launcher, however that comes about, and so tells the service.
  const child: ChildProcess = spawn(options.node, ["--enable-source-maps", service.main], {
    cwd: options.root,
    env: options.environment,
    detached: true,
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  const lastWords: string[] = [];
  let report: ServiceReport | undefined;
  const read = (stream: Readable | null, write: (line: string) => void): void => {
    if (stream) createInterface({ input: stream }).on("line", write);
  };
  const show = (line: string): string =>
    readableLines(line, screen.tint)
      .map((readable) => options.prefix + readable)
      .join("\n");
  read(child.stdout, (line) => screen.out(show(line)));
  read(child.stderr, (line) => {
    screen.note(show(line));
    lastWords.push(line);
    if (lastWords.length > LAST_WORDS) lastWords.shift();
  });
  child.on("message", (message) => {
    report = message as ServiceReport;
    options.onReady();
  });
  let ended = false;
  const end = (how: End): void => {
    if (!ended) options.onEnd(how);
    ended = true;
  };
  child.on("close", (code, signal) => end({ code, signal }));
  // Of a process that there is it tells what else fails, such as a signal: that is no end.
  child.on("error", (failure) => child.pid === undefined && end({ failure }));
  return {
    name: service.name,
    get report() {
      return report;
    },
    lastWords,
    // A signal to a child that could not be spawned would go to whatever number lies in Node's memory as its pid.
    kill: (signal) => void (child.pid !== undefined && child.kill(signal)),
  };
}
