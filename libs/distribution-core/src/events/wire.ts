/** Reading protobuf bytes in place: tags, varints and lengths, without an object per field. */
import { invalidEvent, type LazyPath } from "./path.ts";

/** Protobuf wire types. Groups (3 and 4) are refused everywhere. */
export const WIRE = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

const EMPTY = new Uint8Array(0);

/**
 * A position in protobuf bytes. Every method that meets bytes which are no protobuf throws `invalid_event` at the path
 * given to `open`. One reader serves any number of messages, one after the other.
 */
export class WireReader {
  bytes: Uint8Array = EMPTY;
  pos = 0;
  end = 0;
  /** The varint or fixed number read last: its low and high 32 bits, both as signed integers. */
  lo = 0;
  hi = 0;
  path: LazyPath = "event";

  open(bytes: Uint8Array, start: number, end: number, path: LazyPath): void {
    this.bytes = bytes;
    this.pos = start;
    this.end = end;
    this.path = path;
  }

  /** A field's tag: `number << 3 | wire type`. */
  tag(): number {
    if (this.pos < this.end) {
      const byte = this.bytes[this.pos]!;
      if (byte < 0x80 && byte > 7) {
        this.pos += 1;
        return byte;
      }
    }
    return this.#longTag();
  }

  /** Reads a varint into `lo` and `hi`. */
  varint(): void {
    if (this.pos < this.end) {
      const byte = this.bytes[this.pos]!;
      if (byte < 0x80) {
        this.pos += 1;
        this.lo = byte;
        this.hi = 0;
        return;
      }
    }
    this.#longVarint();
  }

  /** Reads the length of a length-delimited field; what it announces lies within the message. */
  length(): number {
    const pos = this.pos;
    let length = 0;
    if (pos + 1 < this.end && this.bytes[pos]! < 0x80) {
      length = this.bytes[pos]!;
      this.pos = pos + 1;
    } else if (pos + 1 < this.end && this.bytes[pos + 1]! < 0x80) {
      length = (this.bytes[pos]! & 0x7f) | (this.bytes[pos + 1]! << 7);
      this.pos = pos + 2;
    } else {
      this.varint();
      if (this.hi !== 0) this.fail("has a field that is longer than the message");
      length = this.lo >>> 0;
    }
    if (length > this.end - this.pos) this.fail("has a field that is longer than the message");
    return length;
  }

  fixed32(): void {
    const pos = this.pos;
    if (this.end - pos < 4) this.fail("ends within a 32-bit number");
    const bytes = this.bytes;
    this.lo = bytes[pos]! | (bytes[pos + 1]! << 8) | (bytes[pos + 2]! << 16) | (bytes[pos + 3]! << 24);
    this.hi = 0;
    this.pos = pos + 4;
  }

  fixed64(): void {
    if (this.end - this.pos < 8) this.fail("ends within a 64-bit number");
    this.fixed32();
    const lo = this.lo;
    this.fixed32();
    this.hi = this.lo;
    this.lo = lo;
  }

  /** Steps over a length-delimited value. (Not `pos += length()`: that would read `pos` before `length` moves it.) */
  skipBytes(): void {
    const length = this.length();
    this.pos += length;
  }

  /** Steps over the value of a field of any number. */
  skip(wireType: number): void {
    if (wireType === WIRE.bytes) this.skipBytes();
    else if (wireType === WIRE.varint) this.varint();
    else if (wireType === WIRE.fixed64) this.fixed64();
    else if (wireType === WIRE.fixed32) this.fixed32();
    else this.fail(`has a field of wire type ${wireType}; only 0, 1, 2 and 5 are used`);
  }

  fail(what: string): never {
    throw invalidEvent(this.path, `The protobuf message ${what}. Send bytes that a protobuf encoder made.`);
  }

  #longTag(): number {
    if (this.pos >= this.end) this.fail("ends where a field should start");
    this.varint();
    if (this.hi !== 0) this.fail("has a field number over 536870911");
    if (this.lo >>> 3 === 0) this.fail("has a field numbered 0");
    return this.lo >>> 0;
  }

  #longVarint(): void {
    const { bytes, end } = this;
    let pos = this.pos;
    let lo = 0;
    let hi = 0;
    let byte = 0x80;
    for (let shift = 0; shift < 28 && byte >= 0x80 && pos < end; shift += 7) {
      byte = bytes[pos++]!;
      lo |= (byte & 0x7f) << shift;
    }
    // The fifth byte belongs to both halves.
    if (byte >= 0x80 && pos < end) {
      byte = bytes[pos++]!;
      lo |= (byte & 0x7f) << 28;
      hi = (byte & 0x7f) >>> 4;
    }
    for (let shift = 3; shift < 32 && byte >= 0x80 && pos < end; shift += 7) {
      byte = bytes[pos++]!;
      hi |= (byte & 0x7f) << shift;
      if (shift === 31 && byte > 1) this.fail("has a number over 64 bits");
    }
    if (byte >= 0x80) this.fail("ends within a number");
    this.pos = pos;
    this.lo = lo;
    this.hi = hi;
  }
}

/** How many bytes a length takes as a varint. */
export function lengthSize(length: number): number {
  return length < 0x80 ? 1 : length < 0x4000 ? 2 : length < 0x200000 ? 3 : length < 0x10000000 ? 4 : 5;
}

/** Writes an unsigned 32-bit varint at `pos` and returns the position after it. */
export function writeLength(bytes: Uint8Array, pos: number, length: number): number {
  let rest = length;
  let at = pos;
  while (rest > 0x7f) {
    bytes[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  bytes[at++] = rest;
  return at;
}
