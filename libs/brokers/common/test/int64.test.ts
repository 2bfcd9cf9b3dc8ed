/** Numbers in halves, against the core's bigints. */
import { formatTime, parseTime } from "@distribution/core/events";
import fc from "fast-check";
import { expect, test } from "vitest";
import { readTime, set64 } from "../src/records/int64.ts";

function read(text: string): bigint | undefined {
  const into = { hi: 0, lo: 0 };
  return readTime(Buffer.from(`..${text}.`), 2, 2 + Buffer.byteLength(text), into)
    ? (BigInt(into.hi) << 32n) | BigInt(into.lo)
    : undefined;
}

/** What the core makes of it; undefined when it refuses. */
function parsed(text: string): bigint | undefined {
  try {
    return parseTime(text, "time");
  } catch {
    return undefined;
  }
}

const FIRST = 0n;
const LAST = parseTime("2261-12-31T23:59:59.999999999Z", "time");

test("every timestamp from 1970 to 2261 that is written is read as the same", () => {
  fc.assert(
    fc.property(
      fc.bigInt({ min: FIRST, max: LAST }),
      fc.constantFrom(1n, 1000n, 1_000_000n, 1_000_000_000n),
      (ns, step) => {
        const time = ns - (ns % step);
        expect(read(formatTime(time))).toBe(time);
      },
    ),
    { numRuns: 2000 },
  );
});

test("what is read is what the core reads, or is left to the core", () => {
  const digits = (length: number) => fc.stringMatching(new RegExp(`^[0-9]{${length}}$`));
  const parts = fc.tuple(
    fc.oneof(fc.integer({ min: 1960, max: 2270 }).map(String), digits(4)),
    fc.oneof(fc.constantFrom("01", "02", "11", "12"), digits(2)),
    fc.oneof(fc.constantFrom("01", "28", "29", "30", "31"), digits(2)),
    fc.oneof(fc.constantFrom("00", "23", "24"), digits(2)),
    fc.constantFrom("00", "59", "60"),
    fc.constantFrom("00", "59", "60", "x0"),
    fc.constantFrom("", ".", ".5", ".50", ".123456789", ".1234567890", ".00000000x"),
    fc.constantFrom("Z", "z", "+01:00", ""),
  );
  fc.assert(
    fc.property(parts, ([year, month, day, hour, minute, second, fraction, zone]) => {
      const text = `${year}-${month}-${day}T${hour}:${minute}:${second}${fraction}${zone}`;
      const found = read(text);
      if (found !== undefined && found !== 0n) expect(found).toBe(parsed(text));
    }),
    { numRuns: 5000 },
  );
});

test.each(["2024-02-29T00:00:00Z", "2000-02-29T12:00:00.1Z", "2100-03-01T00:00:00Z", "1970-01-01T00:00:00.000000001Z"])(
  "%s is read at once",
  (text) => {
    expect(read(text)).toBe(parseTime(text, "time"));
  },
);

test.each([
  "2023-02-29T00:00:00Z",
  "2100-02-29T00:00:00Z",
  "1969-12-31T23:59:59Z",
  "2262-01-01T00:00:00Z",
  "2024-01-01 00:00:00Z",
  "2024-01-01T00:00:00.Z",
  "2024-01-00T00:00:00Z",
  "2024-00-01T00:00:00Z",
  "2024/01-01T00:00:00Z",
  "2024-01-01T00-00:00Z",
  "2024-01-01T00:00:00,5Z",
  "",
])("%j is left to the core", (text) => {
  expect(read(text)).toBeUndefined();
});

test("a bigint is put into halves", () => {
  const into = { hi: 0, lo: 0 };
  for (const value of [0n, 1n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 64n - 1n, -1n, -(2n ** 63n)]) {
    set64(into, value);
    expect((BigInt(into.hi) << 32n) | BigInt(into.lo)).toBe(BigInt.asUintN(64, value));
  }
});
