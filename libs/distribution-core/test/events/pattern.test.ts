import { describe, expect, it } from "vitest";
import { PATTERN_LIMITS, patternCovers, patternMistake } from "../../src/events/index.ts";

describe("a pattern", () => {
  it.each([
    ["market-data.quotes", "market-data.quotes", true],
    ["market-data.quotes", "market-data.quotes.x", false],
    ["market-data.quotes", "market-data", false],
    ["*", "a", true],
    ["*", "a.b", false],
    ["a.*.c", "a.b.c", true],
    ["a.*.c", "a.c", false],
    ["a.*", "a", false],
    ["*.b", "a.b", true],
    ["*.b", "a.c", false],
    [">", "a", true],
    [">", "a.b.c", true],
    ["a.>", "a.b", true],
    ["a.>", "a.b.c.d", true],
    ["a.>", "a", false],
    ["a.*.>", "a.b", false],
    ["a.*.>", "a.b.c", true],
    ["b.>", "a.b", false],
  ])("%s covers %s: %s", (pattern, name, expected) => {
    expect(patternMistake(pattern)).toBeUndefined();
    expect(patternCovers(pattern, name)).toBe(expected);
  });

  it.each([
    ["", "is empty"],
    ["a..b", "token 2 is empty"],
    [".a", "token 1 is empty"],
    ["a.>.b", "can only be the last"],
    ["a.b*", "only as a whole"],
    ["a.>b", "only as a whole"],
    ["a b", "no space"],
    ["a\n", "no space"],
  ])("that is %j has a mistake: %s", (pattern, mistake) => {
    expect(patternMistake(pattern)).toContain(mistake);
  });

  it("is bounded in characters and tokens", () => {
    const { maxCharacters, maxTokens } = PATTERN_LIMITS;
    const ofTokens = (count: number): string => Array(count).fill("*").join(".");
    for (const length of [maxCharacters - 1, maxCharacters]) expect(patternMistake("a".repeat(length))).toBeUndefined();
    for (const count of [maxTokens - 1, maxTokens]) expect(patternMistake(ofTokens(count))).toBeUndefined();
    expect(patternMistake("a".repeat(maxCharacters + 1))).toContain(`at most ${maxCharacters}`);
    expect(patternMistake(ofTokens(maxTokens + 1))).toContain(`at most ${maxTokens}`);
  });
});
