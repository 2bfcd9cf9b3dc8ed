import { Big } from "big.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decimalOf, MAX_DECIMAL_CHARACTERS } from "../src/domain/decimals.ts";

/** Sign, digits, where the point is, and an exponent: any decimal a venue may write. */
const decimalText = fc
  .tuple(
    fc.constantFrom("", "-"),
    fc.stringMatching(/^\d{1,12}$/),
    fc.stringMatching(/^\d{0,12}$/),
    fc.integer({ min: -15, max: 15 }),
  )
  .map(([sign, whole, fraction, exponent]) => {
    const mantissa = fraction === "" ? whole : `${whole}.${fraction}`;
    return exponent === 0 ? sign + mantissa : `${sign}${mantissa}e${exponent}`;
  });

describe("the canonical form of a decimal", () => {
  it.each([
    ["1.814e-05", "0.00001814"],
    ["5e-05", "0.00005"],
    ["1e+3", "1000"],
    ["12.5E2", "1250"],
    ["32180.5", "32180.5"],
    ["0.000000", "0"],
    ["0e5", "0"],
    ["-0.0", "0"],
    ["0e9999", "0"],
    ["14.8000", "14.8"],
    ["007.10", "7.1"],
    ["100", "100"],
    ["-1.50", "-1.5"],
    ["123456789012345678901234567890.123456789", "123456789012345678901234567890.123456789"],
  ])("of %s is %s", (text, canonical) => {
    expect(decimalOf(text)).toBe(canonical);
  });

  it.each(["", ".", ".5", "5.", "+1", "1e", "e5", "1.2.3", "0x10", "NaN", "Infinity", " 1", "1 ", "1,5", "--1", "١"])(
    "does not exist for %j",
    (text) => {
      expect(decimalOf(text)).toBeUndefined();
    },
  );

  it("takes texts up to the bound and none above", () => {
    expect(decimalOf("1".repeat(MAX_DECIMAL_CHARACTERS - 1))).toBeDefined();
    expect(decimalOf("1".repeat(MAX_DECIMAL_CHARACTERS))).toBeDefined();
    expect(decimalOf("1".repeat(MAX_DECIMAL_CHARACTERS + 1))).toBeUndefined();
  });

  it("gives texts up to the bound and none above, whatever the exponent", () => {
    expect(decimalOf("1e62")).toHaveLength(MAX_DECIMAL_CHARACTERS - 1);
    expect(decimalOf("1e63")).toHaveLength(MAX_DECIMAL_CHARACTERS);
    expect(decimalOf("1e64")).toBeUndefined();
    expect(decimalOf("1e-62")).toHaveLength(MAX_DECIMAL_CHARACTERS);
    expect(decimalOf("1e-63")).toBeUndefined();
    expect(decimalOf("-1e63")).toBeUndefined();
    expect(decimalOf("1e9999")).toBeUndefined();
    expect(decimalOf("1e-9999")).toBeUndefined();
    expect(decimalOf("1e10000")).toBeUndefined();
  });

  it("is the same number, exactly, and the same text for equal numbers", () => {
    fc.assert(
      fc.property(decimalText, (text) => {
        const canonical = decimalOf(text);
        expect(canonical).toBe(Big(text).eq(0) ? "0" : Big(text).toFixed());
        expect(decimalOf(canonical ?? "")).toBe(canonical);
      }),
      { numRuns: 500 },
    );
  });
});
