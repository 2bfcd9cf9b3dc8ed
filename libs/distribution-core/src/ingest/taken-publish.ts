/** What one publish put into the log, kept compactly for as long as its events may be repeated. */
import type { Appended, Position } from "../brokers/contract.ts";
import type { Stored } from "../brokers/unsettled.ts";
import { NONE } from "./identity-table.ts";
import { OFFSET_BYTES, Offsets } from "./offsets.ts";

/** One write of a publish: where its events are going, and once it is durable, where they are. */
export interface Placement {
  readonly topic: string;
  readonly partition: number;
  /** Events of the write; once it is known what became of it, those up to the last one in the log. */
  count: number;
  appended?: Appended;
}

/** Estimated heap of one publish and its placements beside its entries in the table, bytes. */
export const PUBLISH_BYTES = 512;
/** Heap of one event's place where a publish went to several partitions, bytes. */
const PLACE_BYTES = 8;

/** Events that a publish has from one found in the log: it writes what is missing of them. */
export interface Loan {
  readonly owner: TakenPublish;
  /** By the ordinal here, the one there. */
  readonly ordinals: ReadonlyMap<number, number>;
}

/**
 * One publish, or one batch found again in the log. Its events are named by their ordinal: their index in what the
 * publisher sent. While it is under way it is pending; afterwards it is in the window, or its entries are gone again.
 */
export class TakenPublish {
  /** Its number in the window, by which entries name it. */
  readonly owner: number;
  pending = true;
  /** It was refused, and may be in the log all the same; it is pending until that is known. */
  doubtful = false;
  /** Its entries in the table, chained in the order of their ordinals. */
  firstEntry = NONE;
  lastEntry = NONE;
  /** Entries in the chain. */
  size = 0;
  /** Monotonic milliseconds: when it became durable. */
  at = 0;
  /**
   * Of a batch found again in a log where an append may have come in part: monotonic milliseconds when the first of its events was
   * taken in, as they say; long ago where one does not say it. Undefined: it is known what became of every append.
   */
  began: number | undefined;
  /** Only while it is pending. */
  loans: Loan[] = [];
  /** The one that became durable next after this one. */
  newer: TakenPublish | undefined;
  placements: readonly Placement[] = [];
  /** Placement and index in its batch for each ordinal. Absent: one placement, and the index is the ordinal. */
  places: Uint32Array | undefined;
  /** Where else events went that have several destinations: ordinal, placement, index in its batch, and so on. Only while it is pending. */
  copies: readonly number[] = [];
  readonly #waiting: (() => void)[] = [];

  constructor(owner: number) {
    this.owner = owner;
  }

  /** Estimated heap of it beside its entries in the table, once it is durable. Bytes. */
  get bytes(): number {
    let bytes = PUBLISH_BYTES + (this.places === undefined ? 0 : (this.places.length / 2) * PLACE_BYTES);
    for (const { appended, count } of this.placements) if (appended instanceof Offsets) bytes += count * OFFSET_BYTES;
    return bytes;
  }

  /** Only once it is durable. */
  positionAt(ordinal: number): Position {
    const placement = this.placements[this.places === undefined ? 0 : this.places[2 * ordinal]!]!;
    const index = this.places === undefined ? ordinal : this.places[2 * ordinal + 1]!;
    const appended = placement.appended!;
    return {
      topic: placement.topic,
      partition: placement.partition,
      epoch: appended.epoch,
      offset: appended.offsetAt(index),
    };
  }

  /**
   * What became of its writes. Answers whether the event of an ordinal is in the log, at one of its places at least: that one
   * is its position then.
   */
  place(stored: readonly (Stored | undefined)[]): (ordinal: number) => boolean {
    for (const [write, placement] of this.placements.entries()) {
      const there = stored[write];
      while (placement.count > 0 && there?.has(placement.count - 1) !== true) placement.count -= 1;
      if (there !== undefined) placement.appended = there;
    }
    const { places, copies } = this;
    const isThere = (write: number, index: number): boolean => stored[write]?.has(index) === true;
    const isStored = (ordinal: number): boolean =>
      places === undefined ? isThere(0, ordinal) : isThere(places[2 * ordinal]!, places[2 * ordinal + 1]!);
    for (let at = 0; at < copies.length; at += 3) {
      const [ordinal, write, index] = [copies[at]!, copies[at + 1]!, copies[at + 2]!];
      if (isStored(ordinal) || !isThere(write, index)) continue;
      places![2 * ordinal] = write;
      places![2 * ordinal + 1] = index;
    }
    return isStored;
  }

  /** Resolves when it is no longer pending, whatever came of it, or when it is doubtful: then nobody knows how long that takes. */
  settled(): Promise<void> {
    return new Promise((resolve) => {
      if (this.pending && !this.doubtful) this.#waiting.push(resolve);
      else resolve();
    });
  }

  doubt(): void {
    this.doubtful = true;
    this.#wake();
  }

  /** Wakes those who wait for its outcome. */
  settle(): void {
    this.pending = false;
    this.copies = [];
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}
