import { describe, expect, it } from "vitest";
import { highestPriority, nextInLine } from "../../src/qos/index.ts";
import { ROUTINE_EVERY } from "../../src/qos/overtaking.ts";

const LINE = ["low", "high", "none", "also-high"];
const PRIORITIES: Readonly<Record<string, number>> = { low: 0, high: 7, "also-high": 7 };
const priorityOf = (name: string): number | undefined => PRIORITIES[name];

describe("who is next in a line", () => {
  it("is the first of the highest priority", () => {
    expect(nextInLine(LINE, priorityOf, 1, 9)).toBe("high");
    expect(nextInLine(LINE, priorityOf, ROUTINE_EVERY - 1, 9)).toBe("high");
    expect(nextInLine(LINE.toReversed(), priorityOf, 1, 9)).toBe("also-high");
  });

  it("is in every so many turns the first who wants something, whatever its priority", () => {
    expect(nextInLine(LINE, priorityOf, ROUTINE_EVERY, 9)).toBe("low");
    expect(nextInLine(["none", ...LINE], priorityOf, 2 * ROUTINE_EVERY, 9)).toBe("low");
  });

  it("is nobody where nobody wants anything", () => {
    expect(nextInLine(["none"], priorityOf, 1, 9)).toBeUndefined();
    expect(nextInLine([], priorityOf, ROUTINE_EVERY, 0)).toBeUndefined();
  });

  it("is found without a look at the rest once none can be above it", () => {
    const asked: string[] = [];
    const asking = (name: string): number | undefined => {
      asked.push(name);
      return priorityOf(name);
    };
    nextInLine(LINE, asking, 1, 7);
    expect(asked).toEqual(["low", "high"]);
  });
});

it("the highest priority is that of the topics that state one, or 0", () => {
  expect(highestPriority([])).toBe(0);
  expect(highestPriority([{}, { priority: 3 }, { priority: 9 }, { priority: 1 }])).toBe(9);
});
