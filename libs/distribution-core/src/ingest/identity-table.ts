/**
 * Open addressing with linear probing over one Uint32Array: which (source, id) is known, by its 96-bit hash.
 *
 * No string and no object per event. A cell holds the first word of the hash and the entry's number, so a look-up of an
 * unknown id costs one cache line and a hit two. Removal shifts the cells behind back instead of leaving tombstones, so
 * that a table that turns over for months stays as quick as on its first day.
 *
 * Entries of one publish form a chain through their `next` word, and so do the free ones: taking and giving back
 * entries allocates nothing.
 */

/** Words of an entry. */
const HASH_A = 0;
const HASH_B = 1;
const HASH_C = 2;
const BODY_A = 3;
const BODY_B = 4;
const OWNER = 5;
const ORDINAL = 6;
const NEXT = 7;
const ENTRY_WORDS = 8;
/** Two words a cell. */
const CELL_WORDS = 2;

/** An ordinal's bits in its word; the others have the label. */
const ORDINAL_BITS = 24;
const ORDINAL_MASK = 2 ** ORDINAL_BITS - 1;
/** The largest label of an entry. */
export const MAX_LABEL = 255;

/** No entry: the end of a chain, or not found. */
export const NONE = 0xffff_ffff;

/** Entries of one publish. */
export interface Chain {
  first: number;
  last: number;
  size: number;
}

/** Hash words are kept, compared and returned as unsigned 32-bit numbers. */
export class IdentityTable {
  readonly capacity: number;
  readonly #cells: Uint32Array;
  readonly #mask: number;
  readonly #entries: Uint32Array;
  #free = NONE;
  #unused = 0;
  #size = 0;
  #touched = 0;

  /** `capacity`: entries at most; the cells are at most three quarters full. */
  constructor(capacity: number) {
    this.capacity = capacity;
    const cells = cellsFor(capacity);
    this.#mask = cells - 1;
    this.#cells = new Uint32Array(cells * CELL_WORDS);
    this.#entries = new Uint32Array(capacity * ENTRY_WORDS);
  }

  get size(): number {
    return this.#size;
  }

  /**
   * Reads the cells where the hashes at `prints[0]`, `prints[stride]` and so on begin, so that the look-ups that follow
   * find them in the cache. Nothing here waits for what was read, so the processor fetches many at a time; in the
   * look-ups themselves every branch hangs on the cell before it, and they would wait for memory one by one.
   */
  touch(prints: Uint32Array, stride: number, count: number): void {
    const cells = this.#cells;
    const mask = this.#mask;
    let seen = 0;
    for (let at = 0; at < count * stride; at += stride) seen ^= cells[(prints[at]! & mask) * CELL_WORDS]!;
    this.#touched = seen;
  }

  /** What `touch` read last. It says nothing, but keeps the reads from being optimized away. */
  get touched(): number {
    return this.#touched;
  }

  find(a: number, b: number, c: number): number {
    const cells = this.#cells;
    const entries = this.#entries;
    for (let cell = a & this.#mask; ; cell = (cell + 1) & this.#mask) {
      const held = cells[cell * CELL_WORDS + 1]!;
      if (held === 0) return NONE;
      if (cells[cell * CELL_WORDS] !== a) continue;
      const word = (held - 1) * ENTRY_WORDS;
      if (entries[word + HASH_B] === b && entries[word + HASH_C] === c) return held - 1;
    }
  }

  /**
   * The identity must not be in the table, and the table not be full. `bodyA`, `bodyB`: the event's fingerprint. `ordinal`: below
   * 2 ** 24. The entry's label is 0.
   */
  insert(a: number, b: number, c: number, bodyA: number, bodyB: number, owner: number, ordinal: number): number {
    const entry = this.#takeEntry();
    const entries = this.#entries;
    const word = entry * ENTRY_WORDS;
    entries[word + HASH_A] = a;
    entries[word + HASH_B] = b;
    entries[word + HASH_C] = c;
    entries[word + BODY_A] = bodyA;
    entries[word + BODY_B] = bodyB;
    entries[word + OWNER] = owner;
    entries[word + ORDINAL] = ordinal;
    entries[word + NEXT] = NONE;
    const cells = this.#cells;
    let cell = a & this.#mask;
    while (cells[cell * CELL_WORDS + 1] !== 0) cell = (cell + 1) & this.#mask;
    cells[cell * CELL_WORDS] = a;
    cells[cell * CELL_WORDS + 1] = entry + 1;
    this.#size += 1;
    return entry;
  }

  link(entry: number, next: number): void {
    this.#entries[entry * ENTRY_WORDS + NEXT] = next;
  }

  owner(entry: number): number {
    return this.#entries[entry * ENTRY_WORDS + OWNER]!;
  }

  ordinal(entry: number): number {
    return this.#entries[entry * ENTRY_WORDS + ORDINAL]! & ORDINAL_MASK;
  }

  /** What the window says of the event beside its place, up to MAX_LABEL. */
  label(entry: number): number {
    return this.#entries[entry * ENTRY_WORDS + ORDINAL]! >>> ORDINAL_BITS;
  }

  setLabel(entry: number, label: number): void {
    const word = entry * ENTRY_WORDS + ORDINAL;
    this.#entries[word] = (label << ORDINAL_BITS) | this.ordinal(entry);
  }

  next(entry: number): number {
    return this.#entries[entry * ENTRY_WORDS + NEXT]!;
  }

  /** Another publish has the entry from now on; its label stays. */
  assign(entry: number, owner: number, ordinal: number): void {
    const word = entry * ENTRY_WORDS;
    this.#entries[word + OWNER] = owner;
    this.#entries[word + ORDINAL] = (this.label(entry) << ORDINAL_BITS) | ordinal;
  }

  bodyA(entry: number): number {
    return this.#entries[entry * ENTRY_WORDS + BODY_A]!;
  }

  bodyB(entry: number): number {
    return this.#entries[entry * ENTRY_WORDS + BODY_B]!;
  }

  /** Makes two chains of one: those whose ordinal is kept, and the rest, each in its order. */
  split(first: number, isKept: (ordinal: number) => boolean): { readonly kept: Chain; readonly rest: Chain } {
    const [kept, rest] = [emptyChain(), emptyChain()];
    for (let entry = first; entry !== NONE; ) {
      const next = this.next(entry);
      const chain = isKept(this.ordinal(entry)) ? kept : rest;
      if (chain.size === 0) chain.first = entry;
      else this.link(chain.last, entry);
      this.link(entry, NONE);
      chain.last = entry;
      chain.size += 1;
      entry = next;
    }
    return { kept, rest };
  }

  /** Removes the chain that begins at `first`; its entries are free again. */
  removeChain(first: number): void {
    this.#touchChain(first);
    for (let entry = first; entry !== NONE; ) {
      const word = entry * ENTRY_WORDS;
      const next = this.#entries[word + NEXT]!;
      this.#removeCell(this.#entries[word + HASH_A]!, entry);
      this.#entries[word + NEXT] = this.#free;
      this.#free = entry;
      this.#size -= 1;
      entry = next;
    }
  }

  /** See `touch`: the same before a removal. */
  #touchChain(first: number): void {
    const cells = this.#cells;
    const entries = this.#entries;
    let seen = 0;
    for (let entry = first; entry !== NONE; entry = entries[entry * ENTRY_WORDS + NEXT]!) {
      seen ^= cells[(entries[entry * ENTRY_WORDS + HASH_A]! & this.#mask) * CELL_WORDS]!;
    }
    this.#touched = seen;
  }

  #takeEntry(): number {
    const entry = this.#free;
    if (entry === NONE) {
      if (this.#unused === this.capacity)
        throw new RangeError(`The identity table is full at ${this.capacity} entries.`);
      this.#unused += 1;
      return this.#unused - 1;
    }
    this.#free = this.#entries[entry * ENTRY_WORDS + NEXT]!;
    return entry;
  }

  #removeCell(a: number, entry: number): void {
    const cells = this.#cells;
    const mask = this.#mask;
    let hole = a & mask;
    while (cells[hole * CELL_WORDS + 1] !== entry + 1) hole = (hole + 1) & mask;
    // Whatever lies behind the hole and would no longer be reached over it moves into it, and leaves the next hole.
    for (let cell = (hole + 1) & mask; cells[cell * CELL_WORDS + 1] !== 0; cell = (cell + 1) & mask) {
      const home = cells[cell * CELL_WORDS]! & mask;
      if (((cell - home) & mask) < ((cell - hole) & mask)) continue;
      cells[hole * CELL_WORDS] = cells[cell * CELL_WORDS]!;
      cells[hole * CELL_WORDS + 1] = cells[cell * CELL_WORDS + 1]!;
      hole = cell;
    }
    cells[hole * CELL_WORDS + 1] = 0;
  }
}

const emptyChain = (): Chain => ({ first: NONE, last: NONE, size: 0 });

/** The least power of two that `capacity` entries fill to at most three quarters. */
function cellsFor(capacity: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(8, (capacity * 4) / 3)));
}

/** Memory that a table of this capacity occupies once it is filled, bytes. */
export function identityTableBytes(capacity: number): number {
  return capacity * ENTRY_WORDS * 4 + cellsFor(capacity) * CELL_WORDS * 4;
}
