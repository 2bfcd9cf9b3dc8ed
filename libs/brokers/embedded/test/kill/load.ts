/** What victim and test agree on. Events are written by hand here, so that the victim starts quickly. */
import type { StoredBatch } from "@distribution/core/brokers";
import type { PackedBatch } from "@distribution/core/events";

export const TOPIC = "kill.load";
export const GROUP = "kill-group";
export const PARTITIONS = 4;

/** `id/key` becomes an Event message with id (field 1) and key (field 6). Both are shorter than 128 bytes. */
export function packNamed(names: readonly string[]): PackedBatch {
  const bytes: number[] = [];
  const bounds: number[] = [];
  for (const name of names) {
    const [id = "", key = ""] = name.split("/");
    const message = [0x0a, id.length, ...Buffer.from(id), 0x32, key.length, ...Buffer.from(key)];
    bytes.push(0x0a, message.length);
    bounds.push(bytes.length, bytes.length + message.length);
    bytes.push(...message);
  }
  return { bytes: Uint8Array.from(bytes), count: names.length, bounds: Uint32Array.from(bounds) };
}

export function idsOfBatch({ batch }: Pick<StoredBatch, "batch">): string[] {
  return Array.from({ length: batch.count }, (_, event) => {
    const start = batch.bounds[2 * event]! + 2;
    return Buffer.from(batch.bytes.subarray(start, start + batch.bytes[start - 1]!)).toString();
  });
}
