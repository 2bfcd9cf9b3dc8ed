/**
 * One process a data folder. The owner is named in the file `owner`; who may write there is decided under LMDB's own writer
 * lock, which the operating system releases when a process is killed, so a take-over cannot race.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DistributionError } from "@distribution/core/errors";
import { ABORT, type RootDatabase } from "lmdb";

export interface Ownership {
  release(): void;
}

interface Owner {
  readonly pid: number;
  /** What tells this process from an earlier or later one of the same pid; empty where the system does not say. */
  readonly born: string;
}

/** Overwritten in place at one length, so that a folder on a full disk can still be opened. */
const FILE_BYTES = 128;

/** Throws `unavailable`, naming folder and pid, when a living process owns the folder. */
export function takeOwnership(environment: RootDatabase, directory: string): Ownership {
  const file = join(directory, "owner");
  const self: Owner = { pid: process.pid, born: birthOf(process.pid) };
  const write = (owner: Owner | undefined): void =>
    writeFileSync(file, (owner === undefined ? "" : JSON.stringify(owner)).padEnd(FILE_BYTES), {
      flag: openFlag(file),
    });
  let holder: Owner | undefined;
  environment.transactionSync(() => {
    holder = readOwner(file);
    if (holder === undefined || !isAlive(holder)) {
      holder = undefined;
      write(self);
    }
    return ABORT;
  });
  if (holder !== undefined) {
    throw new DistributionError(
      "unavailable",
      `The data folder ${directory} is in use by process ${holder.pid}. Stop it, or choose another folder.`,
    );
  }
  return { release: () => write(undefined) };
}

/** "r+" keeps the file's blocks; "w" only to create it. */
const openFlag = (file: string): "r+" | "w" => (readText(file) === undefined ? "w" : "r+");

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

/** Undefined when there is none, or what is there is not an owner: half-written by a process that was killed. */
function readOwner(file: string): Owner | undefined {
  const text = readText(file)?.trim();
  if (text === undefined || text === "") return undefined;
  try {
    return JSON.parse(text) as Owner;
  } catch {
    return undefined;
  }
}

function isAlive(owner: Owner): boolean {
  try {
    process.kill(owner.pid, 0);
  } catch (failure) {
    if ((failure as NodeJS.ErrnoException).code === "ESRCH") return false;
  }
  return birthOf(owner.pid) === owner.born;
}

/** Boot and start time of a process on Linux: a container's first process is pid 1 every time. */
function birthOf(pid: number): string {
  const stat = readText(`/proc/${pid}/stat`);
  const boot = readText("/proc/sys/kernel/random/boot_id")?.trim();
  if (stat === undefined || boot === undefined) return "";
  // The second field is the command in parentheses, which may hold blanks; the start time is the 20th after it.
  return `${boot}/${stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]}`;
}
