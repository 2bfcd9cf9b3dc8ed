/** One partition as this process knows it: where it starts and ends, its newest batches, who waits at its head. */
import { crc32 } from "node:zlib";
import { Fifo } from "@distribution/collections";
import type { DistributionError } from "@distribution/core/errors";
import type { RecentBatches } from "./recent.ts";
import type { Stored } from "./stored.ts";

/** What is stored about a partition besides its records. */
export interface PartitionState {
  /** The offset before the oldest event kept. */
  start: number;
  /** The offset of the newest event, `start` when there is none. */
  end: number;
  events: number;
  /** Bytes that its records occupy in the file. */
  bytes: number;
  /** Up to this offset compaction may have left holes; beyond, every offset has its event. */
  compactedTo: number;
  /** Of the newest batch, Unix nanoseconds. */
  appendedAt: bigint;
}

/** Where a reader is. */
export interface ReadingPlace {
  /** The first offset that it has still to read. */
  readonly next: number;
}

const STATE_BYTES = 52;

export const emptyState = (): PartitionState => ({
  start: 0,
  end: 0,
  events: 0,
  bytes: 0,
  compactedTo: 0,
  appendedAt: 0n,
});

export class Partition {
  readonly id: number;
  readonly topic: string;
  readonly index: number;
  readonly epoch: string;
  /** The newest batches, oldest first, without a gap up to the end; as far back as a reader needs, within bounds. */
  readonly recent = new Fifo<Stored>();
  /** Why it is not served: its topic was deleted, or what is stored about it is damaged. */
  refusal: DistributionError | undefined;
  /** Changed by a transaction's work; becomes `state` when durable. */
  staged: PartitionState;
  #state: PartitionState;
  readonly #readers = new Set<ReadingPlace>();
  #waiting = new Set<() => void>();
  readonly #recents: RecentBatches;

  constructor(
    place: { readonly id: number; readonly topic: string; readonly index: number; readonly epoch: string },
    state: PartitionState,
    recents: RecentBatches,
  ) {
    this.id = place.id;
    this.topic = place.topic;
    this.index = place.index;
    this.epoch = place.epoch;
    this.#state = state;
    this.staged = state;
    this.#recents = recents;
  }

  /** Durable. */
  get state(): Readonly<PartitionState> {
    return this.#state;
  }

  /** For messages: what the bad record's position is written as. */
  positionText(offset: number): string {
    return `${this.topic}/${this.index} epoch ${this.epoch} offset ${offset}`;
  }

  assertServed(): void {
    if (this.refusal !== undefined) throw this.refusal;
  }

  begin(): void {
    this.staged = { ...this.#state };
  }

  promote(): void {
    this.#state = this.staged;
  }

  revert(): void {
    this.staged = this.#state;
  }

  /** A durable batch that is now the newest. */
  remember(stored: Stored): void {
    if (this.#readers.size > 0) this.#recents.add(this, stored);
  }

  /** Wakes those who wait for the partition to change. */
  announce(): void {
    const waiting = this.#waiting;
    // Not emptied: V8 would hold what was in it for as long as the next one lives (see TransitSet).
    this.#waiting = new Set();
    for (const wake of waiting) wake();
  }

  /** Calls `wake` once, at the next change, unless `forget` is called with it before. */
  await(wake: () => void): void {
    this.#waiting.add(wake);
  }

  forget(wake: () => void): void {
    this.#waiting.delete(wake);
  }

  addReader(reader: ReadingPlace): void {
    this.#readers.add(reader);
  }

  removeReader(reader: ReadingPlace): void {
    this.#readers.delete(reader);
    this.letGo();
  }

  /** A reader went on: what no reader needs any more is not kept. */
  letGo(): void {
    let next = Number.POSITIVE_INFINITY;
    for (const reader of this.#readers) next = Math.min(next, reader.next);
    this.#recents.release(this, next);
  }

  /** Stops serving it; readers that wait are told why. */
  refuse(reason: DistributionError): void {
    this.refusal = reason;
    this.announce();
  }

  encodeStaged(): Buffer {
    return encodeState(this.staged);
  }
}

function encodeState(state: PartitionState): Buffer {
  const bytes = Buffer.allocUnsafe(STATE_BYTES);
  bytes.writeDoubleBE(state.start, 0);
  bytes.writeDoubleBE(state.end, 8);
  bytes.writeDoubleBE(state.events, 16);
  bytes.writeDoubleBE(state.bytes, 24);
  bytes.writeDoubleBE(state.compactedTo, 32);
  bytes.writeBigUInt64BE(state.appendedAt, 40);
  bytes.writeUInt32BE(crc32(bytes.subarray(0, 48)), 48);
  return bytes;
}

/** Undefined when it is missing or damaged. */
export function decodeState(value: Uint8Array | undefined): PartitionState | undefined {
  if (value?.length !== STATE_BYTES) return undefined;
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.length);
  if (bytes.readUInt32BE(48) !== crc32(bytes.subarray(0, 48))) return undefined;
  return {
    start: bytes.readDoubleBE(0),
    end: bytes.readDoubleBE(8),
    events: bytes.readDoubleBE(16),
    bytes: bytes.readDoubleBE(24),
    compactedTo: bytes.readDoubleBE(32),
    appendedAt: bytes.readBigUInt64BE(40),
  };
}
