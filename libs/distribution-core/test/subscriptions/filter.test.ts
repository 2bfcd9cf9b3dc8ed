import { describe, expect, it } from "vitest";
import { DEFAULT_LIMITS, type FilterLimits, parseFilter, type TopicSchema } from "../../src/subscriptions/index.ts";
import { eventOf, jsonEvent, protobufEvent, Quote } from "./messages.ts";

const schema: TopicSchema = { message: Quote };
const test = (source: string, event: Uint8Array, of: TopicSchema = {}): boolean => parseFilter(source, of).test(event);

describe("a filter over JSON without a schema", () => {
  const event = jsonEvent(
    { symbol: "ACME", price: 12.5, size: 5, tags: ["a", "b"], book: { depth: 3 }, none: null, live: true },
    {
      key: "XNAS:ACME",
      type: "trade.v1",
      class: 2,
      priority: 7,
      sequence: 9n,
      time: 1_700_000_000_000_000_001n,
      extensions: [["region", "eu"]],
    },
  );

  it.each([
    'data.symbol == "ACME"',
    "data.price > 12 && data.price < 13.0",
    "data.size == 5",
    "data.size == 5.0",
    '"b" in data.tags',
    "data.book.depth == 3",
    'data["symbol"].startsWith("AC")',
    "data.none == null",
    "data.live",
    "!(data.size > 5)",
    'key == "XNAS:ACME" && type == "trade.v1"',
    'class == "trade"',
    "priority >= 7 && sequence == 9",
    "time == 1700000000000000001",
    'extensions.region == "eu"',
    "has(data.book.depth) && !has(data.other)",
    "data.tags.exists(t, t == 'b')",
    "size(data.tags) == 2",
    "data.symbol != 5",
    "data.size in [1, 5]",
    "data.size > 1 ? data.live : false",
  ])("%s is true", (source) => {
    expect(test(source, event)).toBe(true);
  });

  it.each([
    "data.other == 1",
    "data.other != 1",
    "!(data.other == 1)",
    "data.symbol > 5",
    "!(data.symbol > 5)",
    "data.book.depth.x == 1",
    "has(data.other.deep)",
    "time == 1700000000000000000",
    "data.size",
    'data.book == "x"',
    "data.other == 1 || data.size == 6",
  ])("%s is no match", (source) => {
    expect(test(source, event)).toBe(false);
  });

  it("absorbs errors where the other side decides", () => {
    expect(test("data.other == 1 || data.size == 5", event)).toBe(true);
    expect(test("data.size == 5 || data.other == 1", event)).toBe(true);
    expect(test("!(data.other == 1 && data.size == 6)", event)).toBe(true);
  });

  it("keeps the digits of integers beyond 2^53", () => {
    const big = jsonEvent('{"n": 9007199254740993}');
    expect(test("data.n == 9007199254740993", big)).toBe(true);
    expect(test("data.n == 9007199254740992", big)).toBe(false);
    expect(test("data.n > 9007199254740992", big)).toBe(true);
  });

  it("takes names of JavaScript's own as any other", () => {
    const odd = jsonEvent('{"__proto__": "a", "constructor": {"name": "b"}, "toString": 1}');
    expect(test('data.__proto__ == "a" && data.constructor.name == "b" && data.toString == 1', odd)).toBe(true);
    expect(test("has(data.hasOwnProperty)", odd)).toBe(false);
  });

  it.each([
    ["absent", eventOf({})],
    ["cut short", jsonEvent('{"symbol": "ACME"')],
    ["of another type", jsonEvent('{"symbol": "ACME"}', { contentType: "text/plain" })],
    ["protobuf without a schema", jsonEvent("", { contentType: "application/protobuf" })],
    ["nested too deeply", jsonEvent(`${"[".repeat(65)}${"]".repeat(65)}`)],
    ["no event at all", Uint8Array.of(0x0a, 0x05, 0x41)],
  ])("never matches by data when the payload is %s", (_what, broken) => {
    for (const source of ['data.symbol == "ACME"', "!has(data.symbol)", 'id == "" || has(data.x)', "data == data"]) {
      expect(test(source, broken)).toBe(false);
    }
  });
});

describe("a filter over a schema", () => {
  const payload = {
    symbol: "ACME",
    price: "12.50",
    size: "9007199254740993",
    side: "SIDE_BUY",
    venueCode: "XNAS",
    tags: ["a"],
    book: { depth: 3 },
    desk: "fx",
    labels: { a: "b" },
    ratio: "NaN",
  };
  const trues = [
    "data.price == 12.5",
    "data.price > 12",
    "data.price in [12.5, 13]",
    "data.size == 9007199254740993",
    'data.side == "SIDE_BUY"',
    'data.venue_code == "XNAS"',
    '"a" in data.tags',
    "data.book.depth == 3",
    "has(data.desk) && !has(data.robot)",
    'data.labels["a"] == "b"',
    "data.live == false",
    "!has(data.live)",
    "has(data.size)",
    "data.count == 0",
    "!has(data.note)",
    "has(data.tags) && !has(data.levels)",
    "!(data.ratio > 1.0)",
    "data.ratio != 1.0",
    "!has(data.raw) && !has(data.weight)",
    "data.book.name == ''",
    "has(data.side)",
  ];

  it.each(trues)("%s is true in protobuf and in JSON", (source) => {
    expect(test(source, protobufEvent(payload), schema)).toBe(true);
    expect(test(source, jsonEvent(payload), schema)).toBe(true);
    expect(test(source, jsonEvent({ ...payload, venueCode: null, venue_code: "XNAS" }), schema)).toBe(true);
  });

  it.each(["data.note == ''", "data.robot.depth == 0", "data.size == 9007199254740992", "data.book.inner.depth == 0"])(
    "%s is no match",
    (source) => {
      expect(test(source, protobufEvent(payload), schema)).toBe(false);
      expect(test(source, jsonEvent(payload), schema)).toBe(false);
    },
  );

  it("compares decimals to 15 significant digits, and finds none in other text", () => {
    expect(test("data.price == 0.1", protobufEvent({ price: "0.100000000000000000" }), schema)).toBe(true);
    expect(test("data.price < 1", protobufEvent({ price: "" }), schema)).toBe(false);
    expect(test("data.price < 1", protobufEvent({ price: "1e-3" }), schema)).toBe(false);
    expect(test("has(data.price)", protobufEvent({ price: "abc" }), schema)).toBe(false);
  });

  it("finds a JSON value of another type than the schema's absent", () => {
    const odd = jsonEvent({
      symbol: 5,
      size: "x",
      side: true,
      ratio: "wide",
      live: "yes",
      price: 5,
      book: "b",
      tags: ["a", 5],
    });
    for (const source of [
      "data.symbol != 'a'",
      "data.size < 9",
      "data.side != 'SIDE_BUY'",
      "data.ratio < 9.0",
      "!data.live",
      "data.price > 1",
      "data.book.depth == 0",
    ]) {
      expect(test(source, odd, schema)).toBe(false);
    }
    expect(test("size(data.tags) == 1", odd, schema)).toBe(true);
  });
});

describe("a bad filter", () => {
  const refusal = (source: string, of: TopicSchema = schema): unknown => {
    try {
      return parseFilter(source, of);
    } catch (error) {
      return error;
    }
  };

  it.each([
    ["data.", "invalid_filter", "Expected IDENTIFIER"],
    ["", "invalid_filter", "Unexpected token"],
    ["data.symbol = 'A'", "invalid_filter", "Unexpected character: = at character 13; equality is =="],
    ["data.symbol == 'a=b' && key='A'", "invalid_filter", "; equality is =="],
    ["partitionkey == 'A'", "invalid_filter", "Unknown variable: partitionkey at character 1; in filters it is key."],
    ["eventclass == 'trade'", "invalid_filter", "; in filters it is class. Filters name data and "],
    ["data.simbol == 'A'", "invalid_filter", 'No such key: simbol at character 6; did you mean "symbol"'],
    ["data.book.dept == 1", "invalid_filter", 'did you mean "depth"'],
    ["data.venueCode == 'A'", "invalid_filter", 'did you mean "venue_code"'],
    ["data.at == 1", "invalid_filter", "No such key: at"],
    ["data.nothing == 1", "invalid_filter", "No such key: nothing at character 6. "],
    ["nothing == 1", "invalid_filter", "nothing at character 1. Filters name data and "],
    ["symbol == 'A'", "invalid_filter", 'did you mean "data.symbol"'],
    ["sequense == 1", "invalid_filter", 'did you mean "sequence"'],
    ["data.symbol == 5", "invalid_filter", "string == int"],
    ["data.size > 'a'", "invalid_filter", "int > string"],
    ["data.size", "invalid_filter", "gives int"],
    ["data.side == 'BUY'", "invalid_filter", 'did you mean "SIDE_BUY"'],
    ["class == 'trades'", "invalid_filter", 'did you mean "trade"'],
    ["class in ['quote', 'x']", "invalid_filter", '"x" is no value'],
    ["data.symbol.reverse() == 'A'", "invalid_filter", 'no function "reverse"'],
    ["{'a': 1} == {'a': 1}", "invalid_filter", "map literals"],
    ["data.symbol == '\ud800'", "invalid_filter", "surrogate"],
    ["data.symbol.matches('(a+)+$')", "filter_too_costly", "regular expression"],
    ["data.tags.exists(a, data.tags.all(b, a == b))", "filter_too_costly", "at most 1 deep"],
    [`${"!".repeat(15_000)}true`, "filter_too_costly", "nest"],
  ])("%s gives %s", (source, code, message) => {
    expect(refusal(source)).toMatchObject({
      code,
      errors: [{ path: "filter", message: expect.stringContaining(message) }],
    });
  });

  it("is refused when it is no text", () => {
    expect(refusal(5 as never)).toMatchObject({ code: "invalid_filter" });
  });

  const list = (items: number): string => `data.size in [${Array(items).fill("1").join(",")}]`;
  const cases: [keyof FilterLimits, number, (size: number) => string][] = [
    ["maxLength", DEFAULT_LIMITS.maxLength, (size) => "true".padEnd(size)],
    ["maxListItems", DEFAULT_LIMITS.maxListItems, list],
    ["maxListItems", 10, (size) => `${list(size - 5)} || ${list(5)}`],
    [
      "maxComprehensions",
      DEFAULT_LIMITS.maxComprehensions,
      (size) => Array(size).fill("data.tags.exists(t, t == '')").join(" && "),
    ],
    [
      "maxNodes",
      101,
      (size) =>
        Array((size + 1) / 2)
          .fill("true")
          .join(" && "),
    ],
    ["maxDepth", 20, (size) => `${"(".repeat(size - 1)}true${")".repeat(size - 1)}`],
  ];

  it.each(cases)("is refused above %s %i", (name, limit, make) => {
    const limits = { [name]: limit };
    const step = name === "maxNodes" ? 2 : 1;
    expect(parseFilter(make(limit - step), schema, limits).source).toBeDefined();
    expect(parseFilter(make(limit), schema, limits).source).toBeDefined();
    expect(() => parseFilter(make(limit + step), schema, limits)).toThrow(
      expect.objectContaining({ code: "filter_too_costly", message: expect.stringContaining(`${limit}`) }),
    );
    expect(() => parseFilter(make(limit + step), schema, limits)).toThrow(name);
  });
});

describe("the canonical form", () => {
  const canonical = (source: string): string => parseFilter(source, schema).canonical;

  it.each([
    ["data.size==1&&data.live", "data.live  &&  data.size == 1"],
    ["data.live || data.size == 1 || type == 'a'", '(type == "a" || data.size == 1) || data.live'],
    ["data.live && (data.size == 1 && key == 'k')", "(key == 'k' && data.live) && data.size == 1"],
  ])("%s is %s", (a, b) => {
    expect(canonical(a)).toBe(canonical(b));
  });

  it.each([
    ["data.ratio == 1.0", "data.ratio == 1"],
    ["data.size == 1", "data.size == -1"],
    ["data.size > 1", "1 > data.size"],
    ["data.live && data.size == 1", "data.live || data.size == 1"],
    ["data.symbol == '1'", "data.size == 1"],
    ["data.raw == b'a'", "data.symbol == 'a'"],
    ["type == 'a'", "key == 'a'"],
    ["data.tags[0] == 'a'", "data.tags[1] == 'a'"],
    ["data.size < 5u", "data.size < 5"],
    ["data.symbol.startsWith('a')", "data.symbol.endsWith('a')"],
  ])("%s is not %s", (a, b) => {
    expect(canonical(a)).not.toBe(canonical(b));
  });

  it("keeps the source as it was given", () => {
    const filter = parseFilter(" type=='a' ", {});
    expect(filter.source).toBe(" type=='a' ");
    expect(filter.canonical).toBe('(== type "a")');
    expect(Object.isFrozen(filter)).toBe(true);
  });
});
