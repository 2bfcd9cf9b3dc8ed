/** Lays parts into records: packed batches that wait next to each other share one, so that small appends cost little. */
import { KAFKA_BINDING, type OutgoingRecord, toRecords } from "@distribution/broker-common";
import type { PackedBatch } from "@distribution/core/events";
import type { Part, Placement } from "./call.ts";

export interface Layout {
  readonly records: readonly OutgoingRecord[];
  /** One a part. */
  readonly placements: readonly Placement[];
  readonly events: number;
}

/** Packed batches share a record up to here, bytes of events: what is deleted and read with one of them is bounded by it. */
const SHARED_BYTES = 64 * 1024;

export function layOut(parts: readonly Part[]): Layout {
  const records: OutgoingRecord[] = [];
  const placements: Placement[] = [];
  let events = 0;
  for (let at = 0; at < parts.length; ) {
    const { packed, records: own } = parts[at]!;
    if (packed === undefined) {
      placements.push({ record: records.length, first: 0, total: 1 });
      records.push(...own);
      events += own.length;
      at += 1;
    } else {
      const together = neighbours(parts, at);
      const joined = join(together);
      let first = 0;
      for (const { count } of together) {
        placements.push({ record: records.length, first, total: joined.count });
        first += count;
      }
      records.push(...toRecords(joined, "packed", KAFKA_BINDING));
      events += joined.count;
      at += together.length;
    }
  }
  return { records, placements, events };
}

/** The packed batches from here on that go into one record. */
function neighbours(parts: readonly Part[], from: number): PackedBatch[] {
  const together = [parts[from]!.packed!];
  let bytes = together[0]!.bytes.length;
  for (let at = from + 1; at < parts.length; at += 1) {
    const { packed } = parts[at]!;
    if (packed === undefined || bytes + packed.bytes.length > SHARED_BYTES) break;
    together.push(packed);
    bytes += packed.bytes.length;
  }
  return together;
}

function join(batches: readonly PackedBatch[]): PackedBatch {
  if (batches.length === 1) return batches[0]!;
  const count = batches.reduce((sum, batch) => sum + batch.count, 0);
  const bytes = Buffer.concat(batches.map((batch) => batch.bytes));
  const bounds = new Uint32Array(2 * count);
  let at = 0;
  let origin = 0;
  for (const batch of batches) {
    for (let bound = 0; bound < batch.bounds.length; bound += 1) bounds[at + bound] = batch.bounds[bound]! + origin;
    at += batch.bounds.length;
    origin += batch.bytes.length;
  }
  return { bytes, count, bounds };
}
