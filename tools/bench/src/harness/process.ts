/** What the kernel says of a process. Linux only. */
import { readFileSync } from "node:fs";

/** Length of a clock tick of /proc/<pid>/stat: 100 a second on every Linux that Node runs on. */
const SECONDS_PER_TICK = 0.01;

/** User and system time that all threads of the process have used, seconds. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The second field is the command in parentheses and may hold spaces; utime and stime are the 12th and 13th after it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * SECONDS_PER_TICK;
}

/** Resident memory of the process, bytes. */
export function residentBytes(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  if (kilobytes === undefined) throw new Error(`/proc/${pid}/status has no VmRSS`);
  return Number(kilobytes) * 1024;
}
