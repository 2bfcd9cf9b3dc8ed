/** What the system knows of a process that may not be ours. */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";

export interface ProcessFacts {
  /** What it was started with, in one line. */
  readonly command: string;
  /** What it has in memory, in bytes. */
  readonly memory: number;
}

/** Undefined: there is no such process, or it has ended and only nobody has asked how. */
export function factsOf(pid: number): ProcessFacts | undefined {
  try {
    return existsSync("/proc/self/status") ? fromProc(pid) : fromPs(pid);
  } catch {
    return undefined;
  }
}

export function isRunning(pid: number): boolean {
  return factsOf(pid) !== undefined;
}

/** Whether SIGSTOP holds all of its threads. Where the system does not tell of threads it is taken to. */
export function isHeld(pid: number): boolean {
  const threads = `/proc/${pid}/task`;
  return !existsSync(threads) || readdirSync(threads).every((thread) => isStopped(`${threads}/${thread}/stat`));
}

function isStopped(stat: string): boolean {
  try {
    // After the name, which may hold anything.
    return /\) T [^)]*$/.test(readFileSync(stat, "utf8"));
  } catch {
    return true;
  }
}

function fromProc(pid: number): ProcessFacts | undefined {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const field = (name: string): string => new RegExp(`^${name}:\\s*(.*)$`, "m").exec(status)?.[1] ?? "";
  // The first thread may have ended before others, which still hold its ports.
  if (field("State").startsWith("Z") && field("Threads") === "1") return undefined;
  const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  return { command, memory: Number.parseInt(field("VmRSS"), 10) * 1024 };
}

function fromPs(pid: number): ProcessFacts | undefined {
  const line = execFileSync("ps", ["-o", "stat=,rss=,args=", "-p", String(pid)], { encoding: "utf8" }).trim();
  const [, state = "Z", kilobytes = "0", command = ""] = /^(\S+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
  return state.startsWith("Z") ? undefined : { command, memory: Number(kilobytes) * 1024 };
}
