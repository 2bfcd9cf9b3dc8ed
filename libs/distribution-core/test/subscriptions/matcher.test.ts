import { describe, expect, it } from "vitest";
import {
  createMatcher,
  DEFAULT_MAX_IDS,
  type Filter,
  type MatchBuffer,
  type Matcher,
  parseFilter,
} from "../../src/subscriptions/index.ts";
import { eventOf, jsonEvent, protobufEvent, Quote } from "./messages.ts";

function matched(matcher: Matcher, event: Uint8Array): number[] {
  const out: MatchBuffer = { ids: new Uint32Array(1), count: 7 };
  matcher.match(event, 0, event.length, out);
  return [...out.ids.subarray(0, out.count)].sort((a, b) => a - b);
}

const filter = (source: string): Filter => parseFilter(source, {});

describe("the matcher", () => {
  it("gives every event to a subscriber without filter and keys", () => {
    const matcher = createMatcher({});
    matcher.add(3, undefined, []);
    expect(matched(matcher, eventOf({}))).toEqual([3]);
    expect(matched(matcher, jsonEvent("{", { key: "A" }))).toEqual([3]);
  });

  it("takes the keys as a set, and the filter on top", () => {
    const matcher = createMatcher({});
    matcher.add(1, undefined, ["A", "B", "A"]);
    matcher.add(2, filter("priority > 3"), ["B"]);
    matcher.add(3, undefined, ["__proto__"]);
    expect(matched(matcher, eventOf({ key: "A" }))).toEqual([1]);
    expect(matched(matcher, eventOf({ key: "B", priority: 4 }))).toEqual([1, 2]);
    expect(matched(matcher, eventOf({ key: "__proto__" }))).toEqual([3]);
    expect(matched(matcher, eventOf({}))).toEqual([]);
  });

  it("finds a subscriber once, however many of its alternatives are true", () => {
    const matcher = createMatcher({}, { crowded: 0 });
    matcher.add(5, filter('data.a == 1 || data.b == 2 || "x" in data.tags'), []);
    expect(matched(matcher, jsonEvent({ a: 1, b: 2, tags: ["x", "x"] }))).toEqual([5]);
  });

  it("never finds a subscriber that is gone, and takes its id anew", () => {
    const matcher = createMatcher({});
    matcher.add(0, filter('data.symbol == "A"'), []);
    matcher.remove(0);
    matcher.remove(0);
    expect(matcher.size).toBe(0);
    matcher.add(0, filter('data.symbol == "B"'), []);
    expect(matched(matcher, jsonEvent({ symbol: "A" }))).toEqual([]);
    expect(matched(matcher, jsonEvent({ symbol: "B" }))).toEqual([0]);
  });

  it("refuses ids that are in use, no integers or not below the bound", () => {
    const matcher = createMatcher({}, { maxIds: 10 });
    matcher.add(8, undefined, []);
    matcher.add(9, undefined, []);
    for (const id of [9, 10, 11, -1, 0.5, Number.NaN]) {
      expect(() => matcher.add(id, undefined, [])).toThrow(
        expect.objectContaining({ code: "invalid_request", errors: [{ path: "id", message: expect.any(String) }] }),
      );
    }
    expect(matcher.size).toBe(2);
    expect(() => createMatcher({}).add(DEFAULT_MAX_IDS, undefined, [])).toThrow(`${DEFAULT_MAX_IDS}`);
  });

  it("matches nothing on bytes that are no event", () => {
    const matcher = createMatcher({});
    matcher.add(1, undefined, []);
    matcher.add(2, filter('key == "A" || sequence >= 0'), []);
    for (const bytes of [
      [0x0a, 0x05, 0x41],
      [0x0a],
      [0x02, 0x00],
      [0x28, ...Array(11).fill(0x80)],
      [0x0f],
      [0x69, 1],
    ]) {
      expect(matched(matcher, Uint8Array.from(bytes))).toEqual([]);
    }
  });

  it("asks a filter that was made for another schema, or by someone else, itself", () => {
    const matcher = createMatcher({});
    matcher.add(1, parseFilter('data.symbol == "A"', { message: Quote }), []);
    matcher.add(2, { source: "", canonical: "", test: (event) => event.length > 20 }, []);
    expect(matched(matcher, jsonEvent({ symbol: "A" }))).toEqual([1, 2]);
    expect(matched(matcher, protobufEvent({ symbol: "A" }))).toContain(1);
    expect(matched(matcher, eventOf({ key: "A", contentType: "a" }))).toEqual([]);
  });

  it("decodes with each filter's own limits and finds the same", () => {
    const matcher = createMatcher({ message: Quote });
    matcher.add(1, parseFilter("data.size + 1 == 6", { message: Quote }), []);
    matcher.add(2, parseFilter("data.size + 1 == 6", { message: Quote }, { maxNodes: 100 }), []);
    expect(matched(matcher, protobufEvent({ size: "5" }))).toEqual([1, 2]);
  });
});

describe("the matcher with many filters", () => {
  const symbols = Array.from({ length: 300 }, (_, i) => `S${i}`);

  it("finds the one of thousands, and the hot key's by their second term", () => {
    const matcher = createMatcher({});
    for (const [i, symbol] of symbols.entries())
      matcher.add(i, filter(`data.symbol == "${symbol}" && data.price > 10`), []);
    for (let i = 0; i < 2_000; i++)
      matcher.add(1_000 + i, filter(`data.symbol == "HOT" && data.price >= ${i} && data.price < ${i + 1}`), []);
    expect(matched(matcher, jsonEvent({ symbol: "S7", price: 11 }))).toEqual([7]);
    expect(matched(matcher, jsonEvent({ symbol: "S7", price: 10 }))).toEqual([]);
    expect(matched(matcher, jsonEvent({ symbol: "HOT", price: 77.5 }))).toEqual([1_077]);
  });

  it("finds one-sided ranges on either side of the number", () => {
    const matcher = createMatcher({}, { crowded: 4, overcrowded: 8 });
    for (let i = 0; i < 100; i++) {
      matcher.add(i, filter(`data.n > ${i}`), []);
      matcher.add(100 + i, filter(`data.n <= ${-i}`), []);
    }
    expect(matched(matcher, jsonEvent({ n: 3 }))).toEqual([0, 1, 2]);
    expect(matched(matcher, jsonEvent({ n: -1 }))).toEqual([100, 101]);
    expect(matched(matcher, jsonEvent({ n: -0 }))).toEqual([100]);
    expect(matched(matcher, jsonEvent({ n: "3" }))).toEqual([]);
    expect(matched(matcher, jsonEvent({}))).toEqual([]);
    for (let i = 0; i < 200; i++) matcher.remove(i);
    expect(matched(matcher, jsonEvent({ n: 3 }))).toEqual([]);
  });

  it("keeps bands of any width around zero and up to the largest numbers apart", () => {
    const matcher = createMatcher({}, { crowded: 2 });
    const bands = [
      [-1, 1],
      [-5e300, 5e300],
      [0, 0],
      [1e-300, 2e-300],
      [-3, -2],
      [1, 1.0000001],
      [5, 4],
    ];
    for (const [i, [low, high]] of bands.entries()) matcher.add(i, filter(`data.n >= ${low} && data.n <= ${high}`), []);
    expect(matched(matcher, jsonEvent({ n: 0 }))).toEqual([0, 1, 2]);
    expect(matched(matcher, jsonEvent('{"n": -0.0}'))).toEqual([0, 1, 2]);
    expect(matched(matcher, jsonEvent({ n: 1.5e-300 }))).toEqual([0, 1, 3]);
    expect(matched(matcher, jsonEvent({ n: -2.5 }))).toEqual([1, 4]);
    expect(matched(matcher, jsonEvent({ n: 1 }))).toEqual([0, 1, 5]);
  });

  it("tells more values and fields apart than a row has bits for", () => {
    const matcher = createMatcher({});
    let id = 0;
    for (let field = 0; field < 12; field++) {
      for (let value = 0; value < 20; value++) {
        matcher.add(id++, filter(`data.f${field} == ${value}`), []);
        matcher.add(id++, filter(`data.f${field} != ${value} && data.g in ["a", "b"] && data.h != "a"`), []);
      }
    }
    expect(matched(matcher, jsonEvent({ f11: 19 }))).toEqual([(11 * 20 + 19) * 2]);
    expect(matched(matcher, jsonEvent({ f0: 3, g: "a", h: "b" }))).toHaveLength(1 + 19);
    for (let gone = 0; gone < id; gone += 3) matcher.remove(gone);
    const left = matched(matcher, jsonEvent({ f0: 3, g: "a", h: "b" }));
    expect(left.every((one) => one % 3 !== 0)).toBe(true);
  });

  it("gives everything back: thousands of changes leave no filter behind", () => {
    const matcher = createMatcher({});
    for (let round = 0; round < 20; round++) {
      for (const [i, symbol] of symbols.entries()) {
        const set = `data.symbol in ["${symbol}", "X${round}"] && data.symbol.startsWith("S")`;
        matcher.add(i, filter(`${set} || data.n == ${round}.5`), []);
      }
      expect(matched(matcher, jsonEvent({ symbol: "S5" }))).toEqual([5]);
      for (let i = 0; i < symbols.length; i++) matcher.remove(i);
    }
    expect(matcher.size).toBe(0);
    expect(matched(matcher, jsonEvent({ symbol: "S5", n: 19.5 }))).toEqual([]);
  });
});
