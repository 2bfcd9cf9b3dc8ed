/** What one publish put into the log, kept compactly for as long as its events may be repeated. */
import type { Appended, Position } from "../brokers/contract.ts";
import { NONE } from "./identity-table.ts";
import { OFFSET_BYTES, Offsets } from "./offsets.ts";

/** One write of a publish: where its events are going, and once it is durable, where they are. */
export interface Placement {
  readonly topic: string;
  readonly partition: number;
  /** Events of the write. */
  count: number;
  appended?: Appended;
}

/** Estimated heap of one publish and its placements beside its entries in the table, bytes. */
export const PUBLISH_BYTES = 512;
/** Heap of one event's place where a publish went to several partitions, bytes. */
const PLACE_BYTES = 8;

/**
 * One publish, or one batch found again in the log. Its events are named by their ordinal: their index in what the
 * publisher sent. While it is under way it is pending; afterwards it is in the window, or its entries are gone again.
 */
export class TakenPublish {
  /** Its number in the window, by which entries name it. */
  readonly owner: number;
  pending = true;
  /** Its entries in the table, chained in the order of their ordinals. */
  firstEntry = NONE;
  lastEntry = NONE;
  /** Entries in the chain. */
  size = 0;
  /** Monotonic milliseconds: when it became durable. */
  at = 0;
  /** The one that became durable next after this one. */
  newer: TakenPublish | undefined;
  placements: readonly Placement[] = [];
  /** Placement and index in its batch for each ordinal. Absent: one placement, and the index is the ordinal. */
  places: Uint32Array | undefined;
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

  /** Resolves when it is no longer pending, whatever came of it. */
  settled(): Promise<void> {
    return new Promise((resolve) => {
      if (this.pending) this.#waiting.push(resolve);
      else resolve();
    });
  }

  /** Wakes those who wait for its outcome. */
  settle(): void {
    this.pending = false;
    for (const wake of this.#waiting.splice(0)) wake();
  }
}
