/** What is settled of a partition that has not been read yet: known by offsets alone, given up range by range as reading gets there. */
import type { Offset } from "@distribution/core/brokers";

type Range = readonly [from: Offset, to: Offset];

export class Ahead {
  readonly #compare: (a: Offset, b: Offset) => number;
  /** Ascending, disjoint. */
  #ranges: Range[];

  constructor(compare: (a: Offset, b: Offset) => number, ranges: readonly Range[]) {
    this.#compare = compare;
    this.#ranges = [...ranges];
  }

  get ranges(): readonly Range[] {
    return this.#ranges;
  }

  /** Whether the event is settled. To be asked in the order of reading: what lies before the offset is forgotten. */
  covers(offset: Offset): boolean {
    this.#dropWhile(([, to]) => this.#compare(to, offset) < 0);
    const first = this.#ranges[0];
    return first !== undefined && this.#compare(first[0], offset) <= 0;
  }

  /** Forgets ranges that do not go beyond the offset. */
  dropTo(offset: Offset): void {
    this.#dropWhile(([, to]) => this.#compare(to, offset) <= 0);
  }

  #dropWhile(over: (range: Range) => boolean): void {
    let gone = 0;
    while (gone < this.#ranges.length && over(this.#ranges[gone]!)) gone += 1;
    if (gone > 0) this.#ranges = this.#ranges.slice(gone);
  }

  add(offset: Offset): void {
    let at = this.#ranges.length;
    while (at > 0 && this.#compare(this.#ranges[at - 1]![0], offset) > 0) at -= 1;
    if (at > 0 && this.#compare(this.#ranges[at - 1]![1], offset) >= 0) return;
    this.#ranges.splice(at, 0, [offset, offset]);
  }

  clear(): void {
    this.#ranges = [];
  }
}
