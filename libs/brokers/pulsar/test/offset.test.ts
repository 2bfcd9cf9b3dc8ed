import { describe, expect, test } from "vitest";
import { BEGINNING, beforeEntry, comparePlaces, formatOffset, laterOf, parseOffset } from "../src/offset.ts";

describe("an offset is three numbers", () => {
  test.each(["0.0.0", "5.0.1", "9223372036854775807.9223372036854775807.999999999"])("%s", (text) => {
    expect(formatOffset(parseOffset(text, "offset"))).toBe(text);
  });

  test.each([
    "",
    "5",
    "5.1",
    "5.1.1.1",
    "05.1.1",
    "5.-1.1",
    "5.1.1000000000",
    "a.b.c",
    "5.1.1 ",
    "99999999999999999999.0.0",
  ])("and not %j", (text) => {
    expect(() => parseOffset(text, "from.after.offset")).toThrow(
      expect.objectContaining({
        code: "invalid_request",
        errors: [{ path: "from.after.offset", message: expect.any(String) }],
      }),
    );
  });

  test("and nothing but text", () => {
    expect(() => parseOffset(5 as unknown as string, "offset")).toThrow(/three numbers, not 5/);
  });
});

test("offsets are ordered as numbers, not as text", () => {
  const texts = ["0.0.0", "5.9.0", "5.9.2", "5.9.10", "5.10.1", "40.0.1"];
  const places = texts.map((text) => parseOffset(text, "offset"));
  expect([...places].reverse().sort(comparePlaces)).toEqual(places);
  expect(comparePlaces(places[2]!, places[2]!)).toBe(0);
});

test("the place before an entry is after all that is before it and before its first event", () => {
  const before = beforeEntry({ ledger: 5n, entry: 3n });
  expect(comparePlaces(before, parseOffset("5.2.999", "offset"))).toBeGreaterThan(0);
  expect(comparePlaces(before, parseOffset("5.3.1", "offset"))).toBeLessThan(0);
  expect(laterOf(before, BEGINNING)).toBe(before);
  expect(laterOf(BEGINNING, before)).toBe(before);
});
