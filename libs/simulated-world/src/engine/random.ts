/** Randomness of which every draw follows from the seed: sfc32, Chris Doty-Humphrey's small fast counting generator. */

/** Four words of 32 bits. */
export type RandomState = readonly [number, number, number, number];

const WARM_UP = 15;

/** `stream` tells generators of one seed apart. `seed`: a whole number of 0 to 2^53 - 1. */
export function seededState(seed: number, stream: number): RandomState {
  const random = new Random([seed | 0, Math.floor(seed / 2 ** 32) | 0, stream | 0, 1]);
  for (let round = 0; round < WARM_UP; round += 1) random.next();
  return random.state;
}

export class Random {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  constructor([a, b, c, d]: RandomState) {
    this.#a = a;
    this.#b = b;
    this.#c = c;
    this.#d = d;
  }

  get state(): RandomState {
    return [this.#a, this.#b, this.#c, this.#d];
  }

  /** Uniform in [0, 1). */
  next(): number {
    const drawn = (this.#a + this.#b + this.#d) | 0;
    this.#d = (this.#d + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + drawn) | 0;
    return (drawn >>> 0) / 2 ** 32;
  }

  /** A whole number of 0 to below `bound`. */
  below(bound: number): number {
    return Math.floor(this.next() * bound);
  }

  /** A whole number, both ends included. */
  between(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** `list` has at least one. */
  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }

  /** Exponentially distributed. */
  exponential(mean: number): number {
    return -Math.log(1 - this.next()) * mean;
  }

  /** Mean 0, deviation 1, never beyond 3: the sum of three draws is close enough to a bell. */
  bell(): number {
    return (this.next() + this.next() + this.next() - 1.5) * 2;
  }
}
