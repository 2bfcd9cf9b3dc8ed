/** Doubles as integers in the same order. */

const double = new Float64Array(1);
const words = new Uint32Array(double.buffer);
/** Which of the two words holds sign and exponent. */
const HIGH = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1 ? 1 : 0;

/** The high 32 bits of a double, unsigned, ascending where the doubles do: equal for near neighbours. Not for NaN. */
export function orderedHigh(value: number): number {
  // Plus zero: the two zeros are one.
  double[0] = value + 0;
  const high = words[HIGH]!;
  return (high & 0x80000000 ? ~high : high | 0x80000000) >>> 0;
}
