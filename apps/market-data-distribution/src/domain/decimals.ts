/** Decimal numbers as text, exact: prices and sizes are never binary floats. */

/** Longest text that is taken, and the longest that is given, in characters. Venues use at most about 25. */
export const MAX_DECIMAL_CHARACTERS = 64;

const DECIMAL = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,4}))?$/;
const ZERO = 48;
const NINE = 57;
const POINT = 46;

/**
 * The same number in canonical form: no exponent, no leading or trailing zeros, no "-0"; equal numbers give equal text.
 * `1.814e-05` → `0.00001814`, `100.50` → `100.5`. Undefined for what is no decimal, or is longer than the bound.
 */
export function canonicalDecimal(text: string): string | undefined {
  if (text.length > MAX_DECIMAL_CHARACTERS) return undefined;
  if (isCanonical(text)) return text;
  const match = DECIMAL.exec(text);
  if (match === null) return undefined;
  const [, sign = "", whole = "", fraction = "", exponent = "0"] = match;
  const digits = whole + fraction;
  const point = whole.length + Number(exponent);
  // Checked before padding: an exponent of 9999 must not make a text of 9,999 zeros first.
  if (point > MAX_DECIMAL_CHARACTERS || point < -MAX_DECIMAL_CHARACTERS) return /[1-9]/.test(digits) ? undefined : "0";
  const padded =
    point > digits.length ? digits.padEnd(point, "0") : digits.padStart(digits.length - Math.min(point, 0), "0");
  const split = Math.max(point, 0);
  const before = padded.slice(0, split).replace(/^0+/, "") || "0";
  const after = padded.slice(split).replace(/0+$/, "");
  const plain = after === "" ? before : `${before}.${after}`;
  if (plain === "0") return plain;
  return plain.length + sign.length > MAX_DECIMAL_CHARACTERS ? undefined : sign + plain;
}

/** Negative, zero or positive, as a is below, equal to or above b. Both in canonical form; exact at any length. */
export function compareDecimals(a: string, b: string): number {
  if (a === b) return 0;
  const aNegative = a.startsWith("-");
  if (aNegative !== b.startsWith("-")) return aNegative ? -1 : 1;
  return aNegative ? compareMagnitudes(b.slice(1), a.slice(1)) : compareMagnitudes(a, b);
}

/** Longer whole parts are larger; of equal length, text order is number order. */
function compareMagnitudes(a: string, b: string): number {
  const lengths = wholeLength(a) - wholeLength(b);
  if (lengths !== 0) return lengths;
  return a < b ? -1 : 1;
}

function wholeLength(text: string): number {
  const point = text.indexOf(".");
  return point === -1 ? text.length : point;
}

/** The usual case, without a regular expression: non-negative digits with at most one point and no zeros to take away. */
function isCanonical(text: string): boolean {
  const length = text.length;
  let point = -1;
  for (let at = 0; at < length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === POINT && point === -1) point = at;
    else if (code < ZERO || code > NINE) return false;
  }
  const whole = point === -1 ? length : point;
  if (whole === 0 || (whole > 1 && text.charCodeAt(0) === ZERO)) return false;
  return point === -1 || (point < length - 1 && text.charCodeAt(length - 1) !== ZERO);
}
