/** A set of whole numbers as ranges, each end with its offset: what a group has settled of what it has read. */
import type { Offset } from "@distribution/core/brokers";

export class Ranges {
  /** from, to, from, to ...: ascending, disjoint, not touching; both ends inclusive. */
  readonly #ends: number[] = [];
  /** Of the ends. */
  readonly #offsets: Offset[] = [];

  get empty(): boolean {
    return this.#ends.length === 0;
  }

  /** The place of the first range that ends at `number` or later. */
  #find(number: number): number {
    let low = 0;
    let high = this.#ends.length / 2;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#ends[2 * middle + 1]! < number) low = middle + 1;
      else high = middle;
    }
    return 2 * low;
  }

  has(number: number): boolean {
    const at = this.#find(number);
    return at < this.#ends.length && this.#ends[at]! <= number;
  }

  add(number: number, offset: Offset): void {
    const ends = this.#ends;
    const at = this.#find(number);
    if (ends[at] !== undefined && ends[at] <= number) return;
    const joinsBefore = at > 0 && ends[at - 1] === number - 1;
    const joinsAfter = ends[at] === number + 1;
    if (joinsBefore && joinsAfter) this.#splice(at - 1, 2);
    else if (joinsBefore) this.#set(at - 1, number, offset);
    else if (joinsAfter) this.#set(at, number, offset);
    else this.#splice(at, 0, number, offset);
  }

  /** Drops everything up to and including `number`, which no range has without its end. */
  dropTo(number: number): void {
    this.#splice(0, this.#find(number + 1));
  }

  clear(): void {
    this.#splice(0, this.#ends.length);
  }

  toArray(): [from: Offset, to: Offset][] {
    const pairs: [Offset, Offset][] = [];
    for (let at = 0; at < this.#offsets.length; at += 2) pairs.push([this.#offsets[at]!, this.#offsets[at + 1]!]);
    return pairs;
  }

  #set(at: number, number: number, offset: Offset): void {
    this.#ends[at] = number;
    this.#offsets[at] = offset;
  }

  #splice(at: number, count: number, number?: number, offset?: Offset): void {
    if (number === undefined || offset === undefined) {
      this.#ends.splice(at, count);
      this.#offsets.splice(at, count);
    } else {
      this.#ends.splice(at, count, number, number);
      this.#offsets.splice(at, count, offset, offset);
    }
  }
}
