/** Decimals as venues write them, some with an exponent: prices and sizes are never binary floats. */
import { canonicalDecimal } from "@distribution/core/events";

/** Longest text that is taken, and the longest that is given, in characters. Venues use at most about 25. */
export const MAX_DECIMAL_CHARACTERS = 64;

const WITH_EXPONENT = /^(-?)(\d+)(?:\.(\d+))?[eE]([+-]?\d{1,4})$/;

/**
 * The same number in canonical form, so that equal numbers are equal texts: `1.814e-05` → `0.00001814`, `100.50` → `100.5`.
 * Undefined for what is no decimal, or is longer than the bound.
 */
export function decimalOf(text: string): string | undefined {
  if (text.length > MAX_DECIMAL_CHARACTERS) return undefined;
  const decimal = canonicalDecimal(text) ?? withoutExponent(text);
  return decimal === undefined || decimal.length > MAX_DECIMAL_CHARACTERS ? undefined : decimal;
}

function withoutExponent(text: string): string | undefined {
  const match = WITH_EXPONENT.exec(text);
  if (match === null) return undefined;
  const [, sign = "", whole = "", fraction = "", exponent = ""] = match;
  const digits = whole + fraction;
  const point = whole.length + Number(exponent);
  // Checked before padding: an exponent of 9999 must not make a text of 9,999 zeros first.
  if (Math.abs(point) > MAX_DECIMAL_CHARACTERS) return /[1-9]/.test(digits) ? undefined : "0";
  const padded =
    point > digits.length ? digits.padEnd(point, "0") : digits.padStart(digits.length - Math.min(point, 0), "0");
  const split = Math.max(point, 0);
  return canonicalDecimal(`${sign}${padded.slice(0, split) || "0"}.${padded.slice(split) || "0"}`);
}
