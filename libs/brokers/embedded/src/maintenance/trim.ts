/** Deleting the oldest records of a partition: what retention and truncation share. */
import type { Log } from "../log/log.ts";
import type { Partition } from "../log/partition.ts";
import { headerOf, type RecordHeader } from "../log/record.ts";
import type { Committer } from "../storage/committer.ts";
import { recordKeys, type Store } from "../storage/store.ts";

export interface Maintained {
  readonly store: Store;
  readonly log: Log;
  readonly committer: Committer;
}

/** Records of one transaction: appends wait no longer than its deletions take. */
export const CHUNK = 500;

/**
 * Deletes records from the oldest on, as long as `goes` says so of the next one, given the bytes that are left with it.
 * The partition then starts after the last that went. Values are not read: what counts stands in the keys.
 */
export async function trim(
  { store, committer }: Maintained,
  partition: Partition,
  goes: (record: RecordHeader, bytesLeft: number) => boolean,
): Promise<void> {
  let going: Uint8Array[];
  do {
    going = [];
    let bytesLeft = partition.state.bytes;
    for (const key of recordKeys(store, partition.id, CHUNK)) {
      const record = headerOf(key);
      if (!goes(record, bytesLeft)) break;
      going.push(key);
      bytesLeft -= record.footprint;
    }
    if (going.length > 0) await remove(committer, partition, going);
  } while (going.length === CHUNK);
}

function remove(committer: Committer, partition: Partition, keys: readonly Uint8Array[]): Promise<void> {
  return committer.run(0, (transaction) => {
    partition.assertServed();
    transaction.touch(partition);
    const { staged } = partition;
    for (const key of keys) {
      const record = headerOf(key);
      void transaction.store.log.remove(key);
      staged.events -= record.count - countUpTo(record, staged.start);
      staged.bytes -= record.footprint;
      staged.start = Math.max(staged.start, record.last);
    }
  });
}

/** Makes the partition start after `offset`; the record that holds it stays for its later events, and readers begin within. */
export async function truncate(maintained: Maintained, partition: Partition, offset: number): Promise<void> {
  await trim(maintained, partition, (record) => record.last <= offset);
  const record = maintained.log.headerAt(partition, offset);
  await maintained.committer.run(0, (transaction) => {
    partition.assertServed();
    transaction.touch(partition);
    const { staged } = partition;
    if (offset <= staged.start) return;
    if (record !== undefined) staged.events -= countUpTo(record, offset) - countUpTo(record, staged.start);
    staged.start = offset;
  });
}

/** Events of the record up to the offset; of a sparse record an estimate, the same one every time. */
const countUpTo = (record: RecordHeader, offset: number): number =>
  Math.max(0, Math.min(record.count, offset - record.base + 1));
