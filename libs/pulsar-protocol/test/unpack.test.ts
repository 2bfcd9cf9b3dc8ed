/** LZ4 and Snappy blocks; that those of other programs are read is a test of ingress on the real broker. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { unpackLz4, unpackSnappy } from "../src/wire/unpack.ts";

const bytes = (...parts: readonly (string | number)[]): Buffer =>
  Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(part) : Buffer.from([part]))));

const LONG = "0123456789".repeat(30);

describe("LZ4", () => {
  it.each([
    ["literals alone", bytes(0x30, "abc"), "abc"],
    ["a copy from farther back than it is long", bytes(0x60, "abcdef", 6, 0, 0x10, "!"), "abcdefabcd!"],
    ["a copy of what it writes itself", bytes(0x12, "a", 1, 0, 0x10, "b"), "aaaaaaab"],
    ["many literals", bytes(0xf0, 255, 30, LONG), LONG],
    ["a long copy", bytes(0x1f, "a", 1, 0, 255, 0, 0x10, "b"), `${"a".repeat(1 + 4 + 15 + 255)}b`],
  ])("unpacks %s", (_, packed, text) => {
    expect(unpackLz4(packed, text.length)?.toString()).toBe(text);
    expect(unpackLz4(packed, text.length - 1)).toBeUndefined();
    expect(unpackLz4(packed, text.length + 1)).toBeUndefined();
    expect(unpackLz4(packed.subarray(0, -1), text.length)).toBeUndefined();
  });

  it.each([
    ["nothing", bytes()],
    ["a copy from before the beginning", bytes(0x10, "a", 2, 0, 0x10, "b")],
    ["a copy from nowhere", bytes(0x10, "a", 0, 0, 0x10, "b")],
    ["an end within a length", bytes(0xf0, 255)],
    ["an end with a copy", bytes(0x10, "a", 1, 0)],
  ])("refuses %s", (_, packed) => {
    for (const size of [1, 5, 6, 20]) expect(unpackLz4(packed, size)).toBeUndefined();
  });
});

describe("Snappy", () => {
  const size = (length: number): Buffer => (length < 128 ? bytes(length) : bytes((length & 127) | 128, length >> 7));
  const block = (text: string, ...parts: readonly (string | number)[]) =>
    [Buffer.concat([size(text.length), bytes(...parts)]), text] as const;

  it.each([
    ["literals alone", ...block("abc", 2 << 2, "abc")],
    ["literals counted in a byte", ...block("x".repeat(100), 60 << 2, 99, "x".repeat(100))],
    ["literals counted in two bytes", ...block(LONG, 61 << 2, 43, 1, LONG)],
    ["a near copy", ...block("abcdabcd", 3 << 2, "abcd", 1, 4)],
    ["a copy of what it writes itself", ...block("aaaaaaaa", 0, "a", (3 << 2) | 1, 1)],
    ["a farther copy", ...block("abcdabc", 3 << 2, "abcd", (2 << 2) | 2, 4, 0)],
    ["a copy by four bytes", ...block("abcdabc", 3 << 2, "abcd", (2 << 2) | 3, 4, 0, 0, 0)],
  ])("unpacks %s", (_, packed, text) => {
    expect(unpackSnappy(packed, text.length)?.toString()).toBe(text);
    expect(unpackSnappy(packed, text.length + 1)).toBeUndefined();
    expect(unpackSnappy(packed.subarray(0, -1), text.length)).toBeUndefined();
  });

  it.each([
    ["nothing", bytes()],
    ["a size that does not end", bytes(255, 255, 255, 255, 255, 1)],
    ["a copy from before the beginning", bytes(5, 0, "a", 1, 2)],
    ["more than its size", bytes(2, 2 << 2, "abc")],
  ])("refuses %s", (_, packed) => {
    for (const length of [2, 5]) expect(unpackSnappy(packed, length)).toBeUndefined();
  });
});

it("makes of any bytes what was claimed or nothing, and no room for what they cannot be", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(2000), (packed, claimed) => {
      for (const unpack of [unpackLz4, unpackSnappy]) {
        const result = unpack(packed, claimed);
        if (result !== undefined) expect(result.length).toBe(claimed);
      }
    }),
  );
  expect(unpackLz4(bytes(0x1f, "a", 1, 0, 255), 2 ** 40)).toBeUndefined();
});
