/** What is remembered of a broker that runs on after the command that started it: a file beside its data. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BrokerFailure } from "../process/failure.ts";
import { factsOf, type ProcessFacts } from "../process/running.ts";
import type { BrokerName } from "../process/versions.ts";

export interface BrokerState {
  readonly pid: number;
  /** Where clients connect, and how: what is shown. */
  readonly addresses: readonly string[];
  /** Past login and TLS, to ask whether it answers: "127.0.0.1:<port>" of Kafka, "http://…" of Pulsar. */
  readonly probe: string;
  /** Of Pulsar with authentication: to ask whether it answers. */
  readonly token?: string | undefined;
  /** As it was started, to start it again. */
  readonly port: number;
  readonly adminPort?: number | undefined;
  readonly tls: boolean;
  readonly auth: boolean;
}

export function folderOf(root: string, name: BrokerName): string {
  return join(root, "data/brokers", name);
}

const fileOf = (root: string, name: BrokerName): string => join(folderOf(root, name), "state.json");

/** Undefined: it was never started here. @throws BrokerFailure when the file is damaged. */
export function readState(root: string, name: BrokerName): BrokerState | undefined {
  const file = fileOf(root, name);
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
  try {
    const state = JSON.parse(text) as BrokerState;
    if (!Number.isInteger(state.pid) || !Number.isInteger(state.port)) throw new SyntaxError("no pid or port");
    return state;
  } catch (cause) {
    throw new BrokerFailure(
      `${file} is damaged (${(cause as Error).message}): end ${name} by hand and remove the file.`,
      {
        cause,
      },
    );
  }
}

export function writeState(root: string, name: BrokerName, state: BrokerState): void {
  const file = fileOf(root, name);
  mkdirSync(folderOf(root, name), { recursive: true });
  writeFileSync(`${file}.part`, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.part`, file);
}

/** Its process, unless it has ended; another process that got its id later is not it. */
export function processOf(root: string, name: BrokerName, state: BrokerState | undefined): ProcessFacts | undefined {
  const facts = state && factsOf(state.pid);
  return facts?.command.includes(folderOf(root, name)) ? facts : undefined;
}
