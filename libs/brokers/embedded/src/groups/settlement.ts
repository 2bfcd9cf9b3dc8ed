/** What a group has settled of one partition, and how often it was given what it has not. */
import { Ranges } from "./ranges.ts";

/** As stored. */
export interface StoredSettlement {
  readonly floor: number;
  readonly above: readonly number[];
  /** Offset, attempts so far, of events that were given up and wait to be given again. */
  readonly attempts: readonly (readonly [number, number])[];
}

export class Settlement {
  /** Every event up to here is settled. */
  floor: number;
  readonly above: Ranges;
  readonly attempts: Map<number, number>;

  constructor(stored: StoredSettlement) {
    this.floor = stored.floor;
    this.above = new Ranges(stored.above);
    this.attempts = new Map(stored.attempts);
  }

  has(offset: number): boolean {
    return offset <= this.floor || this.above.has(offset);
  }

  add(offset: number): void {
    if (offset > this.floor) this.above.add(offset);
    this.attempts.delete(offset);
  }

  /** The events up to here are settled or gone. */
  raise(floor: number): void {
    if (floor <= this.floor) return;
    this.floor = floor;
    this.above.dropTo(floor);
    for (const offset of this.attempts.keys()) if (offset <= floor) this.attempts.delete(offset);
  }

  toStored(): StoredSettlement {
    return { floor: this.floor, above: this.above.toArray(), attempts: [...this.attempts] };
  }
}
