/** One broker as a process: started, watched until it is ready, stopped, killed, held. It never outlives the process that started it. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync, statfsSync, writeFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { BrokerFailure } from "./failure.ts";
import type { Home } from "./home.ts";
import { isHeld } from "./running.ts";

export interface EngineOptions {
  readonly name: string;
  readonly program: string;
  readonly arguments: readonly string[];
  /** If it is temporary, it is deleted also when this process dies without having done so. */
  readonly home: Home;
  /** Asked again and again, with what it wrote since this start. */
  isReady(written: string): boolean | Promise<boolean>;
  readonly readyWithinMs: number;
}

export interface Engine {
  readonly pid: number | undefined;
  start(): Promise<void>;
  stop(): Promise<void>;
  kill(): Promise<void>;
  /** Returns once none of its threads runs any more. */
  hold(): void;
  resume(): void;
  /** From now on it outlives this process. */
  release(): void;
}

const LOOK_EVERY_MS = 20;
const STOP_WITHIN_MS = 60_000;
/** The signal is one thread's to see: until it is scheduled, the others run on. */
const HELD_WITHIN_MS = 5_000;
const LAST_LINES = 12;
/** Bytes: the least that a broker allocates at once is more. */
const LEAST_ROOM = 1_048_576;

/**
 * Waits for its standard input to end, which the system sees to however this process ends, and then does what this process no
 * longer can. It waits a second between, since a killed process still ends its writes.
 */
const WATCH = 'read -r _; kill -9 "$1"; test -z "$2" || { sleep 1; rm -rf "$2"; }';

export function createEngine(options: EngineOptions): Engine {
  let child: ChildProcess | undefined;
  let watcher: ChildProcess | undefined;
  const running = (): ChildProcess | undefined =>
    child && child.exitCode === null && child.signalCode === null ? child : undefined;

  const end = async (signal: NodeJS.Signals): Promise<void> => {
    const broker = running();
    if (!broker) return;
    broker.ref();
    const ended = once(broker, "exit");
    broker.kill(signal);
    broker.kill("SIGCONT");
    const late = new AbortController();
    const inTime = await Promise.race([
      ended.then(() => true),
      delay(STOP_WITHIN_MS, false, { signal: late.signal }).catch(() => true),
    ]);
    late.abort();
    if (inTime) return;
    broker.kill("SIGKILL");
    await ended;
    throw new BrokerFailure(
      `${options.name} did not stop within ${STOP_WITHIN_MS} ms and was killed; see ${options.home.log}.`,
    );
  };

  const start = async (): Promise<void> => {
    if (running()) throw new BrokerFailure(`${options.name} runs already.`);
    const log = openSync(options.home.log, "a");
    const before = readFileSync(options.home.log).length;
    // A group of its own: Ctrl-C in the terminal is for whoever started it to act on.
    const broker = spawn(options.program, options.arguments, { detached: true, stdio: ["ignore", log, log] });
    closeSync(log);
    if (broker.pid === undefined) {
      const [cause] = (await once(broker, "error")) as [Error];
      throw new BrokerFailure(`${options.name} did not start: ${cause.message}.`);
    }
    // Not before: a signal to a child without a pid would go to whatever number lies in Node's memory.
    child = broker;
    watcher = watch(broker, options.home.temporary);
    const written = (): string => readFileSync(options.home.log).subarray(before).toString();
    const deadline = performance.now() + options.readyWithinMs;
    try {
      writeFileSync(options.home.owner, String(broker.pid));
      while (!(await options.isReady(written()))) {
        if (!running()) throw new BrokerFailure(ended(options, broker, written()));
        if (performance.now() > deadline) {
          const advice = adviceFor(options.home.folder, written());
          throw new BrokerFailure(
            `${options.name} was not ready within ${options.readyWithinMs} ms: ${advice}see ${options.home.log}.`,
          );
        }
        await delay(LOOK_EVERY_MS);
      }
    } catch (failure) {
      await end("SIGKILL");
      throw failure;
    }
    broker.unref();
  };

  const signal = (name: NodeJS.Signals): number => {
    const broker = running();
    if (!broker?.kill(name)) throw new BrokerFailure(`${options.name} does not run.`);
    return broker.pid!;
  };

  return {
    get pid() {
      return running()?.pid;
    },
    start,
    stop: () => end("SIGTERM"),
    kill: () => end("SIGKILL"),
    hold() {
      const pid = signal("SIGSTOP");
      const deadline = performance.now() + HELD_WITHIN_MS;
      while (!isHeld(pid) && performance.now() < deadline);
    },
    resume: () => void signal("SIGCONT"),
    release: () => void watcher?.kill("SIGKILL"),
  };
}

function watch(broker: ChildProcess, temporary: string | undefined): ChildProcess {
  const watcher = spawn("/bin/sh", ["-c", WATCH, "sh", String(broker.pid), temporary ?? ""], {
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  watcher.unref();
  (watcher.stdin as unknown as { unref(): void }).unref();
  broker.once("exit", () => watcher.kill("SIGKILL"));
  return watcher;
}

function ended(options: EngineOptions, broker: ChildProcess, written: string): string {
  const how = broker.signalCode ?? `code ${broker.exitCode}`;
  return `${options.name} ended with ${how} before it was ready: ${adviceFor(options.home.folder, written)}${lastWords(written) || "it wrote nothing"}`;
}

/** Of what keeps a broker from starting, that which its own words leave the reader to find out. */
function adviceFor(folder: string, written: string): string {
  // Its words would have gone to the same disk.
  const { bavail, bsize } = statfsSync(folder);
  if (bavail * bsize < LEAST_ROOM || /No space left on device/.test(written)) {
    return `the disk of ${folder} is full, make room. `;
  }
  if (/Address already in use|BindException/.test(written)) return "a port is taken, end who has it or name another. ";
  return "";
}

/** Without the traces, which are longer than what they are about. */
function lastWords(written: string): string {
  const lines = written.split("\n").filter((line) => line.trim() !== "" && !/^\s+(at |\.\.\.)/.test(line));
  return lines.slice(-LAST_LINES).join("\n");
}
