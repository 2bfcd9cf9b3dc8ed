/** Progress as text: it comes back, and what does not fit is left out from the far end. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Ahead } from "../../src/groups/ahead.ts";
import { Ranges } from "../../src/groups/ranges.ts";
import { decodeProgress, encodeProgress, type Progress } from "../../src/index.ts";

const shapes = fc.integer({ min: 1, max: 3 });
const steps = fc.array(
  fc.record({
    by: fc.bigInt({ min: 1n, max: 2n ** 40n }),
    at: fc.nat({ max: 2 }),
    rest: fc.tuple(fc.bigInt({ min: 0n, max: 5000n }), fc.bigInt({ min: 0n, max: 5000n })),
    kind: fc.constantFrom("one", "range", "attempts" as const),
    times: fc.integer({ min: 1, max: 1_000_000 }),
  }),
  { maxLength: 40 },
);

/** Progress as it can be: everything above the floor, ascending, disjoint. */
const progresses = fc.tuple(shapes, steps, fc.string({ maxLength: 30 })).map(([shape, plan, epoch]): Progress => {
  let last = Array.from({ length: shape }, () => 7n);
  const next = ({ by, at, rest }: (typeof plan)[number]): string => {
    const place = at % shape;
    last = [...last.slice(0, place), last[place]! + by, ...rest.slice(0, shape - place - 1)];
    return last.join(".");
  };
  const floor = last.join(".");
  const above: [string, string][] = [];
  const attempts: [string, number][] = [];
  for (const step of plan) {
    const from = next(step);
    if (step.kind === "attempts") attempts.push([from, step.times]);
    else above.push([from, step.kind === "one" ? from : next(step)]);
  }
  return { epoch, floor, above, attempts };
});

describe("progress", () => {
  test("comes back from its text", () => {
    fc.assert(
      fc.property(progresses, (progress) => {
        const text = encodeProgress(progress, 1_000_000);
        expect(text).toMatch(/^[ -~]*$/);
        expect(decodeProgress(text)).toEqual(progress);
      }),
    );
  });

  test("that is too long keeps what is nearest to the floor, at any bound", () => {
    fc.assert(
      fc.property(progresses, fc.nat({ max: 300 }), (progress, more) => {
        const least = encodeProgress({ ...progress, above: [], attempts: [] }, 1000).length;
        const text = encodeProgress(progress, least + more);
        expect(text.length).toBeLessThanOrEqual(least + more);
        const kept = decodeProgress(text)!;
        expect(kept).toMatchObject({ epoch: progress.epoch, floor: progress.floor });
        expect(progress.above.slice(0, kept.above.length)).toEqual(kept.above);
        expect(progress.attempts.slice(0, kept.attempts.length)).toEqual(kept.attempts);
        const whole = encodeProgress(progress, 1_000_000);
        expect(whole.startsWith(text)).toBe(true);
        expect(encodeProgress(progress, whole.length)).toBe(whole);
      }),
    );
  });

  test("takes a few bytes where many are settled", () => {
    const above = Array.from({ length: 1000 }, (_, at): [string, string] => {
      const record = 123_456_789 + Math.floor(at / 50);
      return [`${record}.${2 * (at % 50)}`, `${record}.${2 * (at % 50)}`];
    });
    const text = encodeProgress({ epoch: "x".repeat(22), floor: "123456788.99", above, attempts: [] }, 4096);
    expect(decodeProgress(text)!.above).toHaveLength(1000);
  });

  test("is refused where not even the floor fits, or offsets have another shape", () => {
    const progress = { epoch: "e", floor: "1.2", above: [], attempts: [] };
    expect(encodeProgress(progress, 8)).toBe("1;e;1.2;");
    expect(() => encodeProgress(progress, 7)).toThrow(RangeError);
    expect(() => encodeProgress({ ...progress, floor: "x" }, 100)).toThrow(RangeError);
  });

  test.each([
    "",
    "2;e;1.2;",
    "1;e;x;",
    "1;e;1.2",
    "1;e;1.2;1.1-",
    "1;e;1.2;1-1,",
    "1;e;1.2;...1",
    "1;e;1.2;1.2.3",
    "1;e;1.2;1..2",
    "1;%;1.2;",
    "made by another tool",
  ])("is not found in %j", (text) => {
    expect(decodeProgress(text)).toBeUndefined();
  });
});

test("ranges are a set of numbers, with the offsets of their ends", () => {
  const plans = fc.array(fc.record({ add: fc.boolean(), number: fc.nat({ max: 40 }) }), { maxLength: 60 });
  fc.assert(
    fc.property(plans, (plan) => {
      let model = new Set<number>();
      const ranges = new Ranges();
      for (const { add, number } of plan) {
        if (add) {
          ranges.add(number, `o${number}`);
          model.add(number);
        } else if (!model.has(number + 1)) {
          ranges.dropTo(number);
          model = new Set([...model].filter((one) => one > number));
        }
      }
      const found = ranges.toArray().map((pair) => pair.map((offset) => Number(offset.slice(1))) as [number, number]);
      const numbers = found.flatMap(([from, to]) => Array.from({ length: to - from + 1 }, (_, at) => from + at));
      expect(numbers).toEqual([...model].sort((a, b) => a - b));
      for (let at = 1; at < found.length; at += 1) expect(found[at]![0] - found[at - 1]![1]).toBeGreaterThan(1);
      ranges.clear();
      expect(ranges.toArray()).toEqual([]);
    }),
  );
});

test("what is settled ahead is known by offsets, and forgotten as reading gets there", () => {
  const compare = (a: string, b: string) => Number(a) - Number(b);
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 60 })), fc.array(fc.nat({ max: 60 })), (adds, reads) => {
      const ahead = new Ahead(compare, [
        ["10", "20"],
        ["30", "30"],
      ]);
      for (const number of adds) ahead.add(String(number));
      const isIn = (number: number) => (number >= 10 && number <= 20) || number === 30 || adds.includes(number);
      for (const number of reads.sort((a, b) => a - b)) expect(ahead.covers(String(number))).toBe(isIn(number));
      ahead.dropTo("60");
      expect(ahead.ranges).toEqual([]);
    }),
  );
});
