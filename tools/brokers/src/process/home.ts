/** The folder of one broker: its data, configuration and log. */
import { mkdirSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { BrokerFailure } from "./failure.ts";
import { factsOf } from "./running.ts";

export interface Home {
  readonly folder: string;
  /** What it writes. */
  readonly log: string;
  /** The process id of the broker that runs on it, or did. */
  readonly owner: string;
  /** The folder, if it is to go with the process that made it. */
  readonly temporary: string | undefined;
}

/** `folder`, with what is in it, or a new temporary one. @throws BrokerFailure when a broker runs on it: two would damage its data. */
export function createHome(name: string, folder: string | undefined): Home {
  const made = folder === undefined ? mkdtempSync(join(tmpdir(), `${name}-`)) : resolve(folder);
  mkdirSync(made, { recursive: true });
  const home = {
    folder: made,
    log: join(made, "log"),
    owner: join(made, "pid"),
    temporary: folder === undefined ? made : undefined,
  };
  const owner = ownerOf(home);
  if (owner !== undefined)
    throw new BrokerFailure(`A broker with process id ${owner} runs on ${made}: end that first.`);
  return home;
}

/** Another process may have the id by now: a broker has its folder in its command. */
function ownerOf({ folder, owner }: Home): number | undefined {
  try {
    const pid = Number(readFileSync(owner, "utf8"));
    return factsOf(pid)?.command.includes(folder) ? pid : undefined;
  } catch {
    return undefined;
  }
}
