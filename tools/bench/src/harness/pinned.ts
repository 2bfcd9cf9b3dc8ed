/** Child processes that stay on one core, so that server and load never take each other's time. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";

/** The core the measured process runs on, and the one its load runs on. */
export const SERVER_CORE = 0;
export const LOAD_CORE = 1;

export interface Pinned extends AsyncDisposable {
  readonly pid: number;
  /** Sends a message and waits for the child's next one. Rejects when the child ends instead. */
  ask<Answer>(message: object | string): Promise<Answer>;
  /** The child's next message. Rejects when the child ends instead. */
  answer<Answer>(): Promise<Answer>;
  /** Stops the process where it is until `release`: what it does by itself takes nothing from others on its core. */
  hold(): void;
  release(): void;
}

/** Runs a module with Node on the core; it talks with `process.send`, and has `env` beside this one's. Needs `taskset` of util-linux. */
export function startPinned(
  core: number,
  module: URL,
  args: readonly string[],
  nodeArgs: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Pinned {
  const child = fork(module, args, {
    execPath: "taskset",
    execArgv: ["--cpu-list", String(core), process.execPath, ...nodeArgs],
    env: { ...process.env, ...env },
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const { pid } = child;
  if (pid === undefined) throw new Error("taskset did not start: benches need Linux with util-linux");
  const answer = <Answer>(): Promise<Answer> => nextMessage(child) as Promise<Answer>;
  return {
    pid,
    answer,
    ask: (message) => {
      const answered = answer();
      child.send(message);
      return answered as Promise<never>;
    },
    hold: () => void child.kill("SIGSTOP"),
    release: () => void child.kill("SIGCONT"),
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, "exit");
      child.kill();
      child.kill("SIGCONT");
      await ended;
    },
  };
}

function nextMessage(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null): void => {
      child.off("message", came);
      reject(new Error(`${child.spawnargs.at(-1)} ended with ${code ?? child.signalCode}`));
    };
    const came = (message: unknown): void => {
      child.off("exit", ended);
      resolve(message);
    };
    child.once("exit", ended);
    child.once("message", came);
  });
}
