/** What is made once and kept: jars, formatted folders, class-data archives. Safe when several processes want the same at once. */
import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { tryLock } from "./lock.ts";

const CHECKOUT = resolve(import.meta.dirname, "../../../..");
const LOOK_EVERY_MS = 100;

/** `BROKERS_CACHE`, else a folder that `npm ci` removes and git ignores. */
export function cacheFolder(environment: NodeJS.ProcessEnv = process.env): string {
  return resolve(environment["BROKERS_CACHE"] || resolve(CHECKOUT, "node_modules/.cache/brokers"));
}

/**
 * `target`, made by `make` under another name and then renamed, unless it is there. One process at a time makes it, the others
 * wait; what a process that died left behind is in nobody's way. A failure of `make` is thrown, and the next caller tries again.
 */
export async function makeOnce(target: string, make: (part: string) => Promise<void>): Promise<string> {
  const lock = `${target}.lock`;
  mkdirSync(dirname(target), { recursive: true });
  while (!existsSync(target)) {
    if (!tryLock(lock)) {
      await delay(LOOK_EVERY_MS);
      continue;
    }
    const part = `${target}.${randomUUID()}.part`;
    try {
      if (existsSync(target)) break;
      removeParts(target);
      await make(part);
      renameSync(part, target);
    } finally {
      rmSync(part, { recursive: true, force: true });
      rmSync(lock, { force: true });
    }
  }
  return target;
}

/** What a process left that had the lock before and died. */
function removeParts(target: string): void {
  for (const name of readdirSync(dirname(target))) {
    if (name.startsWith(`${basename(target)}.`) && name.includes(".part")) {
      rmSync(join(dirname(target), name), { recursive: true, force: true });
    }
  }
}
