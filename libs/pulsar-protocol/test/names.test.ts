import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nameIn } from "../src/wire/names.ts";

describe("names", () => {
  it("are what stands there, whatever was read before", () => {
    const name = fc.oneof(fc.constantFrom("a", "b", "ce-id", "ce-id\0"), fc.string({ unit: "binary", maxLength: 100 }));
    fc.assert(
      fc.property(fc.array(name, { maxLength: 400 }), (names) => {
        for (const each of names) {
          const bytes = Buffer.from(`<${each}>`);
          expect(nameIn(bytes, 1, bytes.length - 1)).toBe(bytes.toString("utf8", 1, bytes.length - 1));
        }
      }),
    );
  });

  it("are one string each, and outlive the bytes they were read from", () => {
    const bytes = Buffer.from("the name of a property");
    expect(nameIn(bytes, 0, bytes.length)).toBe("the name of a property");
    bytes.fill("x");
    expect(nameIn(Buffer.from("the name of a property"), 0, bytes.length)).toBe("the name of a property");
  });
});
