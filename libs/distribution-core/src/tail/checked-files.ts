/**
 * Files that are whole or not there: written beside the old one, flushed, put in its place, and checked when read. In them are
 * lines of JSON, each followed by as many bytes as it says: whoever writes many does so in parts, and holds up nobody.
 */
import { mkdirSync } from "node:fs";
import { open, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { DistributionError } from "../errors.ts";

export interface CheckedFiles {
  /** Undefined: there is none. Throws `record_damaged` when it is not what was written. */
  read(name: string): Promise<Buffer | undefined>;
  /** Replaces the one before when all of it is on disk, and not before. Rejects with what `chunks` throws, too. */
  write(name: string, chunks: AsyncIterable<Uint8Array>): Promise<void>;
}

/** At the beginning of a file: the CRC-32 of all that follows, eight hexadecimal digits and a line break. */
const CHECK_BYTES = 9;
const checkOf = (crc: number): string => `${crc.toString(16).padStart(8, "0")}\n`;

/** In the folder, which is made where it is missing; `extension` without a dot. One writer a name at a time. */
export function createCheckedFiles(directory: string, extension: string): CheckedFiles {
  mkdirSync(directory, { recursive: true });
  const pathOf = (name: string): string => join(directory, `${name}.${extension}`);

  return {
    async read(name) {
      const file = await readFile(pathOf(name)).catch(absent);
      if (!file) return undefined;
      const body = file.subarray(CHECK_BYTES);
      if (file.toString("latin1", 0, CHECK_BYTES) === checkOf(crc32(body))) return body;
      throw new DistributionError("record_damaged", `${pathOf(name)} fails its checksum.`);
    },
    async write(name, chunks) {
      const path = pathOf(name);
      const temporary = `${path}.new`;
      try {
        await writeChecked(temporary, chunks);
        await rename(temporary, path);
      } catch (failure) {
        await rm(temporary, { force: true });
        throw failure;
      }
    },
  };
}

async function writeChecked(path: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  const file = await open(path, "w");
  try {
    await file.write(checkOf(0));
    let crc = 0;
    for await (const chunk of chunks) {
      crc = crc32(chunk, crc);
      await file.writeFile(chunk);
    }
    await file.write(checkOf(crc), 0);
    await file.sync();
  } finally {
    await file.close();
  }
}

function absent(failure: NodeJS.ErrnoException): undefined {
  if (failure.code !== "ENOENT") throw failure;
}

export const line = (value: object): Buffer => Buffer.from(`${JSON.stringify(value)}\n`);

const NEWLINE = 10;

/** The file is whole, so what does not fit in it is a defect, not damage. */
export function createLineReader(file: Buffer) {
  let at = 0;
  return {
    line(): object {
      const end = file.indexOf(NEWLINE, at);
      const value = JSON.parse(file.toString("utf8", at, end)) as object;
      at = end + 1;
      return value;
    },
    bytes(length: number): Uint8Array {
      at += length;
      return file.subarray(at - length, at);
    },
  };
}
