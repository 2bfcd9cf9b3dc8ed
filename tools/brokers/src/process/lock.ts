/** Files that say which process has something, and are worth nothing once it has ended. */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { isRunning } from "./running.ts";

/** Whether this process has it now. A file whose process is gone is removed, for the next try to succeed. */
export function tryLock(file: string): boolean {
  try {
    writeFileSync(file, String(process.pid), { flag: "wx" });
    return true;
  } catch (failure) {
    if ((failure as NodeJS.ErrnoException).code !== "EEXIST") throw failure;
  }
  const owner = ownerOf(file);
  if (owner !== undefined && !isRunning(owner)) rmSync(file, { force: true });
  return false;
}

/** Undefined: given up meanwhile, or about to be written. */
function ownerOf(file: string): number | undefined {
  try {
    return Number(readFileSync(file, "utf8")) || undefined;
  } catch {
    return undefined;
  }
}
