/** Decimal numbers as strings: prices and quantities, never binary floats. */

/** Longest decimal, characters: 38 digits of any database's DECIMAL, sign and point included, with room to spare. */
export const MAX_DECIMAL_LENGTH = 64;

const MINUS = 0x2d;
const POINT = 0x2e;

/**
 * Whether the bytes are a decimal: an optional minus, digits, and optionally a point with digits after it. No exponent,
 * no plus, no spaces. No bytes at all are one too: the field's default, not stated.
 */
export function isDecimalBytes(bytes: Uint8Array, start: number, end: number): boolean {
  if (start === end) return true;
  if (end - start > MAX_DECIMAL_LENGTH) return false;
  let pos = bytes[start] === MINUS ? start + 1 : start;
  const whole = skipDigits(bytes, pos, end);
  if (whole === pos) return false;
  if (whole === end) return true;
  pos = whole + 1;
  return bytes[whole] === POINT && pos < end && skipDigits(bytes, pos, end) === end;
}

/** The same for a string. */
export function isDecimalText(text: string): boolean {
  return text.length <= MAX_DECIMAL_LENGTH && /^(?:-?\d+(?:\.\d+)?)?$/.test(text);
}

export const DECIMAL_RULE = `It is a decimal number like -12.3450, at most ${MAX_DECIMAL_LENGTH} characters, without exponent.`;

/** The place behind the digits that begin at `start`. */
export function skipDigits(bytes: Uint8Array, start: number, end: number): number {
  let pos = start;
  while (pos < end && bytes[pos]! >= 0x30 && bytes[pos]! <= 0x39) pos += 1;
  return pos;
}
