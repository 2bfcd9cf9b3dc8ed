/** Decimal numbers as strings: prices and quantities, never binary floats. */

/** Longest decimal, characters: 38 digits of any database's DECIMAL, sign and point included, with room to spare. */
export const MAX_DECIMAL_LENGTH = 64;

const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;

/** What bytes are as a decimal. From `negative` on it is canonical: no digits to spare, no "-0"; equal numbers are equal bytes. */
export const FORM = { none: 0, empty: 1, spare: 2, negative: 3, zero: 4, positive: 5 } as const;

/**
 * A decimal is an optional minus, digits, and optionally a point with digits after it. No exponent, no plus, no spaces. No bytes
 * at all are one too: the field's default, not stated.
 */
export function decimalForm(bytes: Uint8Array, start: number, end: number): number {
  if (start === end) return FORM.empty;
  if (end - start > MAX_DECIMAL_LENGTH) return FORM.none;
  const sign = bytes[start] === MINUS ? FORM.negative : FORM.positive;
  const first = sign === FORM.negative ? start + 1 : start;
  const whole = skipDigits(bytes, first, end);
  if (whole === first) return FORM.none;
  const startsWithZero = bytes[first] === ZERO;
  const hasSpare = startsWithZero && whole > first + 1;
  if (whole === end) {
    if (hasSpare) return FORM.spare;
    if (startsWithZero) return sign === FORM.negative ? FORM.spare : FORM.zero;
    return sign;
  }
  const fraction = whole + 1;
  if (bytes[whole] !== POINT || fraction === end || skipDigits(bytes, fraction, end) !== end) return FORM.none;
  return hasSpare || bytes[end - 1] === ZERO ? FORM.spare : sign;
}

/** The same for a string. */
export function isDecimalText(text: string): boolean {
  return text.length <= MAX_DECIMAL_LENGTH && /^(?:-?\d+(?:\.\d+)?)?$/.test(text);
}

export const DECIMAL_RULE = `It has to be a decimal number like -12.345, at most ${MAX_DECIMAL_LENGTH} characters, without exponent.`;

/** The place behind the digits that begin at `start`. */
export function skipDigits(bytes: Uint8Array, start: number, end: number): number {
  let pos = start;
  while (pos < end && bytes[pos]! >= 0x30 && bytes[pos]! <= 0x39) pos += 1;
  return pos;
}
