/** 64-bit integers as they come off the wire, in two signed halves, without a bigint where a number will do. */

const BILLION = 1_000_000_000;

/** The signed 64-bit number of two halves. */
export function signed64(hi: number, lo: number): bigint {
  return (BigInt(hi) << 32n) | BigInt(lo >>> 0);
}

/** Decimal digits of the halves as a signed number. */
export function signedText(hi: number, lo: number): string {
  if (hi >= 0) return unsignedText(hi, lo);
  // Two's complement; the carry reaches the high half only when the low half is zero.
  return `-${unsignedText(lo === 0 ? -hi : ~hi, -lo)}`;
}

/** Decimal digits of the halves as an unsigned number. */
export function unsignedText(hi: number, lo: number): string {
  if (hi === 0) return String(lo >>> 0);
  // At least 2^32, so the quotient is not 0 and the remainder keeps its nine digits, zeros in front included.
  const remainder = remainderOfBillion(hi >>> 0, lo) + BILLION;
  return `${divideByBillion(hi >>> 0, lo)}${String(remainder).slice(1)}`;
}

/**
 * floor(n / 10^9) of the number whose high half is `hi` (of either sign) and whose low half is `lo`. Long division in steps
 * of 16 bits, so that every intermediate value is an exact double.
 */
export function divideByBillion(hi: number, lo: number): number {
  const top = Math.floor(hi / BILLION);
  const middle = (hi - top * BILLION) * 0x10000 + (lo >>> 16);
  const middleQuotient = Math.floor(middle / BILLION);
  const low = (middle - middleQuotient * BILLION) * 0x10000 + (lo & 0xffff);
  return top * 0x100000000 + middleQuotient * 0x10000 + Math.floor(low / BILLION);
}

/** n - 10^9 * floor(n / 10^9) of the same number: 0 to 999,999,999. */
export function remainderOfBillion(hi: number, lo: number): number {
  const middle = (hi - Math.floor(hi / BILLION) * BILLION) * 0x10000 + (lo >>> 16);
  const low = (middle - Math.floor(middle / BILLION) * BILLION) * 0x10000 + (lo & 0xffff);
  return low - Math.floor(low / BILLION) * BILLION;
}
