/** What the admin API tells of one partition's storage. */
import type { EntryId } from "../offset.ts";

export interface Ledger {
  readonly id: bigint;
  readonly entries: bigint;
}

export interface PartitionStats {
  /** Those that are kept, from old to new; the last is the one that is written. */
  readonly ledgers: readonly Ledger[];
  /** The newest entry; undefined when none is kept. */
  readonly last: EntryId | undefined;
  /** Those that are given to readers: of a compacted topic, what compaction kept and what came after. */
  readonly entries: number;
  /** All that is stored, what compaction kept beside the log too. */
  readonly bytes: number;
  /** What was sent twice is stored once. */
  readonly deduplicates: boolean;
}

/** As much of `internalStats` as is read here. */
export interface InternalStats {
  readonly ledgers: readonly { readonly ledgerId: string; readonly entries: number }[];
  readonly currentLedgerEntries: number;
  readonly lastConfirmedEntry: string;
  readonly numberOfEntries: number;
  readonly totalSize: number;
  readonly cursors: Readonly<Record<string, { readonly markDeletePosition?: string }>>;
  /** What the last compaction kept; -1 where there was none. */
  readonly compactedLedger?: { readonly entries: number; readonly size: number };
}

const DEDUPLICATION_CURSOR = "pulsar.dedup";
const COMPACTION_CURSOR = "__compaction";

export function statsOf(raw: InternalStats): PartitionStats {
  const newest = raw.ledgers.length - 1;
  const ledgers = raw.ledgers.map(({ ledgerId, entries }, at) => ({
    id: BigInt(ledgerId),
    // The ledger that is written counts its entries elsewhere.
    entries: BigInt(at === newest ? Math.max(entries, raw.currentLedgerEntries) : entries),
  }));
  const kept = raw.compactedLedger?.entries ?? -1;
  const compactedTo = entryOf(raw.cursors[COMPACTION_CURSOR]?.markDeletePosition ?? "");
  return {
    ledgers,
    last: lastOf(ledgers, raw.lastConfirmedEntry),
    entries: kept < 0 || compactedTo === undefined ? raw.numberOfEntries : kept + entriesAfter(ledgers, compactedTo),
    bytes: raw.totalSize + Math.max(raw.compactedLedger?.size ?? 0, 0),
    deduplicates: raw.cursors[DEDUPLICATION_CURSOR] !== undefined,
  };
}

/** Undefined for the place before a ledger's first entry. */
function entryOf(text: string): EntryId | undefined {
  const parts = /^(\d+):(\d+)$/.exec(text);
  return parts === null ? undefined : { ledger: BigInt(parts[1]!), entry: BigInt(parts[2]!) };
}

function lastOf(ledgers: readonly Ledger[], confirmed: string): EntryId | undefined {
  const last = entryOf(confirmed);
  if (ledgers.some(({ id }) => id === last?.ledger)) return last;
  // The newest ledger has nothing yet: the last before it that has.
  const filled = ledgers.findLast(({ entries }, at) => entries > 0n && (at < ledgers.length - 1 || last !== undefined));
  return filled === undefined ? undefined : { ledger: filled.id, entry: filled.entries - 1n };
}

/** Which part of the entries comes after this one: 0 to 1. */
export function shareAfter({ ledgers }: PartitionStats, place: EntryId): number {
  const all = entriesAfter(ledgers, { ledger: -1n, entry: -1n });
  return all === 0 ? 0 : entriesAfter(ledgers, place) / all;
}

function entriesAfter(ledgers: readonly Ledger[], { ledger, entry }: EntryId): number {
  let after = 0n;
  for (const { id, entries } of ledgers) {
    if (id > ledger) after += entries;
    else if (id === ledger && entries > entry) after += entries - entry - 1n;
  }
  return Number(after);
}

/**
 * Whether entries between these two were deleted, as far as can be told: true when the first one's ledger is gone, or lost
 * its end, or one between them that had entries was passed over.
 */
export function missedBetween({ ledgers }: PartitionStats, given: EntryId, next: EntryId): boolean {
  if (given.ledger === next.ledger) return false;
  const at = ledgers.findIndex(({ id }) => id === given.ledger);
  if (at < 0 || given.entry + 1n < ledgers[at]!.entries) return true;
  return ledgers.slice(at + 1).some(({ id, entries }) => id < next.ledger && entries > 0n) || next.entry > 0n;
}
