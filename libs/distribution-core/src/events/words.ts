/** Bytes by words of four, for what looks at every byte of every event: a word costs what a byte does. */

let viewed: Uint8Array = new Uint8Array(0);
let viewOfViewed = new DataView(viewed.buffer);

/** Kept, with the bytes, until others are asked for: the events of a batch lie in the same. */
export function viewOf(bytes: Uint8Array): DataView {
  if (bytes !== viewed) {
    viewOfViewed = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    viewed = bytes;
  }
  return viewOfViewed;
}

/** Whether the `length` bytes from `a` on equal those from `b` on. */
export function areSame(bytes: Uint8Array, a: number, b: number, length: number): boolean {
  const last = length - 4;
  if (last < 0) {
    for (let at = 0; at < length; at += 1) if (bytes[a + at] !== bytes[b + at]) return false;
    return true;
  }
  const view = viewOf(bytes);
  for (let at = 0; at < last; at += 4) if (view.getInt32(a + at, true) !== view.getInt32(b + at, true)) return false;
  // The last word may overlap the one before.
  return view.getInt32(a + last, true) === view.getInt32(b + last, true);
}

/** Throws Error unless the text's length is a multiple of four. */
export function wordsOf(text: string): Int32Array {
  if (text.length % 4 !== 0) throw new Error(`"${text}" is not made of whole words.`);
  const view = viewOf(Buffer.from(text));
  return Int32Array.from({ length: text.length / 4 }, (_, index) => view.getInt32(4 * index, true));
}

/** Whether these words are there from `start` on; as many bytes have to be. */
export function startsWith(bytes: Uint8Array, start: number, words: Int32Array): boolean {
  const view = viewOf(bytes);
  for (let index = 0; index < words.length; index += 1) {
    if (view.getInt32(start + 4 * index, true) !== words[index]) return false;
  }
  return true;
}

/** Of the four bytes of a word. */
const HIGH_BITS = 0x80808080 | 0;
/** Above the only byte of a word. */
const SPACES = 0x20202000;

/** Not 0 once a byte is no ASCII. */
export function nonAscii(view: DataView, start: number, end: number): number {
  let seen = 0;
  const last = end - 4;
  if (last < start) for (let at = start; at < end; at += 1) seen |= view.getUint8(at);
  else {
    for (let at = start; at < last; at += 4) seen |= view.getInt32(at, true);
    seen |= view.getInt32(last, true);
  }
  return seen & HIGH_BITS;
}

/** Not 0 once a byte is no printable ASCII, which space is. */
export function nonPrintable(view: DataView, start: number, end: number): number {
  let seen = 0;
  const last = end - 4;
  if (last < start) for (let at = start; at < end; at += 1) seen |= oddBytes(SPACES | view.getUint8(at));
  else {
    for (let at = start; at < last; at += 4) seen |= oddBytes(view.getInt32(at, true));
    seen |= oddBytes(view.getInt32(last, true));
  }
  return seen & HIGH_BITS;
}

/** A high bit is set when a byte is odd: its own, or by adding 1 from 0x7f on, or by borrowing below 0x20. */
const oddBytes = (word: number): number => word | (word + 0x01010101) | (word - 0x20202020);
