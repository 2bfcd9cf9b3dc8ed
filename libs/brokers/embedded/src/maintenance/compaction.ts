/**
 * Compaction: of every key the latest event stays, with its offset. One pass from the newest record to the oldest, remembering the
 * keys it met: the later event of a key is met first. Events without a key have nothing that supersedes them and stay.
 * Memory: one entry a key of the partition, for the time of the pass.
 */

import { keyOf, pick } from "@distribution/broker-common";
import type { Runtime } from "@distribution/core/runtime";
import type { Partition } from "../log/partition.ts";
import { footprint, headerOf, highKey, KEY_BYTES, lowKey, readRecord, writeRecord } from "../log/record.ts";
import { Stored } from "../log/stored.ts";
import type { Store } from "../storage/store.ts";
import { CHUNK, type Maintained } from "./trim.ts";

/** What becomes of one record. */
interface Change {
  readonly key: Uint8Array;
  readonly kept: Stored | undefined;
}

/** Bytes of records read between two turns of the event loop. */
const READ_BYTES = 1024 * 1024;

/** Throws `record_damaged` when a record is: what follows from it cannot be known, so the pass ends there. */
export async function compact(maintained: Maintained, partition: Partition, runtime: Runtime): Promise<void> {
  const end = partition.state.end;
  if (end === partition.state.compactedTo) return;
  const seen = new Set<string>();
  // Holes are announced before the first is made, lest a reader takes one for damage.
  await maintained.committer.run(0, (transaction) => {
    transaction.touch(partition);
    partition.staged.compactedTo = end;
  });
  let upTo = end;
  while (upTo > partition.state.start) {
    await new Promise<void>((resolve) => runtime.timers.soon(resolve));
    partition.assertServed();
    const { changes, next } = examine(maintained, partition, upTo, seen);
    if (changes.length > 0) await apply(maintained, partition, changes);
    upTo = next;
  }
}

/** Reads records from `upTo` downwards and says which change; `next` is where to go on. */
function examine(
  { store, log }: Maintained,
  partition: Partition,
  upTo: number,
  seen: Set<string>,
): { changes: Change[]; next: number } {
  const changes: Change[] = [];
  let bytes = 0;
  let next = 0;
  for (const { key, value } of newestFirst(store, partition, upTo)) {
    const record = readRecord(partition.epoch, key, value);
    if (record === undefined) throw log.damage(partition, headerOf(key).base);
    const kept = keep(record, seen);
    if (kept !== record) changes.push({ key, kept });
    next = record.base - 1;
    bytes += value.length;
    if (bytes >= READ_BYTES) break;
  }
  return { changes, next };
}

const newestFirst = (store: Store, partition: Partition, upTo: number) =>
  store.log.getRange({
    start: highKey(partition.id, upTo),
    end: lowKey(partition.id, 0),
    reverse: true,
    limit: CHUNK,
  });

/** What stays of a record; the record itself when all of it does. */
function keep(record: Stored, seen: Set<string>): Stored | undefined {
  const { batch } = record;
  const places: number[] = [];
  for (let event = batch.count - 1; event >= 0; event -= 1) {
    const key = keyOf(batch, event);
    if (key !== "" && seen.has(key)) continue;
    seen.add(key);
    places.push(event);
  }
  if (places.length === batch.count) return record;
  if (places.length === 0) return undefined;
  places.reverse();
  const base = record.numberAt(places[0]!);
  const deltas = Uint32Array.from(places, (place) => record.numberAt(place) - base);
  return new Stored(record.epoch, base, record.appendedAt, pick(batch, places), deltas);
}

function apply({ committer }: Maintained, partition: Partition, changes: readonly Change[]): Promise<void> {
  const newKey = Buffer.alloc(KEY_BYTES);
  let bytes = 0;
  for (const { kept } of changes) bytes += kept === undefined ? 0 : footprint(kept.batch.bytes.length);
  return committer.run(bytes, (transaction) => {
    partition.assertServed();
    transaction.touch(partition);
    const { staged } = partition;
    for (const { key, kept } of changes) {
      const header = headerOf(key);
      void transaction.store.log.remove(key);
      staged.events -= header.count - (kept?.batch.count ?? 0);
      staged.bytes -= header.footprint;
      if (kept === undefined) continue;
      const value = writeRecord(newKey, partition.id, kept);
      void transaction.store.log.put(newKey, value);
      staged.bytes += footprint(value.length);
    }
  });
}
