/** How far a player is, in a file: what it holds is as of one moment, or it is not there. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { WorldDomain } from "../names.ts";
import { damaged } from "../options.ts";

export interface Progress {
  readonly domain: WorldDomain;
  /** Events of the domain that are durable or refused: all up to the state. */
  readonly acknowledged: number;
  /** When: Unix time, ns. What was told after them was published later. */
  readonly notedNs: bigint;
  /** The world right after them. */
  readonly state: Uint8Array;
}

const NEWLINE = 10;
const REMEDY = "Move it away and start a new world, or restore the file.";

export async function writeProgress(file: string, progress: Progress): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(draftOf(file), bytesOf(progress), { flush: true });
  await rename(draftOf(file), file);
}

export function writeProgressAtOnce(file: string, progress: Progress): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(draftOf(file), bytesOf(progress), { flush: true });
  renameSync(draftOf(file), file);
}

const draftOf = (file: string): string => `${file}.new`;

/** One line of JSON for people, then the world's state. */
function bytesOf({ domain, acknowledged, notedNs, state }: Progress): Uint8Array {
  const header = `${JSON.stringify({ domain, acknowledged, notedNs: String(notedNs) })}\n`;
  return Buffer.concat([Buffer.from(header), state]);
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
  const { acknowledged, notedNs } = header;
  return { domain, acknowledged, notedNs, state: bytes.subarray(end + 1) };
}

interface Header extends Pick<Progress, "acknowledged" | "notedNs"> {
  readonly domain: string;
}

function parseHeader(file: string, text: string): Header {
  try {
    const { domain, acknowledged, notedNs } = JSON.parse(text) as Readonly<Record<string, unknown>>;
    if (typeof domain === "string" && Number.isSafeInteger(acknowledged) && typeof notedNs === "string") {
      return { domain, acknowledged: acknowledged as number, notedNs: BigInt(notedNs) };
    }
  } catch (cause) {
    throw damaged(`${file} is no progress of a player.`, REMEDY, cause);
  }
  throw damaged(`${file} is no progress of a player.`, REMEDY);
}
