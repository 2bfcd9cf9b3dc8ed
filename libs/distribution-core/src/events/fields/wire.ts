/** A cursor over protobuf wire format. Once something does not fit, `broken` is set and stays so, and every read gives zero. */

export const VARINT = 0;
export const FIXED64 = 1;
export const BYTES = 2;
export const START_GROUP = 3;
export const END_GROUP = 4;
export const FIXED32 = 5;

/** A tag of one byte and the ten bytes of the longest varint. */
const MAX_VARINT_FIELD = 11;
/** Tags of one byte. */
const SHORT_TAGS = 128;
const TWO_32 = 4294967296;
const scratch = new ArrayBuffer(8);
const scratchBytes = new Uint8Array(scratch);
const scratchFloat = new Float32Array(scratch);
const scratchDouble = new Float64Array(scratch);

export class WireCursor {
  bytes: Uint8Array = scratchBytes;
  at = 0;
  end = 0;
  broken = false;
  /** The varint read last: its low and high 32 bits, unsigned. */
  low = 0;
  high = 0;

  reset(bytes: Uint8Array, start: number, end: number): void {
    this.bytes = bytes;
    this.at = start;
    this.end = end;
    this.broken = false;
  }

  /** Reads a varint into `low` and `high`, and gives `low`. */
  varint(): number {
    const byte = this.at < this.end ? this.bytes[this.at]! : 0x80;
    if (byte < 0x80) {
      this.at++;
      this.high = 0;
      this.low = byte;
      return byte;
    }
    return this.#longVarint();
  }

  #longVarint(): number {
    const { bytes, end } = this;
    let { at } = this;
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (at >= end) break;
      const byte = bytes[at++]!;
      const bits = byte & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high |= bits >>> 4;
      } else if (shift < 64) high |= bits << (shift - 32);
      if (byte < 0x80) {
        this.at = at;
        this.low = low >>> 0;
        this.high = high >>> 0;
        return this.low;
      }
    }
    this.#fail();
    return 0;
  }

  /** The end of a length-delimited field; the cursor is then at its first byte. */
  delimited(): number {
    const length = this.varint();
    if (this.high !== 0 || length > this.end - this.at) {
      this.#fail();
      return this.at;
    }
    return this.at + length;
  }

  /**
   * Passes the fields that come next as long as nobody asks for them: those whose tag is one byte and 0 in `asked`, an array
   * by tag. Stops before whatever needs a closer look, broken bytes among them. This is where most of an event goes by.
   */
  passUnasked(asked: Uint8Array): void {
    const { bytes, end } = this;
    let { at } = this;
    while (at < end) {
      const tag = bytes[at]!;
      if (tag >= 0x80 || asked[tag] !== 0) break;
      let next = at + 1;
      if ((tag & 7) === BYTES) {
        const length = next < end ? bytes[next]! : 0x80;
        if (length >= 0x80) break;
        next += 1 + length;
      } else if ((tag & 7) === VARINT) {
        while (next < end && bytes[next]! >= 0x80) next++;
        next++;
        if (next - at > MAX_VARINT_FIELD) break;
      } else break;
      if (next > end) break;
      at = next;
    }
    this.at = at;
  }

  /** Passes a field of this wire type. Groups are passed as a whole, 64 deep at most. */
  skip(wireType: number, number: number, depth = 0): void {
    if (wireType === VARINT) this.varint();
    else if (wireType === FIXED64) this.#pass(8);
    else if (wireType === BYTES) this.at = this.delimited();
    else if (wireType === FIXED32) this.#pass(4);
    else if (wireType === START_GROUP && depth < 64) this.#skipGroup(number, depth);
    else this.#fail();
  }

  #skipGroup(number: number, depth: number): void {
    while (!this.broken) {
      // At the end of the bytes this breaks the cursor: the group was not closed.
      const tag = this.varint();
      if ((tag & 7) === END_GROUP) {
        if (tag >>> 3 !== number) this.#fail();
        return;
      }
      this.skip(tag & 7, tag >>> 3, depth + 1);
    }
  }

  float(): number {
    return this.#copy(4) ? scratchFloat[0]! : 0;
  }

  double(): number {
    return this.#copy(8) ? scratchDouble[0]! : 0;
  }

  fixed32(): number {
    return this.#word(0, this.#pass(4));
  }

  /** Into `low` and `high`. */
  fixed64(): void {
    const at = this.#pass(8);
    this.low = this.#word(0, at);
    this.high = this.#word(4, at);
  }

  #word(offset: number, at: number): number {
    if (this.broken) return 0;
    const { bytes } = this;
    const start = at + offset;
    return (bytes[start]! | (bytes[start + 1]! << 8) | (bytes[start + 2]! << 16) | (bytes[start + 3]! << 24)) >>> 0;
  }

  #copy(length: number): boolean {
    const at = this.#pass(length);
    if (this.broken) return false;
    for (let i = 0; i < length; i++) scratchBytes[i] = this.bytes[at + i]!;
    return true;
  }

  /** Passes bytes and gives where they began. */
  #pass(length: number): number {
    const { at } = this;
    if (length > this.end - at) this.#fail();
    else this.at = at + length;
    return at;
  }

  #fail(): void {
    this.broken = true;
    this.low = 0;
    this.high = 0;
    this.at = this.end;
  }
}

/** What `passUnasked` stops at, by tag: the fields of these numbers, whatever their wire type, and number 0, which no field has. */
export function askedTags(numbers: Iterable<number>): Uint8Array {
  const asked = new Uint8Array(SHORT_TAGS).fill(1, 0, 8);
  for (const number of numbers) asked.fill(1, number << 3, (number << 3) + 8);
  return asked;
}

/** The nearest double of two's complement 64 bits. */
export function signed64(low: number, high: number): number {
  return (high | 0) * TWO_32 + low;
}

export function unsigned64(low: number, high: number): number {
  return high * TWO_32 + low;
}

/** ZigZag of 64 bits: 0, -1, 1, -2 ... */
export function zigzag64(low: number, high: number): number {
  const negative = low & 1;
  const half = ((low >>> 1) | (high << 31)) >>> 0;
  const top = high >>> 1;
  return negative ? -(top * TWO_32 + half) - 1 : top * TWO_32 + half;
}
