/** How far a player is, in a file: what it holds is as of one moment, or it is not there. */
import { readFileSync } from "node:fs";
import { mkdir, open, rename } from "node:fs/promises";
import { dirname } from "node:path";
import type { WorldDomain } from "../names.ts";
import { damaged } from "../options.ts";

export interface Progress {
  readonly domain: WorldDomain;
  /** Events of the domain that are durable or refused: all up to the state. */
  readonly acknowledged: number;
  /** The world right after them. */
  readonly state: Uint8Array;
}

const NEWLINE = 10;
const REMEDY = "Move it away and start a new world, or restore the file.";

/** One line of JSON for people, then the world's state. */
export async function writeProgress(file: string, { domain, acknowledged, state }: Progress): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const draft = `${file}.new`;
  const handle = await open(draft, "w");
  try {
    await handle.writeFile(`${JSON.stringify({ domain, acknowledged })}\n`);
    await handle.writeFile(state);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(draft, file);
}

/** Undefined: there is none yet. Throws `record_damaged` on a file that is no progress of the domain. */
export function readProgress(file: string, domain: WorldDomain): Progress | undefined {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (failure) {
    if ((failure as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw failure;
  }
  const end = bytes.indexOf(NEWLINE);
  const header = parseHeader(file, bytes.toString("utf8", 0, Math.max(end, 0)));
  if (header.domain !== domain) {
    throw damaged(`${file} is the progress of ${header.domain}, not of ${domain}.`, "Give each player its own file.");
  }
  return { domain, acknowledged: header.acknowledged, state: bytes.subarray(end + 1) };
}

function parseHeader(file: string, text: string): { readonly domain: string; readonly acknowledged: number } {
  try {
    const { domain, acknowledged } = JSON.parse(text) as { readonly domain: unknown; readonly acknowledged: unknown };
    if (typeof domain === "string" && Number.isSafeInteger(acknowledged)) {
      return { domain, acknowledged: acknowledged as number };
    }
  } catch (cause) {
    throw damaged(`${file} is no progress of a player.`, REMEDY, cause);
  }
  throw damaged(`${file} is no progress of a player.`, REMEDY);
}
