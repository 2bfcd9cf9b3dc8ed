/** What `npm run brokers -- …` can be asked for. */
import { parseArgs } from "node:util";
import type { BrokerName } from "../process/versions.ts";

export const COMMANDS = ["start", "stop", "status", "kill", "restart", "prepare"] as const;
export type Command = (typeof COMMANDS)[number];

export const BROKERS: readonly BrokerName[] = ["kafka", "pulsar"];

export interface Request {
  readonly command: Command;
  readonly brokers: readonly BrokerName[];
  readonly tls: boolean;
  readonly auth: boolean;
}

export const USAGE = `npm run brokers -- <command> [kafka] [pulsar] [--tls] [--auth]
  start     a real Kafka and a real Pulsar on this machine, or the one named; they run on when the command has ended
  stop      ends them; their data stay in data/brokers
  status    process, addresses, whether they answer, memory; exit code 1 unless all named do
  kill      ends them as kill -9 does
  restart   ends them and starts them as they were: same data, ports and ways in
  prepare   fetches what start needs, so that it works without a network
  --tls     start: clients come by TLS
  --auth    start: clients log in, with SCRAM-SHA-512 to Kafka and with a token to Pulsar`;

/** @throws RangeError that says what is wrong with the words. */
export function readArguments(words: readonly string[]): Request {
  const { values, positionals } = parse(words);
  const [command, ...named] = positionals;
  if (!isOneOf(COMMANDS, command)) {
    throw new RangeError(
      `${command === undefined ? "No command" : `Unknown command "${command}"`}: one of ${COMMANDS.join(", ")}.`,
    );
  }
  const brokers = named.map((name) => {
    if (!isOneOf(BROKERS, name)) throw new RangeError(`Unknown broker "${name}": ${BROKERS.join(" or ")}.`);
    return name;
  });
  const { tls = false, auth = false } = values;
  if ((tls || auth) && command !== "start") throw new RangeError(`--tls and --auth are for start, not for ${command}.`);
  return { command, brokers: brokers.length > 0 ? [...new Set(brokers)] : BROKERS, tls, auth };
}

function parse(words: readonly string[]) {
  try {
    const options = { tls: { type: "boolean" }, auth: { type: "boolean" } } as const;
    return parseArgs({ args: [...words], options, allowPositionals: true });
  } catch (failure) {
    throw new RangeError((failure as Error).message);
  }
}

function isOneOf<T extends string>(all: readonly T[], word: string | undefined): word is T {
  return (all as readonly (string | undefined)[]).includes(word);
}
