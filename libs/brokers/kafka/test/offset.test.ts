import fc from "fast-check";
import { expect, test } from "vitest";
import {
  beforeRecord,
  compareOffsets,
  countedOffset,
  formatOffset,
  offsetCounted,
  parseOffset,
} from "../src/offset.ts";

/** Records of one to three events, in log order: every offset of theirs. */
const log = Array.from({ length: 12 }, (_, record) => {
  const count = 1 + (record % 3);
  return Array.from({ length: count }, (_, index) => formatOffset(BigInt(record + 8), index, count));
}).flat();

test("offsets order as the log does, and the place before a record is the last event of the one before it", () => {
  for (let a = 0; a < log.length; a += 1)
    for (let b = 0; b < log.length; b += 1) expect(Math.sign(compareOffsets(log[a]!, log[b]!))).toBe(Math.sign(a - b));
  expect(beforeRecord(9n)).toBe(formatOffset(8n, 0, 1));
  expect(beforeRecord(0n)).toBe("-1");
  expect(compareOffsets("-1", "0.0")).toBe(-1);
});

test("what is no offset is refused by name", () => {
  const bad = ["", "-2", "-1.0", "1.", ".1", "01", "1.01", "1.2.3", "x", "9223372036854775808", "1e3", " 1"];
  for (const text of bad) expect(() => parseOffset(text, "from"), text).toThrow("from: must be an offset");
  expect(() => parseOffset(undefined as unknown as string, "from")).toThrow("from: must be an offset");
  expect(parseOffset("9223372036854775807", "from")).toEqual({ record: 2n ** 63n - 1n, index: undefined });
});

test("as two numbers they come back, and order as before", () => {
  for (const offset of ["-1", ...log]) expect(offsetCounted(countedOffset(offset))).toBe(offset);
  const place = fc.tuple(fc.bigInt({ min: 0n, max: 2n ** 60n }), fc.option(fc.nat(1e6)));
  const text = place.map(([record, index]) => (index === null ? `${record}` : `${record}.${index}`));
  fc.assert(
    fc.property(text, text, (a, b) => {
      const [left, right] = [a, b].map((one) => countedOffset(one).split(".").map(BigInt));
      const order = left![0] === right![0] ? left![1]! - right![1]! : left![0]! - right![0]!;
      expect(Math.sign(compareOffsets(a, b))).toBe(order < 0n ? -1 : order > 0n ? 1 : 0);
    }),
  );
});
