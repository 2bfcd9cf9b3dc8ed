import fc from "fast-check";
import { expect, test } from "vitest";
import { decimalText, fractionOf } from "../src/engine/decimals.ts";
import { exact, quotient } from "./support/exact.ts";

test.each([
  [0n, 6, "0"],
  [1n, 6, "0.000001"],
  [-1n, 6, "-0.000001"],
  [1_000_000n, 6, "1"],
  [-1_500_000n, 6, "-1.5"],
  [120n, 1, "12"],
  [-7n, 0, "-7"],
  [100n, 0, "100"],
])("%d at %d places is %s", (value, places, text) => {
  expect(decimalText(value, places)).toBe(text);
});

test("decimal text is canonical and says the value", () => {
  const property = fc.property(fc.bigInt({ min: -(2n ** 90n), max: 2n ** 90n }), fc.nat(12), (value, places) => {
    expect(exact(decimalText(value, places))).toBe(value * 10n ** BigInt(24 - places));
  });
  fc.assert(property, { seed: 1 });
});

test.each([
  [1n, 3n, "0.333333333333"],
  [2n, 3n, "0.666666666667"],
  [-2n, 3n, "-0.666666666667"],
  // Halves go to the even neighbour.
  [1n, 2_000_000_000_000n, "0"],
  [3n, 2_000_000_000_000n, "0.000000000002"],
  [-3n, 2_000_000_000_000n, "-0.000000000002"],
])("%d / %d is the fraction %s", (dividend, divisor, text) => {
  expect(decimalText(fractionOf(dividend, divisor), 12)).toBe(text);
});

test("fractions are what the reader makes of them", () => {
  const number = fc.bigInt({ min: -(2n ** 80n), max: 2n ** 80n });
  const property = fc.property(number, fc.bigInt({ min: 1n, max: 2n ** 80n }), (dividend, divisor) => {
    expect(exact(decimalText(fractionOf(dividend, divisor), 12))).toBe(quotient(dividend, divisor, 12));
  });
  fc.assert(property, { seed: 2 });
});
