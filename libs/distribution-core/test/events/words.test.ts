/** Words find what a look at each byte finds, wherever in a word it is. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { areSame, nonAscii, nonPrintable, startsWith, viewOf, wordsOf } from "../../src/events/words.ts";

/** Mostly bytes that are right, and those next to the bounds. */
const byte = fc.oneof(
  { weight: 12, arbitrary: fc.integer({ min: 0x20, max: 0x7e }) },
  { weight: 1, arbitrary: fc.constantFrom(0, 0x1f, 0x7f, 0x80, 0x9f, 0xa0, 0xff) },
);
/** Within bytes that would be found too. */
const within = fc.record({
  bytes: fc.array(byte, { maxLength: 13 }),
  before: fc.constantFrom([], [0xff], [0x00, 0xff, 0x7f]),
  after: fc.constantFrom([], [0xff], [0x1f, 0x80]),
});

it("finds bytes that are no ASCII, or not printable", () => {
  fc.assert(
    fc.property(within, ({ bytes, before, after }) => {
      const view = viewOf(Uint8Array.from([...before, ...bytes, ...after]));
      const end = before.length + bytes.length;
      expect(nonAscii(view, before.length, end) !== 0).toBe(bytes.some((each) => each > 0x7f));
      expect(nonPrintable(view, before.length, end) !== 0).toBe(bytes.some((each) => each < 0x20 || each > 0x7e));
    }),
    { numRuns: 5_000 },
  );
});

it("tells equal bytes from others", () => {
  const pair = fc.uint8Array({ maxLength: 11 }).chain((one) => {
    const other = fc.oneof(
      fc.constant(one),
      fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })).map(([at, by]) => changed(one, at, by)),
    );
    return fc.tuple(fc.constant(one), other, fc.nat({ max: 5 }));
  });
  fc.assert(
    fc.property(pair, ([one, other, between]) => {
      const bytes = Uint8Array.from([1, ...one, ...new Uint8Array(between), ...other]);
      const same = Buffer.compare(one, other) === 0;
      expect(areSame(bytes, 1, 1 + one.length + between, one.length)).toBe(same);
    }),
    { numRuns: 5_000 },
  );
});

const changed = (bytes: Uint8Array, at: number, by: number): Uint8Array =>
  bytes.map((each, index) => (index === at % bytes.length ? each + by : each));

it("knows a text by its words, in a part of a larger buffer too", () => {
  const words = wordsOf("application/json");
  const text = Buffer.from("...xapplication/jsonx").subarray(3);
  expect(startsWith(text, 1, words)).toBe(true);
  for (let at = 1; at < 17; at += 1) expect(startsWith(changed(text, at, 1), 1, words)).toBe(false);
  expect(() => wordsOf("text/plain")).toThrow("text/plain");
});
