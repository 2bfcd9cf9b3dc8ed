/** The LMDB environment of a data folder: its databases, how it is opened, what its failures mean. */
import { closeSync, fsyncSync, mkdirSync, openSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { DistributionError } from "@distribution/core/errors";
import { type Database, open, type RootDatabase } from "lmdb";
import { highKey, lowKey, MAX_OFFSET } from "../log/record.ts";

export interface Store {
  readonly environment: RootDatabase;
  /** Records, see log/record.ts. */
  readonly log: Database<Uint8Array, Uint8Array>;
  /** By partition id: where a partition starts and ends. */
  readonly partitions: Database<Uint8Array, number>;
  /** By topic name. */
  readonly topics: Database<unknown, string>;
  /** By [group, partition id]: what the group has settled. */
  readonly groups: Database<unknown, (string | number)[]>;
  /** Counters and unfinished deletions. */
  readonly meta: Database<unknown, string>;
}

/** Address space, not disk: LMDB maps the file read-only and grows the map itself beyond this. */
const MAP_BYTES = 2 ** 38;

/**
 * Opens or creates the environment.
 *
 * Plain LMDB commits, not lmdb's overlapping sync: a commit is visible to readers only when fdatasync has returned, and its
 * promise says so, thus no reader sees an event that a power cut could take back.
 * Pages are not zeroed before they are filled (a quarter of the CPU of an append); what else lies on such a page
 * is this process's freed memory, and the folder is readable by its owner only.
 * Transactions are ours (`batch`), not one a turn of the event loop: lmdb's turn batching leaves a promise
 * of its own behind that nobody can catch when the commit fails.
 */
export function openStore(directory: string): Store {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const environment = open({
    path: directory,
    noSubdir: false,
    maxDbs: 8,
    mapSize: MAP_BYTES,
    overlappingSync: false,
    noMemInit: true,
    eventTurnBatching: false,
  });
  const store: Store = {
    environment,
    log: environment.openDB({ name: "log", keyEncoding: "binary", encoding: "binary" }),
    partitions: environment.openDB({ name: "partitions", keyEncoding: "uint32", encoding: "binary" }),
    topics: environment.openDB({ name: "topics", encoding: "json" }),
    groups: environment.openDB({ name: "groups", encoding: "json" }),
    meta: environment.openDB({ name: "meta", encoding: "json" }),
  };
  syncFolder(directory);
  syncFolder(dirname(resolve(directory)));
  return store;
}

/** A file survives a power cut only when the folder that names it was flushed, too. */
function syncFolder(directory: string): void {
  const folder = openSync(directory, "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/** The partition's record keys, oldest first, at most `limit`. */
export function recordKeys(store: Store, partitionId: number, limit: number): Uint8Array[] {
  return [...store.log.getKeys({ start: lowKey(partitionId, 0), end: highKey(partitionId, MAX_OFFSET), limit })];
}

/** What a failed transaction means for the one who waits for it. */
export async function storeFailure(failure: unknown, directory: string): Promise<DistributionError> {
  const cause = await rootCause(failure);
  const text = cause instanceof Error ? cause.message : String(cause);
  if (/MDB_MAP_FULL|No space left|ENOSPC/.test(text)) {
    return new DistributionError("storage_full", `The store in ${directory} cannot grow: ${text}. Free disk space.`, {
      cause,
    });
  }
  return new DistributionError("unavailable", `The store in ${directory} did not take the transaction: ${text}`, {
    cause,
  });
}

/** lmdb rejects a commit with an error whose `commitError` is a promise that rejects with the reason. */
async function rootCause(failure: unknown): Promise<unknown> {
  if (!(failure instanceof Error) || !("commitError" in failure)) return failure;
  try {
    await failure.commitError;
    return failure;
  } catch (reason) {
    return reason;
  }
}
