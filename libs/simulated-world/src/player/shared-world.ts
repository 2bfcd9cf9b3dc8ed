/** What the processes that play parts of one world agree on, in a file that the first of them writes. */
import { randomUUID } from "node:crypto";
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { checkIdentity, damaged, type WorldIdentity } from "../options.ts";

const REMEDY = "Delete it, and the progress of all players with it, to start a new world.";

/**
 * The world of the file; where there is none, `wanted` is written and becomes it. Of several processes at the same time one
 * decides. Throws `invalid_request` for a `wanted` out of range, `record_damaged` for a file that describes no world.
 */
export function sharedWorld(file: string, wanted: WorldIdentity): WorldIdentity {
  checkIdentity(wanted);
  return read(file) ?? create(file, wanted) ?? sharedWorld(file, wanted);
}

/** Undefined: another process was faster. The file appears whole: a draft gets its name, which fails where it is taken. */
function create(file: string, { seed, startNs, scenario, rate }: WorldIdentity): WorldIdentity | undefined {
  mkdirSync(dirname(file), { recursive: true });
  const draft = `${file}.${randomUUID()}`;
  writeFileSync(draft, `${JSON.stringify({ seed, startNs: String(startNs), scenario, rate })}\n`, { flag: "wx" });
  try {
    linkSync(draft, file);
  } catch (failure) {
    if ((failure as NodeJS.ErrnoException).code === "EEXIST") return undefined;
    throw failure;
  } finally {
    rmSync(draft, { force: true });
  }
  return { seed, startNs, scenario, rate };
}

function read(file: string): WorldIdentity | undefined {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (failure) {
    if ((failure as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw failure;
  }
  try {
    const { startNs, ...others } = JSON.parse(text) as Omit<WorldIdentity, "startNs"> & { readonly startNs: string };
    const { seed, scenario, rate } = others;
    const identity = { seed, startNs: BigInt(startNs), scenario, rate };
    checkIdentity(identity, file);
    return identity;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw damaged(`${file} describes no world: ${why}`, REMEDY, cause);
  }
}
