/**
 * HalfSipHash-1-3, 96 bits out, of byte ranges: what (source, id) and (source, key) are known by in the tables.
 *
 * Publishers choose these bytes, so the hash is keyed with a secret of the process: without it nobody can aim many ids at
 * one place of a table. 96 bits make a false match of honest ids a matter of 10^10 years at a million events a second.
 * Algorithm: Aumasson and Bernstein, "SipHash: a fast short-input PRF", in its 32-bit form.
 *
 * The results are fields, not return values, so that an event costs no object.
 */
export class KeyedHash {
  /** The hash of what was added, after `finish`: three unsigned 32-bit words. */
  a = 0;
  b = 0;
  c = 0;
  readonly #key0: number;
  readonly #key1: number;
  #v0 = 0;
  #v1 = 0;
  #v2 = 0;
  #v3 = 0;
  #mark0 = 0;
  #mark1 = 0;
  #mark2 = 0;
  #mark3 = 0;

  /** `secret`: 8 bytes. */
  constructor(secret: Uint8Array) {
    const view = new DataView(secret.buffer, secret.byteOffset, secret.byteLength);
    this.#key0 = view.getInt32(0, true);
    this.#key1 = view.getInt32(4, true);
  }

  start(): void {
    this.#v0 = this.#key0;
    this.#v1 = this.#key1 ^ 0xee;
    this.#v2 = 0x6c796765 ^ this.#key0;
    this.#v3 = 0x74656462 ^ this.#key1;
  }

  /** Keeps the state reached so far for `resume`: what a run of events shares (its source) is hashed once. */
  mark(): void {
    this.#mark0 = this.#v0;
    this.#mark1 = this.#v1;
    this.#mark2 = this.#v2;
    this.#mark3 = this.#v3;
  }

  resume(): void {
    this.#v0 = this.#mark0;
    this.#v1 = this.#mark1;
    this.#v2 = this.#mark2;
    this.#v3 = this.#mark3;
  }

  /** Adds one range of at most 512 bytes, its length included: ("ab", "c") differs from ("a", "bc"). */
  add(view: DataView, start: number, end: number): void {
    let v0 = this.#v0;
    let v1 = this.#v1;
    let v2 = this.#v2;
    let v3 = this.#v3;
    const words = end - ((end - start) & 3);
    for (let at = start; at <= end; at += 4) {
      const word = at < words ? view.getInt32(at, true) : lastWord(view, at, start, end);
      v3 ^= word;
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
      v0 ^= word;
    }
    this.#v0 = v0;
    this.#v1 = v1;
    this.#v2 = v2;
    this.#v3 = v3;
  }

  finish(): void {
    this.#v2 ^= 0xee;
    this.#rounds(3);
    this.a = (this.#v1 ^ this.#v3) >>> 0;
    this.#v1 ^= 0xdd;
    this.#rounds(3);
    this.b = (this.#v1 ^ this.#v3) >>> 0;
    this.c = (this.#v0 ^ this.#v2) >>> 0;
  }

  #rounds(count: number): void {
    let v0 = this.#v0;
    let v1 = this.#v1;
    let v2 = this.#v2;
    let v3 = this.#v3;
    for (let round = 0; round < count; round += 1) {
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
    }
    this.#v0 = v0;
    this.#v1 = v1;
    this.#v2 = v2;
    this.#v3 = v3;
  }
}

/** The rest of the range, below four bytes, with the length of the whole in the top byte. */
function lastWord(view: DataView, at: number, start: number, end: number): number {
  let word = (end - start) << 24;
  for (let index = at; index < end; index += 1) word |= view.getUint8(index) << ((index - at) * 8);
  return word;
}
