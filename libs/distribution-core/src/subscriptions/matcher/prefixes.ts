/** Which of the prefixes that filters ask for a text has: one hash as long as the longest of them, one look-up a length. */
import { FNV_PRIME } from "../../events/fields/byte-table.ts";
import { type Constants, OTHER } from "./constants.ts";
import type { Slot } from "./slot.ts";

export class Prefixes {
  /** Lengths in bytes that occur, ascending, and how many prefixes have each. */
  readonly #lengths: number[] = [];
  readonly #counts = new Map<number, number>();

  acquire(length: number): void {
    const count = this.#counts.get(length) ?? 0;
    this.#counts.set(length, count + 1);
    if (count > 0) return;
    this.#lengths.push(length);
    this.#lengths.sort((a, b) => a - b);
  }

  release(length: number): void {
    const count = this.#counts.get(length)! - 1;
    this.#counts.set(length, count);
    if (count > 0) return;
    this.#counts.delete(length);
    this.#lengths.splice(this.#lengths.indexOf(length), 1);
  }

  /** Puts the prefixes of `bytes[start, end)` into the slot's list. */
  find(constants: Constants, slot: Slot, event: number, bytes: Uint8Array, start: number, end: number): void {
    let hash = constants.texts.seed;
    let at = start;
    for (const length of this.#lengths) {
      const stop = start + length;
      if (stop > end) return;
      for (; at < stop; at++) hash = Math.imul(hash ^ bytes[at]!, FNV_PRIME);
      const value = constants.text(hash, bytes, start, stop);
      if (value !== OTHER) slot.push(value, event);
    }
  }
}
