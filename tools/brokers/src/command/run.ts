/** `npm run brokers -- …`: the commands. */
import { relative } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { prepareKafka } from "../kafka/kafka.ts";
import { cacheFolder } from "../process/cache.ts";
import { BrokerFailure } from "../process/failure.ts";
import { isRunning } from "../process/running.ts";
import type { BrokerName } from "../process/versions.ts";
import { preparePulsar } from "../pulsar/pulsar.ts";
import { type Command, type Request, readArguments, USAGE } from "./arguments.ts";
import { announce, begin, isReady, LABELS, type Wanted } from "./begin.ts";
import { type BrokerState, folderOf, processOf, readState, writeState } from "./state.ts";

export interface Surroundings {
  /** The checkout: data are in its data/brokers. */
  readonly root: string;
  out(line: string): void;
  note(line: string): void;
}

const STOP_WITHIN_MS = 60_000;
const LOOK_EVERY_MS = 50;
const MEBIBYTE = 1_048_576;

type Action = (name: BrokerName, request: Request, surroundings: Surroundings) => Promise<boolean>;

const ACTIONS: Readonly<Record<Command, Action>> = {
  start: async (name, { tls, auth }, surroundings) => start(name, { tls, auth }, surroundings),
  stop: async (name, _, surroundings) => end(name, "SIGTERM", surroundings),
  kill: async (name, _, surroundings) => end(name, "SIGKILL", surroundings),
  async restart(name, _, surroundings) {
    const former = readState(surroundings.root, name);
    await end(name, "SIGTERM", surroundings);
    return start(name, former ?? { tls: false, auth: false }, surroundings);
  },
  status,
  async prepare(name, _, { out, note }) {
    announce(name, note);
    await (name === "kafka" ? prepareKafka() : preparePulsar());
    out(`${LABELS[name]} is prepared, in ${cacheFolder()}.`);
    return true;
  },
};

/** The exit code: 0 done, 1 not done or not running, 2 not understood. What went wrong is noted. */
export async function run(words: readonly string[], surroundings: Surroundings): Promise<number> {
  let request: Request;
  try {
    request = readArguments(words);
  } catch (failure) {
    if (!(failure instanceof RangeError)) throw failure;
    surroundings.note(`${failure.message}\n${USAGE}`);
    return 2;
  }
  let all = true;
  for (const name of request.brokers) all = (await attempt(name, request, surroundings)) && all;
  return all ? 0 : 1;
}

async function attempt(name: BrokerName, request: Request, surroundings: Surroundings): Promise<boolean> {
  try {
    return await ACTIONS[request.command](name, request, surroundings);
  } catch (failure) {
    const { code, message } = failure as NodeJS.ErrnoException;
    if (code === "ENOSPC") surroundings.note(`${LABELS[name]}: the disk is full (${message}); make room.`);
    else if (failure instanceof BrokerFailure) surroundings.note(`${LABELS[name]}: ${message}`);
    else throw failure;
    return false;
  }
}

async function start(name: BrokerName, wanted: Wanted, surroundings: Surroundings): Promise<boolean> {
  const { root, out, note } = surroundings;
  const former = readState(root, name);
  if (former && processOf(root, name, former)) {
    note(`${LABELS[name]} runs already, with process id ${former.pid}.`);
    return former.tls === wanted.tls && former.auth === wanted.auth;
  }
  const state = await begin(root, name, wanted, note);
  writeState(root, name, state);
  out(`${LABELS[name]} is ready: ${state.addresses.join(", ")}`);
  out(`  process id ${state.pid}, data and log in ${relative(root, folderOf(root, name))}`);
  return true;
}

async function end(name: BrokerName, signal: NodeJS.Signals, { root, out, note }: Surroundings): Promise<boolean> {
  const state = readState(root, name);
  if (!state || !processOf(root, name, state)) {
    out(`${LABELS[name]} does not run.`);
    return true;
  }
  process.kill(state.pid, signal);
  // One that is held takes no other signal.
  process.kill(state.pid, "SIGCONT");
  if (await isGone(state)) {
    out(`${LABELS[name]} ${signal === "SIGKILL" ? "was killed" : "has stopped"}.`);
    return true;
  }
  process.kill(state.pid, "SIGKILL");
  await isGone(state);
  note(
    `${LABELS[name]} did not stop within ${STOP_WITHIN_MS / 1000} s and was killed; its log is ${folderOf(root, name)}/log.`,
  );
  return false;
}

/** Not by its command, which the system forgets first: its ports are free only when all of it has ended. */
async function isGone({ pid }: BrokerState): Promise<boolean> {
  const deadline = performance.now() + STOP_WITHIN_MS;
  while (performance.now() < deadline) {
    if (!isRunning(pid)) return true;
    await delay(LOOK_EVERY_MS);
  }
  return false;
}

async function status(name: BrokerName, _: Request, { root, out }: Surroundings): Promise<boolean> {
  const state = readState(root, name);
  const facts = processOf(root, name, state);
  if (!state || !facts) {
    out(`${LABELS[name]} does not run.`);
    return false;
  }
  const ready = await isReady(name, state);
  const memory = Math.round(facts.memory / MEBIBYTE);
  out(`${LABELS[name]} ${ready ? "is ready" : "runs but does not answer"}: ${state.addresses.join(", ")}`);
  out(`  process id ${state.pid}, ${memory} MiB, data and log in ${relative(root, folderOf(root, name))}`);
  return ready;
}
