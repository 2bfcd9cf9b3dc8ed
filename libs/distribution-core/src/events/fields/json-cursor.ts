/** Walks over JSON text (RFC 8259) in bytes. Strict: what JSON.parse refuses is refused. */
import { latin1, MAX_EXACT_DIGITS, scaled } from "./numbers.ts";

/** Deepest nesting of objects and lists in a payload that filters read; a deeper payload counts as unreadable. */
export const MAX_DEPTH = 64;

export const QUOTE = 0x22;
export const COMMA = 0x2c;
export const COLON = 0x3a;
export const OPEN_LIST = 0x5b;
export const CLOSE_LIST = 0x5d;
export const OPEN_OBJECT = 0x7b;
export const CLOSE_OBJECT = 0x7d;
export const LETTER_N = 0x6e;
export const LETTER_T = 0x74;
export const LETTER_F = 0x66;
const BACKSLASH = 0x5c;
const MINUS = 0x2d;

const TRUE = Buffer.from("true");
const FALSE = Buffer.from("false");
const NULL = Buffer.from("null");

/** A position in the text. Methods that can fail give false and leave the cursor anywhere. */
export class JsonCursor {
  bytes: Uint8Array = NULL;
  at = 0;
  end = 0;
  /** Of the string passed last: where its characters lie, quotes excluded, whether any is escaped, and whether all are ASCII. */
  textStart = 0;
  textEnd = 0;
  escaped = false;
  ascii = true;
  /** Of the number passed last: the nearest double. */
  value = 0;

  reset(bytes: Uint8Array, start: number, end: number): void {
    this.bytes = bytes;
    this.at = start;
    this.end = end;
  }

  /** The next byte that is no blank, without passing it; -1 at the end. */
  peek(): number {
    const { bytes, end } = this;
    let { at } = this;
    while (at < end) {
      const byte = bytes[at]!;
      if (byte > 0x20 || (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)) {
        this.at = at;
        return byte;
      }
      at++;
    }
    this.at = at;
    return -1;
  }

  /** Passes a string; the cursor is on its opening quote. */
  string(): boolean {
    const { bytes, end } = this;
    let at = this.at + 1;
    this.textStart = at;
    this.escaped = false;
    let seen = 0;
    while (at < end) {
      const byte = bytes[at]!;
      seen |= byte;
      if (byte === QUOTE) {
        this.ascii = seen < 0x80;
        this.textEnd = at;
        this.at = at + 1;
        return true;
      }
      if (byte < 0x20) return false;
      if (byte === BACKSLASH) {
        this.escaped = true;
        at = passEscape(bytes, at + 1, end);
        if (at === -1) return false;
      } else at++;
    }
    return false;
  }

  /** Passes a number; the cursor is on its first byte. */
  number(): boolean {
    const { bytes, end } = this;
    const start = this.at;
    let at = start;
    const negative = bytes[at] === MINUS;
    if (negative) at++;
    const first = at;
    let mantissa = 0;
    for (let digit = digitAt(bytes, at, end); digit >= 0; digit = digitAt(bytes, ++at, end)) {
      mantissa = mantissa * 10 + digit;
    }
    let digits = at - first;
    let scale = 0;
    if (digits === 0 || (bytes[first] === 0x30 && digits > 1)) return false;
    if (at < end && bytes[at] === 0x2e) {
      const fraction = ++at;
      for (let digit = digitAt(bytes, at, end); digit >= 0; digit = digitAt(bytes, ++at, end)) {
        mantissa = mantissa * 10 + digit;
      }
      scale = at - fraction;
      digits += scale;
      if (scale === 0) return false;
    }
    if (at < end && (bytes[at]! | 0x20) === 0x65) {
      at = passExponent(bytes, at + 1, end);
      if (at === -1) return false;
      digits = Number.POSITIVE_INFINITY;
    }
    this.at = at;
    if (digits > MAX_EXACT_DIGITS) this.value = Number(latin1(bytes, start, at));
    else this.value = scaled(negative, mantissa, scale);
    return true;
  }

  /** Passes `true`, `false` or `null`; the cursor is on its first letter. */
  literal(first: number): boolean {
    const word = first === LETTER_T ? TRUE : first === LETTER_F ? FALSE : NULL;
    const { bytes, at } = this;
    if (at + word.length > this.end) return false;
    for (let i = 0; i < word.length; i++) if (bytes[at + i] !== word[i]) return false;
    this.at = at + word.length;
    return true;
  }

  /** Passes any value; the cursor is on its first byte. `depth` is how many objects and lists are around it. */
  skip(first: number, depth: number): boolean {
    if (first === QUOTE) return this.string();
    if (first === OPEN_OBJECT) return depth < MAX_DEPTH && this.#skipObject(depth + 1);
    if (first === OPEN_LIST) return depth < MAX_DEPTH && this.#skipList(depth + 1);
    if (first === LETTER_T || first === LETTER_F || first === LETTER_N) return this.literal(first);
    return this.number();
  }

  /** Passes a member's colon; what follows is the member's value. */
  colon(): boolean {
    if (this.peek() !== COLON) return false;
    this.at++;
    return true;
  }

  /** After a value in a list or object: 1 past a comma, 0 past the closing byte, -1 on anything else. */
  separator(close: number): number {
    const byte = this.peek();
    if (byte !== COMMA && byte !== close) return -1;
    this.at++;
    return byte === COMMA ? 1 : 0;
  }

  #skipObject(depth: number): boolean {
    this.at++;
    if (this.peek() === CLOSE_OBJECT) {
      this.at++;
      return true;
    }
    for (;;) {
      if (this.peek() !== QUOTE || !this.string() || !this.colon() || !this.skip(this.peek(), depth)) return false;
      const more = this.separator(CLOSE_OBJECT);
      if (more <= 0) return more === 0;
    }
  }

  #skipList(depth: number): boolean {
    this.at++;
    if (this.peek() === CLOSE_LIST) {
      this.at++;
      return true;
    }
    for (;;) {
      if (!this.skip(this.peek(), depth)) return false;
      const more = this.separator(CLOSE_LIST);
      if (more <= 0) return more === 0;
    }
  }
}

/** The digit, or -1 where there is none. */
function digitAt(bytes: Uint8Array, at: number, end: number): number {
  if (at >= end) return -1;
  const digit = bytes[at]! - 0x30;
  return digit <= 9 ? digit : -1;
}

/** `at` is behind the e. The place behind the digits, or -1 when there are none. */
function passExponent(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  if (bytes[at] === 0x2b || bytes[at] === MINUS) at++;
  const first = at;
  while (at < end && bytes[at]! >= 0x30 && bytes[at]! <= 0x39) at++;
  return at === first ? -1 : at;
}

/** `at` is behind the backslash. The place behind the escape, or -1. */
function passEscape(bytes: Uint8Array, at: number, end: number): number {
  if (at >= end) return -1;
  const byte = bytes[at]!;
  if (byte !== 0x75) return '"\\/bfnrt'.includes(String.fromCharCode(byte)) ? at + 1 : -1;
  if (at + 5 > end) return -1;
  for (let i = at + 1; i < at + 5; i++) {
    const digit = bytes[i]! | 0x20;
    if (!((bytes[i]! >= 0x30 && bytes[i]! <= 0x39) || (digit >= 0x61 && digit <= 0x66))) return -1;
  }
  return at + 5;
}
