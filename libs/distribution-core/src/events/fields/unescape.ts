/** Strings with escapes, written out. */

const SHORT: Readonly<Record<number, number>> = {
  34: 0x22,
  92: 0x5c,
  47: 0x2f,
  98: 0x08,
  102: 0x0c,
  110: 0x0a,
  114: 0x0d,
  116: 0x09,
};

/**
 * Writes a well-formed JSON string's characters as UTF-8 to `out`, which has room for `end - start` bytes; how many it wrote.
 * A surrogate without its partner is written as three bytes that no UTF-8 has, so that it equals no constant.
 */
export function unescapeJson(bytes: Uint8Array, start: number, end: number, out: Uint8Array): number {
  let length = 0;
  for (let at = start; at < end; ) {
    const byte = bytes[at]!;
    if (byte !== 0x5c) {
      out[length++] = byte;
      at++;
    } else if (bytes[at + 1] !== 0x75) {
      out[length++] = SHORT[bytes[at + 1]!]!;
      at += 2;
    } else {
      let code = hex4(bytes, at + 2);
      at += 6;
      if (code >= 0xd800 && code < 0xdc00 && bytes[at] === 0x5c && bytes[at + 1] === 0x75 && at + 6 <= end) {
        const low = hex4(bytes, at + 2);
        if (low >= 0xdc00 && low < 0xe000) {
          code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
          at += 6;
        }
      }
      length = writeUtf8(code, out, length);
    }
  }
  return length;
}

function writeUtf8(code: number, out: Uint8Array, from: number): number {
  let at = from;
  if (code < 0x80) out[at++] = code;
  else {
    if (code < 0x800) out[at++] = 0xc0 | (code >> 6);
    else {
      if (code < 0x10000) out[at++] = 0xe0 | (code >> 12);
      else {
        out[at++] = 0xf0 | (code >> 18);
        out[at++] = 0x80 | ((code >> 12) & 0x3f);
      }
      out[at++] = 0x80 | ((code >> 6) & 0x3f);
    }
    out[at++] = 0x80 | (code & 0x3f);
  }
  return at;
}

function hex4(bytes: Uint8Array, start: number): number {
  let value = 0;
  for (let at = start; at < start + 4; at++) {
    const byte = bytes[at]!;
    value = value * 16 + (byte <= 0x39 ? byte - 0x30 : (byte | 0x20) - 0x57);
  }
  return value;
}
