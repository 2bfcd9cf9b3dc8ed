/** Where events are, without the events. */
import type { Appended } from "../brokers/contract.ts";

/** Estimated heap of one offset kept as text, bytes. */
export const OFFSET_BYTES = 48;

/** The offsets of `count` events from event `first` on. */
export function offsetsOf(appended: Appended, first: number, count: number): Offsets {
  return new Offsets(
    appended.epoch,
    Array.from({ length: count }, (_, index) => appended.offsetAt(first + index)),
  );
}

export class Offsets implements Appended {
  readonly epoch: string;
  readonly #offsets: readonly string[];

  constructor(epoch: string, offsets: readonly string[]) {
    this.epoch = epoch;
    this.#offsets = offsets;
  }

  offsetAt(index: number): string {
    const offset = this.#offsets[index];
    if (offset === undefined)
      throw new RangeError(`There are ${this.#offsets.length} events; there is no event ${index}.`);
    return offset;
  }
}
