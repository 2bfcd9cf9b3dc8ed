/**
 * Offsets of the Pulsar broker: `<ledger>.<entry>.<index>`, compared as numbers. The index counts the events of an entry from 1,
 * over all messages where the entry is a batch of them; 0 is the place before the entry.
 */
import { fieldError } from "@distribution/core/errors";

/** Where an entry is: a message, or a batch of messages. */
export interface EntryId {
  readonly ledger: bigint;
  readonly entry: bigint;
}

export interface Place extends EntryId {
  readonly index: number;
}

/** Before everything that a partition ever had. */
export const BEGINNING: Place = { ledger: 0n, entry: 0n, index: 0 };

const OFFSET = /^(0|[1-9]\d{0,18})\.(0|[1-9]\d{0,18})\.(0|[1-9]\d{0,8})$/;

/** Throws `invalid_request` naming the field on what is no offset. */
export function parseOffset(text: string, field: string): Place {
  const parts = typeof text === "string" ? OFFSET.exec(text) : null;
  if (parts === null) {
    throw fieldError("invalid_request", field, `must be <ledger>.<entry>.<index>, three numbers, not ${String(text)}`);
  }
  return { ledger: BigInt(parts[1]!), entry: BigInt(parts[2]!), index: Number(parts[3]) };
}

export const formatOffset = ({ ledger, entry, index }: Place): string => `${ledger}.${entry}.${index}`;

export const beforeEntry = ({ ledger, entry }: EntryId): Place => ({ ledger, entry, index: 0 });

export function compareEntries(a: EntryId, b: EntryId): number {
  if (a.ledger !== b.ledger) return a.ledger < b.ledger ? -1 : 1;
  if (a.entry !== b.entry) return a.entry < b.entry ? -1 : 1;
  return 0;
}

export const comparePlaces = (a: Place, b: Place): number => compareEntries(a, b) || a.index - b.index;

export const laterOf = (a: Place, b: Place): Place => (comparePlaces(a, b) < 0 ? b : a);
