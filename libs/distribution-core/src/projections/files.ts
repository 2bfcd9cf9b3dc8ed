/** Files that are whole or not there: written beside the old one, flushed, put in its place, and checked when read. */
import { mkdirSync } from "node:fs";
import { open, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { DistributionError } from "../errors.ts";

export interface CheckpointFiles {
  /** Undefined: there is none. Throws `record_damaged` when it is not what was written. */
  read(name: string): Promise<Buffer | undefined>;
  /** Replaces the one before when all of it is on disk, and not before. Rejects with what `chunks` throws, too. */
  write(name: string, chunks: AsyncIterable<Uint8Array>): Promise<void>;
}

/** At the beginning of a file: the CRC-32 of all that follows, eight hexadecimal digits and a line break. */
const CHECK_BYTES = 9;
const checkOf = (crc: number): string => `${crc.toString(16).padStart(8, "0")}\n`;

/** In the folder, which is made where it is missing. One writer a name at a time. */
export function createCheckpointFiles(directory: string): CheckpointFiles {
  mkdirSync(directory, { recursive: true });
  const pathOf = (name: string): string => join(directory, `${name}.projection`);

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
