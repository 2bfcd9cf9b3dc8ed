/** Interns short byte strings: field names and the constants of filters, looked up by the bytes as they lie in an event. */

/** FNV-1a, 32 bits (Fowler, Noll, Vo; draft-eastlake-fnv): the prime. The basis is the table's seed. */
export const FNV_PRIME = 0x01000193;
export const FNV_BASIS = 0x811c9dc5 | 0;

/** The table's hash of `bytes[start, end)`; readers compute the same on their way to a string's end. */
export function hashBytes(seed: number, bytes: Uint8Array, start: number, end: number): number {
  let hash = seed;
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ bytes[at]!, FNV_PRIME);
  return hash;
}

/** An entry is half a cache line: hash, next in its chain, length, one spare, and the bytes themselves where they fit. */
const INTS = 8;
const HASH = 0;
const NEXT = 1;
const LENGTH = 2;
const INLINE_AT = 16;
const INLINE_BYTES = 16;
/** In place of a chain's next entry. */
const END = -1;
const FREE = -2;

/**
 * Byte strings to small dense numbers, counted from 0 and reused after `delete`.
 * Chained hashing on typed arrays: a look-up allocates nothing, and finds a text of up to 16 bytes beside its hash.
 */
export class ByteTable {
  readonly seed: number;
  /** Entries now in the table. */
  size = 0;
  #heads = new Int32Array(16).fill(END);
  #ints = new Int32Array(16 * INTS);
  #bytes = new Uint8Array(this.#ints.buffer);
  /** Texts that are too long for their entry. */
  readonly #long: Uint8Array[] = [];
  readonly #free: number[] = [];
  #end = 0;

  constructor(seed: number = FNV_BASIS) {
    this.seed = seed | 0;
  }

  /** The number of `bytes[start, end)`, whose hash by this table's seed is `hash`; -1 when it is not here. */
  find(hash: number, bytes: Uint8Array, start: number, end: number): number {
    const length = end - start;
    const ints = this.#ints;
    let entry = this.#heads[hash & (this.#heads.length - 1)]!;
    while (entry !== END) {
      const at = entry * INTS;
      if (ints[at + HASH] === hash && ints[at + LENGTH] === length && this.#equal(entry, bytes, start, length))
        return entry;
      entry = ints[at + NEXT]!;
    }
    return -1;
  }

  /** The number of these bytes, giving them one when they have none. Long texts are kept, not copied. */
  add(text: Uint8Array): number {
    const hash = hashBytes(this.seed, text, 0, text.length);
    const known = this.find(hash, text, 0, text.length);
    if (known !== -1) return known;
    if (this.size >= this.#heads.length) this.#rehash();
    const entry = this.#free.pop() ?? this.#end++;
    if (entry * INTS >= this.#ints.length) this.#grow();
    this.#ints[entry * INTS + HASH] = hash;
    this.#ints[entry * INTS + LENGTH] = text.length;
    if (text.length <= INLINE_BYTES) this.#bytes.set(text, entry * INTS * 4 + INLINE_AT);
    else this.#long[entry] = text;
    this.#link(entry);
    this.size++;
    return entry;
  }

  /** Frees the entry's number for reuse. It must be in the table. */
  delete(entry: number): void {
    const ints = this.#ints;
    const bucket = ints[entry * INTS + HASH]! & (this.#heads.length - 1);
    const next = ints[entry * INTS + NEXT]!;
    let at = this.#heads[bucket]!;
    if (at === entry) this.#heads[bucket] = next;
    else {
      while (ints[at * INTS + NEXT] !== entry) at = ints[at * INTS + NEXT]!;
      ints[at * INTS + NEXT] = next;
    }
    ints[entry * INTS + NEXT] = FREE;
    delete this.#long[entry];
    this.#free.push(entry);
    this.size--;
  }

  #equal(entry: number, bytes: Uint8Array, start: number, length: number): boolean {
    const short = length <= INLINE_BYTES;
    const text = short ? this.#bytes : this.#long[entry]!;
    const from = short ? entry * INTS * 4 + INLINE_AT : 0;
    for (let at = 0; at < length; at++) if (text[from + at] !== bytes[start + at]) return false;
    return true;
  }

  #link(entry: number): void {
    const bucket = this.#ints[entry * INTS + HASH]! & (this.#heads.length - 1);
    this.#ints[entry * INTS + NEXT] = this.#heads[bucket]!;
    this.#heads[bucket] = entry;
  }

  #rehash(): void {
    this.#heads = new Int32Array(this.#heads.length * 2).fill(END);
    for (let entry = 0; entry < this.#end; entry++) if (this.#ints[entry * INTS + NEXT] !== FREE) this.#link(entry);
  }

  #grow(): void {
    const ints = new Int32Array(this.#ints.length * 2);
    ints.set(this.#ints);
    this.#ints = ints;
    this.#bytes = new Uint8Array(ints.buffer);
  }
}
