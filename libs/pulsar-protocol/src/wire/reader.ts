/** Reads protobuf's encoding from a part of a buffer. Throws `protocol` where it ends early or makes no sense; never reads past `end`. */
import { PulsarError } from "../errors.ts";

/** Numbers below this are exact; a longer varint is read as a bigint where that matters. */
const EXACT = 2 ** 53;

export class WireReader {
  readonly bytes: Buffer;
  pos: number;
  readonly end: number;
  /** Of the field that `next` came to. */
  field = 0;
  wireType = 0;

  constructor(bytes: Buffer, pos = 0, end = bytes.length) {
    this.bytes = bytes;
    this.pos = pos;
    this.end = end;
  }

  /** Goes to the next field; false at the end. Its value has to be read or skipped before the next call. */
  next(): boolean {
    if (this.pos >= this.end) return false;
    const tag = this.varint();
    this.field = Math.floor(tag / 8);
    this.wireType = tag & 7;
    if (this.field < 1 || this.field > 0x1fffffff) throw broken("a field number out of range");
    return true;
  }

  /** An unsigned varint; beyond 2^53 only near the true value. */
  varint(): number {
    const { bytes, end } = this;
    let pos = this.pos;
    let result = 0;
    let scale = 1;
    for (let i = 0; i < 10; i++) {
      if (pos >= end) throw broken("a number that does not end");
      const byte = bytes[pos++]!;
      if (byte < 128) {
        this.pos = pos;
        return result + byte * scale;
      }
      result += (byte & 127) * scale;
      scale *= 128;
    }
    throw broken("a number of more than 10 bytes");
  }

  uint64(): bigint {
    const start = this.pos;
    const near = this.varint();
    if (near < EXACT) return BigInt(near);
    let result = 0n;
    for (let pos = this.pos - 1; pos >= start; pos--) result = (result << 7n) | BigInt(this.bytes[pos]! & 127);
    return BigInt.asUintN(64, result);
  }

  int64(): bigint {
    return BigInt.asIntN(64, this.uint64());
  }

  int32(): number {
    const start = this.pos;
    const near = this.varint();
    if (near < 2 ** 31) return near;
    this.pos = start;
    return Number(BigInt.asIntN(32, this.uint64()));
  }

  bool(): boolean {
    return this.varint() !== 0;
  }

  /** The end of a length-delimited value that begins at `pos` after this call. */
  delimited(): number {
    if (this.wireType !== 2) throw broken(`field ${this.field} with wire type ${this.wireType}`);
    const length = this.varint();
    const end = this.pos + length;
    if (end > this.end) throw broken(`a value of ${length} bytes that does not end`);
    return end;
  }

  /** A view. */
  view(): Buffer {
    const end = this.delimited();
    const view = this.bytes.subarray(this.pos, end);
    this.pos = end;
    return view;
  }

  text(): string {
    const end = this.delimited();
    const text = this.bytes.toString("utf8", this.pos, end);
    this.pos = end;
    return text;
  }

  skip(): void {
    if (this.wireType === 0) this.varint();
    else if (this.wireType === 2) this.pos = this.delimited();
    else if (this.wireType === 1) this.pos += 8;
    else if (this.wireType === 5) this.pos += 4;
    else throw broken(`wire type ${this.wireType}`);
    if (this.pos > this.end) throw broken("a value that does not end");
  }
}

export const broken = (what: string): PulsarError =>
  new PulsarError("protocol", `The broker sent protobuf that cannot be read: ${what}.`);
