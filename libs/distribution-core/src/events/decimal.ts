/**
 * Decimal numbers as text, exact: prices, quantities and amounts are never binary floats. What is given is a decimal like
 * -12.3450, without exponent; a RangeError is thrown for anything else. What comes back is canonical: no exponent, no
 * leading or trailing zeros, no "+", no "-0", so that equal numbers are equal texts.
 */

/** The number is units / 10^places. */
interface Scaled {
  readonly units: bigint;
  readonly places: number;
}

const DECIMAL = /^(-?\d+)(?:\.(\d+))?$/;
const CANONICAL = /^(?:0|-?(?:[1-9]\d*|0(?=\.))(?:\.\d*[1-9])?)$/;
const ZERO_DIGIT = 48;

/** The same number in canonical form; undefined for what is no decimal. */
export function canonicalDecimal(text: string): string | undefined {
  if (isCanonicalDecimal(text)) return text;
  return DECIMAL.test(text) ? format(parse(text)) : undefined;
}

export function isCanonicalDecimal(text: string): boolean {
  return CANONICAL.test(text);
}

/** Negative, zero or positive, as a is below, equal to or above b. */
export function compareDecimals(a: string, b: string): number {
  return compareCanonicalDecimals(canonicalOf(a), canonicalOf(b));
}

/** The same of two that are in canonical form, which is not checked. */
export function compareCanonicalDecimals(a: string, b: string): number {
  if (a === b) return 0;
  const isNegative = a.startsWith("-");
  if (isNegative !== b.startsWith("-")) return isNegative ? -1 : 1;
  return isNegative ? compareMagnitudes(b.slice(1), a.slice(1)) : compareMagnitudes(a, b);
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

export function addDecimals(a: string, b: string): string {
  const x = parse(a);
  const y = parse(b);
  const [left, right] = aligned(x, y);
  return format({ units: left + right, places: Math.max(x.places, y.places) });
}

export function subtractDecimals(a: string, b: string): string {
  const x = parse(a);
  const y = parse(b);
  const [left, right] = aligned(x, y);
  return format({ units: left - right, places: Math.max(x.places, y.places) });
}

export function multiplyDecimals(a: string, b: string): string {
  const x = parse(a);
  const y = parse(b);
  return format({ units: x.units * y.units, places: x.places + y.places });
}

/** The quotient to so many places after the point, rounded half to even. Throws RangeError for a divisor of zero. */
export function divideDecimals(dividend: string, divisor: string, places: number): string {
  const [above, below] = aligned(parse(dividend), parse(divisor));
  const negative = above < 0n !== below < 0n;
  const scaled = magnitude(above) * 10n ** BigInt(places);
  const by = magnitude(below);
  let quotient = scaled / by;
  const twice = (scaled % by) * 2n;
  if (twice > by || (twice === by && (quotient & 1n) === 1n)) quotient += 1n;
  return format({ units: negative ? -quotient : quotient, places });
}

const canonicalOf = (text: string): string => (isCanonicalDecimal(text) ? text : format(parse(text)));

function parse(text: string): Scaled {
  const match = DECIMAL.exec(text);
  if (match === null) throw new RangeError(`${JSON.stringify(text.slice(0, 80))} is no decimal number like -12.3450.`);
  const [, whole = "", fraction = ""] = match;
  return { units: BigInt(whole + fraction), places: fraction.length };
}

/** The units of both at the larger number of places. */
function aligned(a: Scaled, b: Scaled): readonly [bigint, bigint] {
  if (a.places === b.places) return [a.units, b.units];
  if (a.places < b.places) return [a.units * 10n ** BigInt(b.places - a.places), b.units];
  return [a.units, b.units * 10n ** BigInt(a.places - b.places)];
}

function format({ units, places }: Scaled): string {
  if (units === 0n) return "0";
  const digits = magnitude(units)
    .toString()
    .padStart(places + 1, "0");
  const point = digits.length - places;
  let end = digits.length;
  while (end > point && digits.charCodeAt(end - 1) === ZERO_DIGIT) end -= 1;
  const text = end === point ? digits.slice(0, point) : `${digits.slice(0, point)}.${digits.slice(point, end)}`;
  return units < 0n ? `-${text}` : text;
}

const magnitude = (value: bigint): bigint => (value < 0n ? -value : value);
