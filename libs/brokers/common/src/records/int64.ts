/** 64-bit numbers in two halves, for the paths where a bigint for each would cost more than all the rest. */

export interface MutableInt64 {
  /** Unsigned 32 bits each. */
  hi: number;
  lo: number;
}

export function set64(into: MutableInt64, value: bigint): void {
  into.hi = Number(BigInt.asUintN(32, value >> 32n));
  into.lo = Number(BigInt.asUintN(32, value));
}

export const isZero = ({ hi, lo }: MutableInt64): boolean => hi === 0 && lo === 0;

export const latin1 = (bytes: Uint8Array, from = 0, to = bytes.length): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString("latin1");

const MONTH_DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const NS_PER_SECOND = 1_000_000_000;
const TWO_16 = 0x1_0000;
const TWO_32 = 0x1_0000_0000;
const MAX_UINT64 = 2n ** 64n - 1n;
const MAX_DIGITS = 20;
/** Every number of so many digits is an exact double. */
const SAFE_DIGITS = 15;
/** The last year that is within int64 nanoseconds as a whole. */
const LAST_YEAR = 2261;

/**
 * Unix nanoseconds of `2026-01-31T09:30:00.123456789Z`, with no fraction or one of up to nine digits, from 1970 to 2261.
 * False on any other text, which may be a timestamp all the same.
 */
export function readTime(bytes: Uint8Array, from: number, to: number, into: MutableInt64): boolean {
  const length = to - from;
  if (length < 20 || length > 30 || length === 21 || bytes[to - 1] !== 0x5a) return false;
  if (bytes[from + 4] !== 0x2d || bytes[from + 7] !== 0x2d || bytes[from + 10] !== 0x54) return false;
  if (bytes[from + 13] !== 0x3a || bytes[from + 16] !== 0x3a || (length > 20 && bytes[from + 19] !== 0x2e))
    return false;
  const year = digits(bytes, from, from + 4);
  const month = digits(bytes, from + 5, from + 7);
  const day = digits(bytes, from + 8, from + 10);
  const hour = digits(bytes, from + 11, from + 13);
  const minute = digits(bytes, from + 14, from + 16);
  const second = digits(bytes, from + 17, from + 19);
  let fraction = length > 20 ? digits(bytes, from + 20, to - 1) : 0;
  for (let digit = length - 21; digit >= 0 && digit < 9; digit += 1) fraction *= 10;
  // A character that is no digit made its number NaN, which no comparison is true of.
  if (!(year >= 1970 && year <= LAST_YEAR && month >= 1 && month <= 12 && day >= 1 && fraction >= 0)) return false;
  if (!(day <= MONTH_DAYS[month - 1]! + (month === 2 && isLeap(year) ? 1 : 0))) return false;
  if (!(hour <= 23 && minute <= 59 && second <= 59)) return false;
  const seconds = ((daysOf(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
  // Long multiplication in steps of 16 bits: every intermediate value is an exact double.
  const high = Math.floor(seconds / TWO_16) * NS_PER_SECOND;
  const low = (seconds % TWO_16) * NS_PER_SECOND + fraction + (high % TWO_16) * TWO_16;
  into.hi = Math.floor(high / TWO_16) + Math.floor(low / TWO_32);
  into.lo = low % TWO_32;
  return true;
}

/** The number that decimal digits say; false on anything else, on a leading zero, and on what is over the halves. */
export function readDecimal(bytes: Uint8Array, from: number, to: number, into: MutableInt64): boolean {
  if (to - from > MAX_DIGITS || bytes[from] === 0x30) return false;
  if (to - from <= SAFE_DIGITS) {
    const value = digits(bytes, from, to);
    into.hi = Math.floor(value / TWO_32);
    into.lo = value % TWO_32;
    return value > 0;
  }
  const text = latin1(bytes, from, to);
  if (!/^\d+$/.test(text)) return false;
  const value = BigInt(text);
  set64(into, value);
  return value <= MAX_UINT64;
}

function digits(bytes: Uint8Array, from: number, to: number): number {
  let value = 0;
  for (let at = from; at < to; at += 1) {
    const digit = bytes[at]! - 0x30;
    value = digit >= 0 && digit <= 9 ? value * 10 + digit : Number.NaN;
  }
  return value;
}

const isLeap = (year: number): boolean => year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);

/** Days from 1970-01-01 to a date of the Gregorian calendar that is not before it. */
function daysOf(year: number, month: number, day: number): number {
  const before = year - 1;
  const leaps = Math.floor(before / 4) - Math.floor(before / 100) + Math.floor(before / 400) - 477;
  let days = (year - 1970) * 365 + leaps + day - 1;
  for (let at = 0; at < month - 1; at += 1) days += MONTH_DAYS[at]!;
  return month > 2 && isLeap(year) ? days + 1 : days;
}
