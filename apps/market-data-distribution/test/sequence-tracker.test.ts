import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createSequenceTracker } from "../src/domain/feeds/sequence-tracker.ts";

const stepsOf = (sequences: readonly number[], maxRanges?: number): string[] => {
  const tracker = createSequenceTracker(maxRanges);
  return sequences.map((sequence) => tracker.see(BigInt(sequence)).step);
};

describe("a venue's sequence", () => {
  it("starts anywhere and goes on by one", () => {
    expect(stepsOf([7, 8, 9])).toEqual(["next", "next", "next"]);
  });

  it("has a gap where numbers are left out, naming the first of them", () => {
    const tracker = createSequenceTracker();
    tracker.see(7n);
    expect(tracker.see(10n)).toEqual({ step: "gap", expected: 8n });
    expect(tracker.see(11n)).toEqual({ step: "next" });
  });

  it("takes each missing number once, late, and then as a repetition", () => {
    expect(stepsOf([1, 5, 3, 3, 2, 4, 2, 5, 6])).toEqual([
      "next",
      "gap",
      "late",
      "repeat",
      "late",
      "late",
      "repeat",
      "repeat",
      "next",
    ]);
  });

  it("takes what came before its first number for a repetition", () => {
    expect(stepsOf([5, 4])).toEqual(["next", "repeat"]);
  });

  it("remembers missing ranges up to a bound, and forgets the oldest", () => {
    const gaps = [1, 3, 5, 7];
    expect(stepsOf([...gaps, 2], 3).at(-1)).toBe("late");
    expect(stepsOf([...gaps, 2], 2).at(-1)).toBe("repeat");
    expect(stepsOf([...gaps, 4], 2).at(-1)).toBe("late");
  });

  it("says the same as a set of everything seen", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }), (sequences) => {
        const seen = new Set<number>();
        const first = sequences[0] ?? 0;
        const naive = sequences.map((sequence) => {
          const highest = Math.max(...seen);
          const isNew = !seen.has(sequence);
          seen.add(sequence);
          if (seen.size === 1 && isNew) return "next";
          if (sequence > highest) return sequence === highest + 1 ? "next" : "gap";
          return isNew && sequence > first ? "late" : "repeat";
        });
        expect(stepsOf(sequences)).toEqual(naive);
      }),
    );
  });
});
