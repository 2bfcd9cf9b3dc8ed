/**
 * Positions on a Kafka partition as offsets of the Broker contract.
 *
 *     17.2   the third event in the record at offset 17, which has more after it
 *     17     the last event in the record at offset 17, and so everything up to it
 *     -1     the place before the first record
 *
 * Because the last event of a record is named by the record alone, the position before any record is known without reading
 * the one before it, which may be gone.
 */
import type { Offset } from "@distribution/core/brokers";
import { fieldError } from "@distribution/core/errors";

export interface Place {
  /** The record's offset in the partition; -1 before the first. */
  readonly record: bigint;
  /** Of the event within the record; undefined: its last. */
  readonly index: number | undefined;
}

const SHAPE = /^(-1|0|[1-9][0-9]{0,18})(?:\.(0|[1-9][0-9]{0,8}))?$/;
const MAX_OFFSET = 2n ** 63n - 1n;

export function formatOffset(record: bigint, index: number, count: number): Offset {
  return index === count - 1 ? record.toString() : `${record}.${index}`;
}

/** The position before everything in the record at this offset. */
export const beforeRecord = (record: bigint): Offset => (record - 1n).toString();

/** Throws `invalid_request` naming the field on what is no offset. */
export function parseOffset(text: string, field: string): Place {
  const found = typeof text === "string" ? SHAPE.exec(text) : null;
  const record = found === null ? MAX_OFFSET + 1n : BigInt(found[1]!);
  if (record > MAX_OFFSET || (record < 0n && found?.[2] !== undefined)) {
    throw fieldError("invalid_request", field, `must be an offset of a Kafka partition, as 17 or 17.2, not ${text}`);
  }
  return { record, index: found?.[2] === undefined ? undefined : Number(found[2]) };
}

export function compareOffsets(a: Offset, b: Offset): number {
  const left = parseOffset(a, "a");
  const right = parseOffset(b, "b");
  if (left.record !== right.record) return left.record < right.record ? -1 : 1;
  return Math.sign(indexOrLast(left) - indexOrLast(right));
}

const indexOrLast = ({ index }: Place): number => index ?? Number.MAX_SAFE_INTEGER;

/**
 * The same place as two whole numbers that order like it: the record to read next, and how many of its events come before.
 * What goes into a commit: 17 is 18.0, 17.2 is 17.3, and -1 is 0.0.
 */
export function countedOffset(offset: Offset): string {
  const { record, index } = parseOffset(offset, "offset");
  return index === undefined ? `${record + 1n}.0` : `${record}.${index + 1}`;
}

/** Back from `countedOffset`. */
export function offsetCounted(text: string): Offset {
  const [record, events] = text.split(".") as [string, string];
  return events === "0" ? beforeRecord(BigInt(record)) : `${record}.${Number(events) - 1}`;
}
