/** Reading records of the store: ranges for readers, single headers for seeking, counting and maintenance. */
import { DistributionError } from "@distribution/core/errors";
import type { Store } from "../storage/store.ts";
import type { Partition } from "./partition.ts";
import { headerOf, highKey, KEY_BYTES, lowKey, type RecordHeader, readRecord } from "./record.ts";
import type { Stored } from "./stored.ts";

export interface Log {
  /**
   * The batches that hold the events from `from` to `to`, the first one cut to begin there; stops once `maxBytes` are reached.
   * Throws `record_damaged` when the first record is; a later one ends the list, so that the next call begins with it.
   */
  read(partition: Partition, from: number, to: number, maxBytes: number): Stored[];
  /** The header of the last record whose base is `offset` or less. */
  headerAt(partition: Partition, offset: number): RecordHeader | undefined;
  /** The first offset whose batch was appended at this time or later; one after the end when there is none. */
  seekTime(partition: Partition, time: bigint): number;
  /** The error for a record at this offset that fails its checksum; it is reported. */
  damage(partition: Partition, offset: number): DistributionError;
  /** Events after this offset. */
  countAfter(partition: Partition, offset: number): number;
}

export interface LogOptions {
  readonly store: Store;
  /** Told of every damaged record that a read came upon. */
  onDamage(error: DistributionError): void;
}

export function createLog({ store, onDamage }: LogOptions): Log {
  const damaged = (partition: Partition, offset: number, what: string, cause?: unknown): DistributionError => {
    const error = new DistributionError(
      "record_damaged",
      `The record at ${partition.positionText(offset)} ${what}. Restore the data folder, or give the record up by truncating to the end of the damage.`,
      { cause },
    );
    onDamage(error);
    return error;
  };

  const headerAt = (partition: Partition, offset: number): RecordHeader | undefined => {
    const start = highKey(partition.id, offset);
    for (const key of store.log.getKeys({ start, end: lowKey(partition.id, 0), reverse: true, limit: 1 })) {
      return headerOf(key);
    }
    return undefined;
  };

  /** Where the record that holds `from` begins, if one does. */
  const floorOf = (partition: Partition, from: number): number => {
    for (const _ of store.log.getKeys({
      start: lowKey(partition.id, from),
      end: lowKey(partition.id, from + 1),
      limit: 1,
    })) {
      return from;
    }
    return headerAt(partition, from)?.base ?? from;
  };

  const collect = (partition: Partition, from: number, to: number, maxBytes: number): Stored[] => {
    const found: Stored[] = [];
    let next = from;
    let bytes = 0;
    const range = { start: lowKey(partition.id, floorOf(partition, from)), end: highKey(partition.id, to) };
    for (const { key, value } of store.log.getRange(range)) {
      const stored = readRecord(partition.epoch, key, value);
      const base = stored?.base ?? (key.length === KEY_BYTES ? headerOf(key).base : next);
      if (stored === undefined || (base > next && base > partition.state.compactedTo + 1)) {
        if (found.length > 0) return found;
        throw stored === undefined
          ? damaged(partition, Math.max(base, next), "fails its checksum")
          : damaged(partition, next, `is missing, up to offset ${base - 1}`);
      }
      const place = stored.placeOf(next);
      if (place === stored.batch.count) continue;
      found.push(stored.cut(place, stored.batch.count));
      next = stored.last + 1;
      bytes += stored.batch.bytes.length;
      if (bytes >= maxBytes) return found;
    }
    if (next <= to && to > partition.state.compactedTo && found.length === 0) {
      throw damaged(partition, next, `is missing, up to offset ${to}`);
    }
    return found;
  };

  return {
    headerAt,
    damage: (partition, offset) => damaged(partition, offset, "fails its checksum"),
    read(partition, from, to, maxBytes) {
      try {
        return collect(partition, from, to, maxBytes);
      } catch (failure) {
        throw failure instanceof DistributionError ? failure : damaged(partition, from, "cannot be read", failure);
      }
    },
    seekTime(partition, time) {
      let low = partition.state.start + 1;
      let high = partition.state.end + 1;
      while (low < high) {
        const middle = Math.floor((low + high) / 2);
        const header = headerAt(partition, middle);
        // No record at or before the middle: a hole that compaction left, older than what follows.
        if (header === undefined || header.appendedAt < time) low = middle + 1;
        else high = Math.max(low, Math.min(middle, header.base));
      }
      return low;
    },
    countAfter(partition, offset) {
      const { start, end, compactedTo } = partition.state;
      const after = Math.max(start, offset);
      if (after >= compactedTo) return end - after;
      let count = end - compactedTo;
      const range = { start: lowKey(partition.id, after + 1), end: highKey(partition.id, compactedTo) };
      for (const key of store.log.getKeys(range)) count += headerOf(key).count;
      return count;
    },
  };
}
