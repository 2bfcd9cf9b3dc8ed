/** Numbers from text as it lies in bytes, without a string in between where the result is exact. */

const POWERS_OF_TEN = [1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];
/** Integers of up to 15 digits are exact in a double. */
export const MAX_EXACT_DIGITS = 15;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;

/**
 * The nearest double of a decimal `-?digits(.digits)?`; NaN when the bytes are anything else. Up to 15 digits are one integer
 * divided by one power of ten, both exact, so that the quotient is correctly rounded; longer ones go through `Number`.
 */
export function readDecimal(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  const negative = bytes[at] === MINUS && at < end;
  if (negative) at++;
  let mantissa = 0;
  let digits = 0;
  let scale = -1;
  for (; at < end; at++) {
    const byte = bytes[at]!;
    const digit = byte - ZERO;
    if (digit >= 0 && digit <= 9) {
      mantissa = mantissa * 10 + digit;
      digits++;
      if (scale >= 0) scale++;
    } else if (byte === DOT && scale < 0 && digits > 0) scale = 0;
    else return Number.NaN;
  }
  if (digits === 0 || scale === 0) return Number.NaN;
  if (digits > MAX_EXACT_DIGITS) return Number(latin1(bytes, start, end));
  return scaled(negative, mantissa, Math.max(scale, 0));
}

/** `mantissa` of at most 15 digits, of which `scale` are behind the point. Correctly rounded: both operands are exact. */
export function scaled(negative: boolean, mantissa: number, scale: number): number {
  const value = scale > 0 ? mantissa / POWERS_OF_TEN[scale]! : mantissa;
  return negative ? -value : value;
}

/** For digits, signs and exponents only: every byte is a character. */
export function latin1(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString("latin1");
}

/** What the number of an enum's value can be. Minus zero is zero. */
export function isInt32(value: number): boolean {
  return (value | 0) === value;
}
