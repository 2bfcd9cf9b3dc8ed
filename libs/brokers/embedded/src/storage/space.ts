/**
 * Room to write. Publishers are refused before the disk is full, not when a write fails: what is left lets settlements and
 * retention go on, which is how space returns. It also keeps LMDB from ever meeting ENOSPC, where version 3.5.6
 * of lmdb formats its message into a buffer that is too short (mdb.c, mdb_page_flush) and corrupts the heap.
 */
import { statfsSync } from "node:fs";
import type { Store } from "./store.ts";

export interface Space {
  /** Why these bytes of events may not be appended, given what the logs hold already; undefined when they may. */
  refuseAppend(bytes: number, liveBytes: number): string | undefined;
  /** Why nothing at all may be written, not even a settlement. */
  refuseAny(bytes: number): string | undefined;
}

/** Tree pages that a transaction copies besides what it stores. */
const OVERHEAD_BYTES = 256 * 1024;
const PAGE_BYTES = 4096;

export interface SpaceOptions {
  readonly directory: string;
  readonly maxBytes: number;
  readonly diskReserveBytes: number;
}

export function createSpace(store: Store, options: SpaceOptions): Space {
  const { directory, maxBytes, diskReserveBytes } = options;
  /** Or why that is not known: somebody has taken the folder away, for example. */
  const freeBytes = (): number | string => {
    try {
      const { bavail, bsize } = statfsSync(directory);
      return bavail * bsize;
    } catch (failure) {
      return `the disk of ${directory} does not tell what is free on it (${(failure as Error).message}); put the folder back, or start again on one that is there`;
    }
  };
  /** Pages of the file that deletions have freed, as near as that can be known: LMDB does not count them. */
  const reusableBytes = (liveBytes: number): number => {
    const { lastPageNumber } = store.environment.getStats() as { readonly lastPageNumber: number };
    return Math.max(0, lastPageNumber * PAGE_BYTES - liveBytes * 1.05);
  };
  const short = (free: number): string =>
    `${free} bytes are free on the disk of ${directory} and ${diskReserveBytes} are kept in reserve (diskReserveBytes); free some, or shorten retention`;

  return {
    refuseAppend(bytes, liveBytes) {
      if (liveBytes + bytes > maxBytes) {
        return `the logs in ${directory} hold ${liveBytes} of ${maxBytes} bytes (maxBytes); raise it, or shorten retention`;
      }
      const need = bytes + OVERHEAD_BYTES;
      const free = freeBytes();
      if (typeof free === "string") return free;
      if (free - need >= diskReserveBytes) return undefined;
      const fits = free - need >= diskReserveBytes / 2 && free - need + reusableBytes(liveBytes) >= diskReserveBytes;
      return fits ? undefined : short(free);
    },
    refuseAny(bytes) {
      const free = freeBytes();
      if (typeof free === "string") return free;
      return free - bytes - OVERHEAD_BYTES >= diskReserveBytes / 8 ? undefined : short(free);
    },
  };
}
