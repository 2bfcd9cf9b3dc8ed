/** Sort keys of decimals. */

/** Beyond, values are equal in the order: 28 digits before the point, 12 after it. */
const PLACES = 12;
const MAX = 10n ** 40n - 1n;

/** The decimal, canonical, as a whole number at a fixed scale; what does not fit is cut. For sorting only. */
export function sortByValue(decimal: string): bigint {
  const [whole = "", fraction = ""] = decimal.split(".");
  const scaled = BigInt(whole.replace("-", "") + fraction.slice(0, PLACES).padEnd(PLACES, "0"));
  const size = scaled > MAX ? MAX : scaled;
  return decimal.startsWith("-") ? -size : size;
}
