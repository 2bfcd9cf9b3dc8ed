/** Pieces of bytes as strings, without a Buffer for each piece: Node's own methods, which work on any Uint8Array. */

interface NativeSlices {
  utf8Slice(start: number, end: number): string;
  latin1Slice(start: number, end: number): string;
  base64Slice(start: number, end: number): string;
}

const native = Buffer.prototype as unknown as NativeSlices;

/** UTF-8 bytes as a string. Invalid sequences become U+FFFD: check first where that matters. */
export function utf8(bytes: Uint8Array, start: number, end: number): string {
  return start === end ? "" : native.utf8Slice.call(bytes, start, end);
}

/** Every byte as the character of its number. */
export function latin1(bytes: Uint8Array, start: number, end: number): string {
  return start === end ? "" : native.latin1Slice.call(bytes, start, end);
}

/** Base64 of RFC 4648, section 4, with padding. */
export function base64(bytes: Uint8Array, start: number, end: number): string {
  return start === end ? "" : native.base64Slice.call(bytes, start, end);
}
