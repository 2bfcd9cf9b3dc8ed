/** Amounts are whole numbers on fixed scales in here, and canonical decimal text outside. */

/** Places after the point. A price times a quantity is an amount, exactly. */
export const PRICE_PLACES = 6;
export const QUANTITY_PLACES = 4;
export const AMOUNT_PLACES = 10;
export const FRACTION_PLACES = 12;

const ONE = 10n ** BigInt(FRACTION_PLACES);
const ZERO_DIGIT = 48;

/** No exponent, no leading or trailing zeros, no "+", no "-0". */
export function decimalText(value: bigint, places: number): string {
  if (value === 0n) return "0";
  const digits = (value < 0n ? -value : value).toString().padStart(places + 1, "0");
  const point = digits.length - places;
  let end = digits.length;
  while (end > point && digits.charCodeAt(end - 1) === ZERO_DIGIT) end -= 1;
  const text = end === point ? digits.slice(0, point) : `${digits.slice(0, point)}.${digits.slice(point, end)}`;
  return value < 0n ? `-${text}` : text;
}

export const priceText = (price: bigint): string => decimalText(price, PRICE_PLACES);
export const quantityText = (quantity: bigint): string => decimalText(quantity, QUANTITY_PLACES);
export const amountText = (amount: bigint): string => decimalText(amount, AMOUNT_PLACES);
export const fractionText = (fraction: bigint): string => decimalText(fraction, FRACTION_PLACES);

/** A fraction of whole thousandths, 0.125 from 125. */
export const thousandths = (count: number): string => decimalText(BigInt(count), 3);

/** The quotient as a fraction, rounded half to even. `divisor` is above 0. */
export function fractionOf(dividend: bigint, divisor: bigint): bigint {
  const scaled = (dividend < 0n ? -dividend : dividend) * ONE;
  let quotient = scaled / divisor;
  const twice = (scaled % divisor) * 2n;
  if (twice > divisor || (twice === divisor && (quotient & 1n) === 1n)) quotient += 1n;
  return dividend < 0n ? -quotient : quotient;
}

export const absolute = (value: bigint): bigint => (value < 0n ? -value : value);
