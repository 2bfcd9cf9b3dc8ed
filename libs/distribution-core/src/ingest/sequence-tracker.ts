/**
 * Checks the sequence that a source counts for each of its keys, and says where it skips or steps back.
 *
 * It checks and does not assign: several replicas take in events at the same time, and only the source knows how many it
 * has made. For the same reason a step is reported and never refused: where a source spreads one key over several
 * replicas, each of them sees its part only. A source that wants true reports publishes a key through one replica.
 */

/** Words of a cell: 64 bits of hash, and the sequence as high and low 32 bits. A sequence of 0 marks a free cell. */
const CELL_WORDS = 4;

export const STEP = { next: 0, first: 1, gap: 2, back: 3 } as const;
export type Step = (typeof STEP)[keyof typeof STEP];

/**
 * The last sequence of at most `keys` pairs of (source, key), by their hash. Two generations: when the younger one is
 * full the elder is forgotten, so at least the `keys / 2` pairs that were seen last are known, and no list is kept.
 */
export class SequenceTracker {
  /** What the sequence should have been when the last `check` answered `gap` or `back`: high and low 32 bits, unsigned. */
  expectedHi = 0;
  expectedLo = 0;
  readonly #half: number;
  readonly #mask: number;
  #young: Uint32Array;
  #old: Uint32Array;
  #youngSize = 0;
  #oldSize = 0;

  /** `keys`: an even number, at least 2. */
  constructor(keys: number) {
    this.#half = keys / 2;
    const cells = 2 ** Math.ceil(Math.log2(Math.max(4, (this.#half * 4) / 3)));
    this.#mask = cells - 1;
    this.#young = new Uint32Array(cells * CELL_WORDS);
    this.#old = new Uint32Array(cells * CELL_WORDS);
  }

  /** Pairs that are tracked; one that is in both generations counts twice. */
  get size(): number {
    return this.#youngSize + this.#oldSize;
  }

  /**
   * Compares the sequence, above 0, with the pair's last one and remembers the larger. A sequence of 1 begins anew.
   * All words are unsigned.
   */
  check(a: number, b: number, hi: number, lo: number): Step {
    let cell = this.#find(this.#young, a, b);
    if (isFree(this.#young, cell)) {
      const before = this.#find(this.#old, a, b);
      const known = !isFree(this.#old, before);
      const lastHi = known ? this.#old[before + 2]! : 0;
      const lastLo = known ? this.#old[before + 3]! : 0;
      cell = this.#add(a, b, known ? lastHi : hi, known ? lastLo : lo);
      if (!known) return STEP.first;
    }
    return this.#step(cell, hi, lo);
  }

  #step(cell: number, hi: number, lo: number): Step {
    const words = this.#young;
    const lastHi = words[cell + 2]!;
    const lastLo = words[cell + 3]!;
    this.expectedLo = (lastLo + 1) >>> 0;
    this.expectedHi = this.expectedLo === 0 ? (lastHi + 1) >>> 0 : lastHi;
    const back = hi < lastHi || (hi === lastHi && lo <= lastLo);
    if (back && !(hi === 0 && lo === 1)) return STEP.back;
    words[cell + 2] = hi;
    words[cell + 3] = lo;
    if (back) return STEP.back;
    return hi === this.expectedHi && lo === this.expectedLo ? STEP.next : STEP.gap;
  }

  #add(a: number, b: number, hi: number, lo: number): number {
    if (this.#youngSize === this.#half) {
      [this.#young, this.#old] = [this.#old, this.#young];
      this.#young.fill(0);
      this.#oldSize = this.#youngSize;
      this.#youngSize = 0;
    }
    const cell = this.#find(this.#young, a, b);
    this.#young[cell] = a;
    this.#young[cell + 1] = b;
    this.#young[cell + 2] = hi;
    this.#young[cell + 3] = lo;
    this.#youngSize += 1;
    return cell;
  }

  /** The pair's cell, or the free one where it would be. */
  #find(words: Uint32Array, a: number, b: number): number {
    let cell = (a & this.#mask) * CELL_WORDS;
    while (!isFree(words, cell) && (words[cell] !== a || words[cell + 1] !== b)) {
      cell = (cell + CELL_WORDS) & (this.#mask * CELL_WORDS);
    }
    return cell;
  }
}

function isFree(words: Uint32Array, cell: number): boolean {
  return words[cell + 2] === 0 && words[cell + 3] === 0;
}
