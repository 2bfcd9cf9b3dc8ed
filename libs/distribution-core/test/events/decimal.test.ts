import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  addDecimals,
  canonicalDecimal,
  compareCanonicalDecimals,
  compareDecimals,
  divideDecimals,
  isCanonicalDecimal,
  multiplyDecimals,
  subtractDecimals,
} from "../../src/events/index.ts";

/** A decimal as units and places, and as text with as many zeros behind as it happens to have. */
const decimal = fc
  .record({ units: fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }), places: fc.integer({ min: 0, max: 18 }) })
  .map(({ units, places }) => ({ units, places, text: textOf(units, places) }));

function textOf(units: bigint, places: number): string {
  const digits = (units < 0n ? -units : units).toString().padStart(places + 1, "0");
  const point = digits.length - places;
  return `${units < 0n ? "-" : ""}${digits.slice(0, point)}${places > 0 ? `.${digits.slice(point)}` : ""}`;
}

const scaled = (units: bigint, from: number, to: number): bigint => units * 10n ** BigInt(to - from);

describe("a decimal in canonical form", () => {
  it.each([
    ["0", "0"],
    ["-0", "0"],
    ["-0.00", "0"],
    ["007", "7"],
    ["12.3450", "12.345"],
    ["-12.3450", "-12.345"],
    ["0.10", "0.1"],
    ["-0.10", "-0.1"],
    ["100", "100"],
    ["100.000", "100"],
  ])("of %s is %s", (text, canonical) => {
    expect(canonicalDecimal(text)).toBe(canonical);
    expect(isCanonicalDecimal(text)).toBe(text === canonical);
    expect(isCanonicalDecimal(canonical)).toBe(true);
  });

  it.each(["", "-", ".", "1.", ".5", "+1", "1e3", "0x10", " 1", "1 ", "1,5", "--1", "NaN", "١"])(
    "is not of %j",
    (text) => {
      expect(canonicalDecimal(text)).toBeUndefined();
      expect(isCanonicalDecimal(text)).toBe(false);
      expect(() => addDecimals("1", text)).toThrow(RangeError);
      expect(() => compareDecimals(text, "1")).toThrow(RangeError);
    },
  );

  it("is one text a number, and the same number", () => {
    fc.assert(
      fc.property(decimal, fc.integer({ min: 1, max: 5 }), ({ units, places, text }, zeros) => {
        const canonical = canonicalDecimal(text)!;
        expect(isCanonicalDecimal(canonical)).toBe(true);
        expect(compareDecimals(canonical, text)).toBe(0);
        expect(canonicalDecimal(textOf(scaled(units, 0, zeros), places + zeros))).toBe(canonical);
      }),
    );
  });
});

describe("sums, differences, products and comparisons of decimals", () => {
  it("are those of whole numbers at the same scale", () => {
    fc.assert(
      fc.property(decimal, decimal, (a, b) => {
        const places = Math.max(a.places, b.places);
        const [x, y] = [scaled(a.units, a.places, places), scaled(b.units, b.places, places)];
        const canonical = (units: bigint, at: number) => canonicalDecimal(textOf(units, at));
        expect(addDecimals(a.text, b.text)).toBe(canonical(x + y, places));
        expect(subtractDecimals(a.text, b.text)).toBe(canonical(x - y, places));
        expect(multiplyDecimals(a.text, b.text)).toBe(canonical(a.units * b.units, a.places + b.places));
        const sign = x === y ? 0 : x < y ? -1 : 1;
        expect(Math.sign(compareDecimals(a.text, b.text))).toBe(sign);
        expect(Math.sign(compareCanonicalDecimals(canonicalDecimal(a.text)!, canonicalDecimal(b.text)!))).toBe(sign);
      }),
    );
  });

  it.each([
    ["9.9", "10", -1],
    ["0.1", "0.10000000000000000001", -1],
    ["-2", "-10", 1],
    ["-1", "1", -1],
    ["3", "-3", 1],
    ["1.5", "1.50", 0],
  ])("compare as numbers: %s against %s is %i", (a, b, sign) => {
    expect(Math.sign(compareDecimals(a, b))).toBe(sign);
  });

  it("keep what a binary float would lose", () => {
    expect(addDecimals("0.1", "0.2")).toBe("0.3");
    expect(multiplyDecimals("9007199254740993", "1.000000000000000001")).toBe("9007199254740993.009007199254740993");
    expect(subtractDecimals("1", "1.00")).toBe("0");
  });
});

describe("a quotient", () => {
  it.each([
    ["1", "3", 4, "0.3333"],
    ["2", "3", 4, "0.6667"],
    ["-2", "3", 4, "-0.6667"],
    ["2", "-3", 0, "-1"],
    ["1", "8", 2, "0.12"],
    ["3", "8", 2, "0.38"],
    ["-1", "8", 2, "-0.12"],
    ["0.5", "1", 0, "0"],
    ["1.5", "1", 0, "2"],
    ["2.5", "1", 0, "2"],
    ["0", "7", 3, "0"],
    ["600", "0.0003", 2, "2000000"],
  ])("of %s by %s to %i places is %s: half goes to even", (dividend, divisor, places, quotient) => {
    expect(divideDecimals(dividend, divisor, places)).toBe(quotient);
  });

  it("is never further from the exact one than half of its last place", () => {
    fc.assert(
      fc.property(decimal, decimal, fc.integer({ min: 0, max: 12 }), (a, b, places) => {
        fc.pre(b.units !== 0n);
        const error = subtractDecimals(multiplyDecimals(divideDecimals(a.text, b.text, places), b.text), a.text);
        const twice = multiplyDecimals(error.replace("-", ""), "2");
        const bound = multiplyDecimals(b.text.replace("-", ""), textOf(1n, places));
        expect(compareDecimals(twice, bound)).toBeLessThanOrEqual(0);
      }),
    );
  });

  it("by zero is refused", () => {
    expect(() => divideDecimals("1", "0.0", 2)).toThrow(RangeError);
  });
});
