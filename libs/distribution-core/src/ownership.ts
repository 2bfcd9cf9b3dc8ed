/**
 * One process a folder. Its owner is where the symbolic link `in-use-by` points, since the system makes a link with its target
 * at once and never over another; it needs no room, so that a folder on a full disk can be opened.
 */
import { createHash } from "node:crypto";
import { readFileSync, readlinkSync, renameSync, rmSync, symlinkSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { DistributionError } from "./errors.ts";

export interface Ownership {
  /** Idempotent. */
  release(): void;
}

/** Throws `unavailable`, naming folder and pid, when a living process owns the folder. */
export function ownFolder(directory: string): Ownership {
  const link = join(directory, "in-use-by");
  const holder = take(link, nameOf(process.pid));
  if (holder !== undefined) {
    throw new DistributionError(
      "unavailable",
      `The data folder ${directory} is in use by process ${holder}. Stop it, or choose another folder.`,
    );
  }
  let owned = true;
  return {
    release() {
      if (owned) rmSync(link, { force: true });
      owned = false;
    },
  };
}

/**
 * Undefined, or the pid of who has it. Who follows one that died has to be the one that holds the link named for that: so of
 * several that come at once one follows, also where one of them dies midway.
 */
function take(link: string, self: string): number | undefined {
  for (;;) {
    if (succeeds(() => symlinkSync(self, link), "EEXIST")) return undefined;
    const owner = targetOf(link);
    if (owner === undefined) continue;
    const pid = Number.parseInt(owner, 10);
    if (isAlive(pid) && nameOf(pid) === owner) return pid;
    const next = `${link}-after-${owner}`;
    const holder = take(next, self);
    if (holder !== undefined) return holder;
    if (targetOf(link) === owner) {
      renameSync(next, link);
      return undefined;
    }
    unlinkSync(next);
  }
}

/** Undefined: it is gone meanwhile. */
function targetOf(link: string): string | undefined {
  let target: string | undefined;
  succeeds(() => {
    target = readlinkSync(link);
  }, "ENOENT");
  return target;
}

/** False when it fails with the code. */
function succeeds(call: () => void, otherwise: string): boolean {
  try {
    call();
    return true;
  } catch (failure) {
    if ((failure as NodeJS.ErrnoException).code !== otherwise) throw failure;
    return false;
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (failure) {
    return (failure as NodeJS.ErrnoException).code !== "ESRCH";
  }
}

/** Tells a process also from an earlier or later one of the same pid, where the system says when it was born. */
const nameOf = (pid: number): string =>
  `${pid}-${createHash("sha256").update(birthOf(pid)).digest("hex").slice(0, 16)}`;

/** Boot and start time of a process on Linux: a container's first process is pid 1 every time. */
function birthOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field is the command in parentheses, which may hold blanks; the start time is the 20th after it.
    const started = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
    return `${readFileSync("/proc/sys/kernel/random/boot_id", "utf8")}/${started}`;
  } catch {
    return "";
  }
}
