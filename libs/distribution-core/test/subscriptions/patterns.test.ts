import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createTopicTrie, matchesPattern, PATTERN_LIMITS, parsePattern } from "../../src/subscriptions/patterns.ts";

const covers = (pattern: string, topic: string): boolean => matchesPattern(parsePattern(pattern), topic);

describe("a topic pattern", () => {
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
  ])("%s covers %s: %s", (pattern, topic, expected) => {
    expect(covers(pattern, topic)).toBe(expected);
  });

  it.each([
    ["", "is empty"],
    ["a..b", "token 2 is empty"],
    [".a", "token 1 is empty"],
    ["a.>.b", "can only be the last"],
    ["a.B", "a-z, 0-9 and -"],
    ["a.b*", "a-z, 0-9 and -"],
    ["a b", "a-z, 0-9 and -"],
  ])("%j is refused: %s", (pattern, message) => {
    expect(() => parsePattern(pattern, "subscribe.topics[0]")).toThrow(
      expect.objectContaining({
        code: "invalid_request",
        errors: [{ path: "subscribe.topics[0]", message: expect.stringContaining(message) }],
      }),
    );
  });

  it("is bounded in characters and tokens", () => {
    const { maxLength, maxTokens } = PATTERN_LIMITS;
    expect(parsePattern("a".repeat(maxLength - 1)).literal).toBe(true);
    expect(parsePattern("a".repeat(maxLength)).literal).toBe(true);
    expect(() => parsePattern("a".repeat(maxLength + 1))).toThrow(`at most ${maxLength}`);
    expect(
      parsePattern(
        Array(maxTokens - 1)
          .fill("a")
          .join("."),
      ).tokens,
    ).toHaveLength(maxTokens - 1);
    expect(parsePattern(Array(maxTokens).fill("*").join(".")).literal).toBe(false);
    expect(() =>
      parsePattern(
        Array(maxTokens + 1)
          .fill("a")
          .join("."),
      ),
    ).toThrow(`at most ${maxTokens}`);
  });
});

describe("the topic trie", () => {
  const token = fc.constantFrom("a", "b", "c");
  const pattern = fc
    .tuple(fc.array(fc.oneof(token, fc.constant("*")), { maxLength: 3 }), fc.oneof(token, fc.constantFrom("*", ">")))
    .map(([head, last]) => [...head, last].join("."));
  const topic = fc.array(token, { minLength: 1, maxLength: 4 }).map((tokens) => tokens.join("."));
  const step = fc.record({ add: fc.boolean(), pattern, id: fc.nat(5) });

  it("finds what matching every pattern finds, whatever comes and goes", () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 40 }),
        fc.array(topic, { minLength: 1, maxLength: 5 }),
        (steps, topics) => {
          const trie = createTopicTrie();
          const pairs = new Map<string, { pattern: string; id: number }>();
          for (const { add, pattern, id } of steps) {
            trie[add ? "add" : "remove"](parsePattern(pattern), id);
            if (add) pairs.set(`${pattern} ${id}`, { pattern, id });
            else pairs.delete(`${pattern} ${id}`);
          }
          expect(trie.size).toBe(pairs.size);
          for (const topic of topics) {
            const wanted = [...pairs.values()].filter(({ pattern }) => covers(pattern, topic)).map(({ id }) => id);
            expect([...trie.match(topic)].sort()).toEqual([...new Set(wanted)].sort());
          }
        },
      ),
    );
  });
});
