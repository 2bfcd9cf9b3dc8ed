/** The program within the test's process, with what it wrote; and as a process of its own. */

import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { type ExitCode, run, type Terminal } from "../../src/index.ts";

export interface Running {
  readonly done: Promise<ExitCode>;
  out(): string;
  notes(): string;
  lines(): string[];
  interrupt(): void;
}

export interface TerminalShape {
  readonly isTerminal?: boolean;
}

export function start(args: readonly string[], { isTerminal = false }: TerminalShape = {}): Running {
  const controller = new AbortController();
  let out = "";
  let notes = "";
  let interrupted = false;
  const terminal: Terminal = {
    async write(text) {
      out += text;
    },
    say(text) {
      notes += `${text}\n`;
    },
    tint: (_tone, text) => text,
    tintNote: (_tone, text) => text,
    isTerminal,
    progress: (text) => void text(),
    signal: controller.signal,
    get interrupted() {
      return interrupted;
    },
  };
  return {
    done: run(args, terminal),
    out: () => out,
    notes: () => notes,
    lines: () => out.split("\n").filter((line) => line !== ""),
    interrupt() {
      interrupted = true;
      controller.abort();
    },
  };
}

/** Runs to the end. */
export async function execute(args: readonly string[], shape?: TerminalShape) {
  const running = start(args, shape);
  const exit = await running.done;
  return { exit, out: running.out(), notes: running.notes(), lines: running.lines() };
}

const MAIN = fileURLToPath(new URL("../../src/main.ts", import.meta.url));

export interface Ended {
  readonly exit: number | null;
  readonly out: string;
  readonly notes: string;
}

/** The real process, with pipes for its streams. */
export function launch(args: readonly string[], environment: Record<string, string> = {}) {
  return watch(spawn(process.execPath, [MAIN, ...args], { env: { ...cleanEnvironment(), ...environment } }));
}

/** The same with a terminal of its own, which `script` (util-linux) makes. */
export function launchInTerminal(args: readonly string[], environment: Record<string, string> = {}) {
  const command = [process.execPath, MAIN, ...args].map((part) => `'${part.replaceAll("'", "'\\''")}'`).join(" ");
  const env = { ...cleanEnvironment(), TERM: "xterm-256color", ...environment };
  return watch(spawn("script", ["-qefc", command, "/dev/null"], { env }));
}

function watch(child: ChildProcess) {
  let out = "";
  let notes = "";
  child.stdout?.on("data", (chunk) => {
    out += chunk;
  });
  child.stderr?.on("data", (chunk) => {
    notes += chunk;
  });
  const ended = new Promise<Ended>((resolve) => child.on("close", (exit) => resolve({ exit, out, notes })));
  return { child, ended, out: () => out };
}

/** Without what the test runner and CI set for colours: Node takes a terminal in an unknown CI for one without. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const {
    NO_COLOR: _no,
    FORCE_COLOR: _force,
    CI: _ci,
    DISTRIBUTION_URL: _url,
    DISTRIBUTION_TOKEN: _token,
    ...rest
  } = process.env;
  return rest;
}

/** What comes to be true at some time: long enough for a machine that has much else to do. */
export const eventually = <T>(read: () => T) => expect.poll(read, { timeout: 15_000, interval: 10 });
