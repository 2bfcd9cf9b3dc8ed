/** One partition in memory: ledgers of entries, as Pulsar numbers them. */
import type { EntryId } from "../../src/offset.ts";
import type { OutgoingMessage, PortMessage } from "../../src/port.ts";

interface Entry {
  readonly messages: readonly OutgoingMessage[];
  readonly batch: boolean;
  readonly time: bigint;
}

interface Ledger {
  readonly id: bigint;
  readonly entries: Entry[];
}

export interface FakeSubscription {
  properties: Record<string, string>;
  readonly consumers: { readonly name: string; onActive(active: boolean): void; onReattached(): void }[];
  released: EntryId | undefined;
}

let nextLedger = 5n;

export class FakeLog {
  readonly ledgers: Ledger[] = [];
  readonly subscriptions = new Map<string, FakeSubscription>();
  readonly #waiting = new Set<() => void>();
  deleted = false;
  /** Entries that compaction took: still counted, not given. */
  readonly compacted = new Set<object>();
  /** Entries that no client can read. */
  readonly damaged = new Set<object>();
  readonly created = new Date().toISOString();
  /** What its clock is ahead of this machine's. */
  aheadMs = 0;

  constructor() {
    this.roll();
  }

  /** A new ledger, as after a restart: an empty one before it goes. */
  roll(): void {
    if (this.ledgers.at(-1)?.entries.length === 0) this.ledgers.pop();
    nextLedger += 1n;
    this.ledgers.push({ id: nextLedger, entries: [] });
  }

  /** What retention does: whole ledgers, never the one that is written. */
  trim(): void {
    if (this.ledgers.length > 1) this.ledgers.shift();
  }

  store(messages: readonly OutgoingMessage[], batch: boolean): EntryId {
    const ledger = this.ledgers.at(-1)!;
    ledger.entries.push({ messages, batch, time: BigInt(Date.now() + this.aheadMs) });
    this.wake();
    return { ledger: ledger.id, entry: BigInt(ledger.entries.length - 1) };
  }

  wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }

  changed(): Promise<void> {
    return new Promise((resolve) => this.#waiting.add(resolve));
  }

  delete(): void {
    this.deleted = true;
    this.wake();
  }

  /** The entry at this place or the next that is kept. */
  from(
    id: EntryId,
  ): { readonly id: EntryId; readonly messages: readonly PortMessage[]; readonly damaged: boolean } | undefined {
    for (const ledger of this.ledgers) {
      if (ledger.id < id.ledger) continue;
      const at = ledger.id === id.ledger ? Number(id.entry < 0n ? 0n : id.entry) : 0;
      const entry = ledger.entries[at];
      if (entry !== undefined && this.compacted.has(entry))
        return this.from({ ...id, ledger: ledger.id, entry: BigInt(at + 1) });
      if (entry !== undefined) {
        const place = { ledger: ledger.id, entry: BigInt(at) };
        const messages = entry.messages.map((_, index) => received(entry, place, index));
        return { id: place, messages, damaged: this.damaged.has(entry) };
      }
    }
    return undefined;
  }

  firstAt(time: bigint): EntryId {
    for (const ledger of this.ledgers) {
      const at = ledger.entries.findIndex((entry) => entry.time >= time);
      if (at >= 0) return { ledger: ledger.id, entry: BigInt(at) };
    }
    const newest = this.ledgers.at(-1)!;
    return { ledger: newest.id, entry: BigInt(newest.entries.length) };
  }

  /** As `internalStats` tells it. */
  stats(deduplicates: boolean): object {
    const newest = this.ledgers.at(-1)!;
    const count = this.ledgers.reduce((sum, { entries }) => sum + entries.length, 0);
    const bytes = (entries: readonly Entry[]): number =>
      entries.reduce((sum, { messages }) => sum + messages.reduce((size, { data }) => size + data.length, 0), 0);
    return {
      ledgers: this.ledgers.map(({ id, entries }) => ({
        ...{ ledgerId: Number(id), entries: id === newest.id ? 0 : entries.length, size: bytes(entries) },
      })),
      currentLedgerEntries: newest.entries.length,
      lastConfirmedEntry: `${newest.id}:${newest.entries.length - 1}`,
      numberOfEntries: count,
      totalSize: this.ledgers.reduce((sum, { entries }) => sum + bytes(entries), 0),
      cursors: deduplicates ? { "pulsar.dedup": {} } : {},
    };
  }

  subscribe(name: string): FakeSubscription {
    let subscription = this.subscriptions.get(name);
    if (subscription === undefined) {
      subscription = { properties: {}, consumers: [], released: undefined };
      this.subscriptions.set(name, subscription);
    }
    return subscription;
  }
}

function received({ messages, batch, time }: Entry, place: EntryId, index: number): PortMessage {
  const message = messages[index]!;
  const { data, key } = message;
  return {
    place: { ...place, batchIndex: batch ? index : -1, batchSize: batch ? messages.length : 0 },
    ...{ data, time },
    key: () => key,
    properties: () => Object.entries(message.properties),
  };
}
