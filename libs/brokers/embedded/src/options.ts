/** What can be set on the embedded broker: every bound with its unit, default and range. */
import { fieldError } from "@distribution/core/errors";
import type { Logger } from "@distribution/core/observability";
import { type Runtime, systemRuntime } from "@distribution/core/runtime";

export interface EmbeddedBrokerOptions {
  /** The data folder: created with mode 0700 when missing, used by one process at a time, on a local disk. */
  readonly directory: string;
  readonly runtime?: Runtime;
  readonly logger?: Logger;
  /** Bytes that the logs may occupy in the file. Appends beyond are refused with `storage_full`. Default: no quota. */
  readonly maxBytes?: number;
  /**
   * Bytes of free disk that appends leave alone, so that settlements and retention still have room when publishers are
   * refused. Default 64 MiB.
   */
  readonly diskReserveBytes?: number;
  /** Largest batch of one write, bytes. Default 8 MiB, at most 512 MiB. */
  readonly maxBatchBytes?: number;
  /** Bytes appended and not yet durable before `append` refuses with `unavailable`. Default 256 MiB. */
  readonly maxQueuedBytes?: number;
  /** Bytes of one transaction: what arrives during a flush is committed together up to here. Default 16 MiB. */
  readonly maxTransactionBytes?: number;
  /** Bytes of newest batches, over all partitions that have readers, kept for readers near the head. Default 64 MiB. */
  readonly recentBytes?: number;
  /** Time between two rounds of retention and compaction, ms. Default 30,000. */
  readonly maintenanceIntervalMs?: number;
  /** Events one group holds out or ready at a time. Default 10,000. */
  readonly groupWindowEvents?: number;
  /** Bytes of events one group holds out or ready at a time. Default 32 MiB. */
  readonly groupWindowBytes?: number;
}

export type Settings = Required<Omit<EmbeddedBrokerOptions, "logger">>;

const KiB = 1024;
const MiB = 1024 * KiB;

/** Name, default, smallest and largest value. */
const BOUNDS = [
  ["maxBytes", Number.MAX_SAFE_INTEGER, 64 * KiB, Number.MAX_SAFE_INTEGER],
  ["diskReserveBytes", 64 * MiB, 1 * MiB, Number.MAX_SAFE_INTEGER],
  ["maxBatchBytes", 8 * MiB, 1, 512 * MiB],
  ["maxQueuedBytes", 256 * MiB, 1, Number.MAX_SAFE_INTEGER],
  ["maxTransactionBytes", 16 * MiB, 1, 1024 * MiB],
  ["recentBytes", 64 * MiB, 0, Number.MAX_SAFE_INTEGER],
  ["maintenanceIntervalMs", 30_000, 10, 2 ** 31 - 1],
  ["groupWindowEvents", 10_000, 1, 1_000_000],
  ["groupWindowBytes", 32 * MiB, 1, Number.MAX_SAFE_INTEGER],
] as const satisfies readonly (readonly [keyof EmbeddedBrokerOptions, number, number, number])[];

/** Fills in the defaults. Throws `invalid_request` naming the option, its range and what it was. */
export function settingsOf(options: EmbeddedBrokerOptions): Settings {
  if (typeof options.directory !== "string" || options.directory === "" || options.directory.includes("\0")) {
    throw fieldError("invalid_request", "directory", "must be the path of a folder; name one on a local disk");
  }
  const bounds: Record<string, number> = {};
  for (const [name, standard, least, most] of BOUNDS) {
    const value = options[name] ?? standard;
    if (!Number.isSafeInteger(value) || value < least || value > most) {
      throw fieldError("invalid_request", name, `must be a whole number from ${least} to ${most}, not ${value}`);
    }
    bounds[name] = value;
  }
  return {
    ...(bounds as Record<(typeof BOUNDS)[number][0], number>),
    directory: options.directory,
    runtime: options.runtime ?? systemRuntime,
  };
}
