/** A set of whole numbers as ranges: what a group has settled above its floor. */
export class Ranges {
  /** from, to, from, to ...: ascending, disjoint, not touching; both ends inclusive. */
  readonly #ends: number[];

  constructor(ends: readonly number[] = []) {
    this.#ends = [...ends];
  }

  /** Numbers in the set. */
  get size(): number {
    let size = 0;
    for (let at = 0; at < this.#ends.length; at += 2) size += this.#ends[at + 1]! - this.#ends[at]! + 1;
    return size;
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

  add(number: number): void {
    const ends = this.#ends;
    const at = this.#find(number);
    if (ends[at] !== undefined && ends[at] <= number) return;
    const joinsBefore = at > 0 && ends[at - 1] === number - 1;
    const joinsAfter = ends[at] === number + 1;
    if (joinsBefore && joinsAfter) ends.splice(at - 1, 2);
    else if (joinsBefore) ends[at - 1] = number;
    else if (joinsAfter) ends[at] = number;
    else ends.splice(at, 0, number, number);
  }

  /** Drops everything up to and including `number`. */
  dropTo(number: number): void {
    const ends = this.#ends;
    ends.splice(0, this.#find(number + 1));
    if (ends[0] !== undefined && ends[0] <= number) ends[0] = number + 1;
  }

  toArray(): number[] {
    return [...this.#ends];
  }
}
