/** Writes one protobuf message into a buffer that grows and is used again; what `finish` gives is a copy of its own. */
const INITIAL_BYTES = 64 * 1024;
/** Tag and length of a frame's body: one byte and at most five. */
const HEAD_BYTES = 6;

export class ProtoWriter {
  #buffer = Buffer.allocUnsafeSlow(INITIAL_BYTES);
  #end = HEAD_BYTES;
  #tag = 0;

  /** Everything until `finish` is the body of this length-delimited field; tag 0: the body stands alone. */
  begin(tag: number): void {
    this.#tag = tag;
    this.#end = HEAD_BYTES;
  }

  /** Left out when it is 0, as proto3 does. */
  number(tag: number, value: number): void {
    if (value === 0) return;
    this.#reserve(10);
    this.#end = writeVarint(this.#buffer, writeVarint(this.#buffer, this.#end, tag), value);
  }

  /** Left out when it is empty, but for members of a list. */
  text(tag: number, value: string, member = false): void {
    const { length } = value;
    if (length === 0 && !member) return;
    // Offsets, names and tokens are short ASCII: written here, without the call into native code.
    if (length < 64 && this.#shortAscii(tag, value)) return;
    this.bytes(tag, Buffer.from(value));
  }

  bytes(tag: number, value: Uint8Array): void {
    this.#reserve(10 + value.length);
    this.#end = writeVarint(this.#buffer, writeVarint(this.#buffer, this.#end, tag), value.length);
    this.#buffer.set(value, this.#end);
    this.#end += value.length;
  }

  /** Fields as they are, tags and lengths included. */
  raw(bytes: Uint8Array, start: number, end: number): void {
    this.#reserve(end - start);
    this.#buffer.set(bytes.subarray(start, end), this.#end);
    this.#end += end - start;
  }

  finish(): Buffer {
    if (this.#tag === 0) return Buffer.from(this.#buffer.subarray(HEAD_BYTES, this.#end));
    const length = this.#end - HEAD_BYTES;
    const start = HEAD_BYTES - varintLength(length) - 1;
    this.#buffer[start] = this.#tag;
    writeVarint(this.#buffer, start + 1, length);
    return Buffer.from(this.#buffer.subarray(start, this.#end));
  }

  #shortAscii(tag: number, value: string): boolean {
    this.#reserve(2 + value.length);
    const buffer = this.#buffer;
    const start = this.#end;
    buffer[start] = tag;
    buffer[start + 1] = value.length;
    for (let at = 0; at < value.length; at += 1) {
      const code = value.charCodeAt(at);
      if (code > 0x7f) return false;
      buffer[start + 2 + at] = code;
    }
    this.#end = start + 2 + value.length;
    return true;
  }

  #reserve(bytes: number): void {
    if (this.#end + bytes <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#buffer.length * 2, this.#end + bytes));
    this.#buffer.copy(larger, 0, 0, this.#end);
    this.#buffer = larger;
  }
}

function writeVarint(buffer: Buffer, start: number, value: number): number {
  let at = start;
  let rest = value;
  while (rest > 0x7f) {
    buffer[at] = (rest & 0x7f) | 0x80;
    at += 1;
    rest >>>= 7;
  }
  buffer[at] = rest;
  return at + 1;
}

function varintLength(value: number): number {
  let length = 1;
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) length += 1;
  return length;
}
