/** The index gives what asking every filter gives: random filters of all shapes, random events, adds and removes interleaved. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  createMatcher,
  type Filter,
  type MatchBuffer,
  type Matcher,
  parseFilter,
  type TopicSchema,
} from "../../src/subscriptions/index.ts";
import { eventOf, jsonEvent, protobufEvent, Quote } from "./messages.ts";

const names = ["symbol", "price", "size", "venue", "tags", "book", "__proto__", "constructor"];
const texts = [
  "",
  "A",
  "ACME",
  "ACME.X",
  "AB",
  "ÄÖ",
  "Ä",
  "日本",
  "日",
  "😀x",
  "😀",
  "__proto__",
  "constructor",
  "5",
  "true",
];
const numbers = [
  "0",
  "1",
  "-1",
  "5",
  "5.0",
  "2.5",
  "0.1",
  "100",
  "1e2",
  "9007199254740991",
  "9007199254740993",
  "-9007199254740993",
  "1e300",
];
const text = fc.constantFrom(...texts);
const number = fc.constantFrom(...numbers);

const quote = (value: string): string => JSON.stringify(value);
const dynamicPath = fc.oneof(
  fc.constantFrom(...names.map((name) => `data["${name}"]`)),
  fc.constantFrom(
    "data.book.depth",
    "data.book.name",
    "data.book.inner.name",
    'extensions["region"]',
    "extensions.__proto__",
  ),
);
const literal = fc.oneof(text.map(quote), number, fc.constantFrom("true", "false", "null"));
const comparison = fc.constantFrom("<", "<=", ">", ">=");

const dynamicAtom = fc.oneof(
  fc.tuple(dynamicPath, fc.constantFrom("==", "!="), literal).map(([path, op, value]) => `${path} ${op} ${value}`),
  fc.tuple(literal, dynamicPath).map(([value, path]) => `${value} == ${path}`),
  fc.tuple(dynamicPath, comparison, number).map(([path, op, value]) => `${path} ${op} ${value}`),
  fc.tuple(number, comparison, dynamicPath).map(([value, op, path]) => `${value} ${op} ${path}`),
  fc.tuple(dynamicPath, number, number).map(([path, low, high]) => `${path} >= ${low} && ${path} < ${high}`),
  fc
    .tuple(dynamicPath, fc.array(text.map(quote), { maxLength: 4 }))
    .map(([path, list]) => `${path} in [${list.join(", ")}]`),
  fc
    .tuple(dynamicPath, fc.array(fc.constantFrom("1", "5", "100"), { minLength: 1, maxLength: 3 }))
    .map(([path, list]) => `${path} in [${list.join(", ")}]`),
  fc
    .tuple(literal, fc.constantFrom("data.tags", "data.book", "data.levels"))
    .map(([value, path]) => `${value} in ${path}`),
  fc.tuple(dynamicPath, text).map(([path, prefix]) => `${path}.startsWith(${quote(prefix)})`),
  fc.constantFrom(
    "has(data.symbol)",
    "has(data.book)",
    "has(data.book.depth)",
    "has(extensions.region)",
    "has(data.book.inner.name)",
  ),
  fc.constantFrom(
    "data.live",
    "data.symbol",
    "data.tags.exists(t, t == 'A')",
    "data.price + 1.0 > 3.0",
    "size(data.tags) > 1",
    "data == 5",
  ),
);

const envelopeAtom = fc.oneof(
  fc
    .tuple(fc.constantFrom("key", "type", "subject", "source", "id"), fc.constantFrom("==", "!="), text)
    .map(([name, op, value]) => `${name} ${op} ${quote(value)}`),
  fc.constantFrom(
    "class == 'trade'",
    "class != 'quote'",
    "class in ['trade', 'order']",
    "priority > 3",
    "priority == 5",
    "sequence >= 9007199254740993",
  ),
  fc.constantFrom(
    "time > 1700000000000000000",
    "time == 1700000000000000001",
    "!(time <= 1700000000000000000)",
    "sequence == 18446744073709551615",
    "time != 0",
  ),
  text.map((prefix) => `key.startsWith(${quote(prefix)})`),
);

const schemaAtom = fc.oneof(
  fc
    .tuple(
      fc.constantFrom(
        "data.symbol",
        "data.venue_code",
        "data.desk",
        "data.note",
        "data.book.name",
        "data.robot.name",
        "data.book.inner.name",
      ),
      fc.constantFrom("==", "!="),
      text,
    )
    .map(([path, op, value]) => `${path} ${op} ${quote(value)}`),
  fc
    .tuple(
      fc.constantFrom(
        "data.price",
        "data.ratio",
        "data.weight",
        "data.size",
        "data.count",
        "data.book.depth",
        "data.small",
        "data.big",
        "data.signed",
        "data.fixed",
        "data.short",
        "data.plain",
      ),
      comparison,
      number,
    )
    .map(([path, op, value]) => `${path} ${op} ${value}`),
  fc
    .tuple(
      fc.constantFrom("data.size", "data.count", "data.big", "data.price", "data.ratio"),
      fc.constantFrom("==", "!="),
      fc.constantFrom("0", "5", "-1", "9007199254740993"),
    )
    .map(([path, op, value]) => `${path} ${op} ${value}`),
  fc
    .tuple(fc.constantFrom("data.price", "data.size"), number, number)
    .map(([path, low, high]) => `${path} >= ${low} && ${path} <= ${high}`),
  fc.constantFrom(
    "data.side == 'SIDE_BUY'",
    "data.side in ['SIDE_SELL', 'SIDE_BUY']",
    "data.side != 'SIDE_UNSPECIFIED'",
    "data.side == '7'",
    "data.live",
    "!data.live",
  ),
  fc.constantFrom(
    "has(data.book)",
    "has(data.desk)",
    "has(data.note)",
    "has(data.price)",
    "has(data.size)",
    "has(data.tags)",
    "has(data.labels)",
    "has(data.book.inner)",
  ),
  fc.constantFrom(
    "data.price in [5, 100]",
    "data.ratio in [2.5]",
    "data.labels['__proto__'] == 'A'",
    "'A' in data.labels",
    "data.books.exists(b, b.depth > 3)",
    "size(data.raw) > 0",
  ),
  fc.tuple(text.map(quote), fc.constantFrom("data.tags")).map(([value, path]) => `${value} in ${path}`),
  fc.constantFrom("5 in data.levels", "-1 in data.levels", "5.0 in data.steps", "'SIDE_BUY' in data.sides"),
  text.map((prefix) => `data.symbol.startsWith(${quote(prefix)})`),
);

const filterOf = (atom: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.letrec<{ expression: string }>((tie) => ({
    expression: fc.oneof(
      { depthSize: "small", maxDepth: 3 },
      { weight: 4, arbitrary: atom },
      fc
        .tuple(tie("expression"), fc.constantFrom("&&", "&&", "||"), tie("expression"))
        .map(([a, op, b]) => `(${a}) ${op} (${b})`),
      tie("expression").map((inner) => `!(${inner})`),
      fc.tuple(tie("expression"), tie("expression"), tie("expression")).map(([a, b, c]) => `(${a}) ? (${b}) : (${c})`),
      fc.constantFrom("true", "false"),
    ),
  })).expression;

const jsonNumber = fc.constantFrom(...numbers, "5.00", "0.05e2", "100.000", "-0", "-0.0");
const jsonValue: fc.Arbitrary<string> = fc.oneof(
  text.map((value) => JSON.stringify(value)),
  text.map(
    (value) =>
      `"${[...value].map((c) => [...Array(c.length).keys()].map((i) => `\\u${c.charCodeAt(i).toString(16).padStart(4, "0")}`).join("")).join("")}"`,
  ),
  jsonNumber,
  fc.constantFrom(
    "true",
    "false",
    "null",
    "{}",
    "[]",
    '"\\ud83d"',
    '["A", 5, null, "日本", true]',
    "[5, 1, 100]",
    '{"A": 1, "__proto__": {"x": 2}, "5": null}',
  ),
  fc.constantFrom(
    '{"depth": 5, "name": "ACME"}',
    '{"depth": "5", "inner": {"name": "A"}}',
    '{"inner": null}',
    '[{"name": "A"}]',
  ),
);
const jsonPayload = fc
  .array(
    fc.tuple(
      fc.constantFrom(...names, "levels", "live", "other", "venue_code", "venueCode", "note", "desk"),
      jsonValue,
    ),
    { maxLength: 8 },
  )
  .map((members) => `{ ${[...new Map(members)].map(([name, value]) => `"${name}" : ${value}`).join(" ,\n")} }`);

const envelope = fc.record(
  {
    key: text,
    type: text,
    subject: text,
    source: text,
    id: text,
    class: fc.constantFrom(0, 1, 2, 3, 99),
    priority: fc.constantFrom(0, 5, 9),
    sequence: fc.constantFrom(0n, 1n, 2n ** 53n + 1n, 2n ** 64n - 1n),
    time: fc.constantFrom(0n, 1n, 1_700_000_000_000_000_000n, 1_700_000_000_000_000_001n, -5n),
    extensions: fc.array(
      fc.tuple(fc.constantFrom("region", "__proto__", "other"), fc.oneof(text, fc.constantFrom(5, -1, true, false))),
      { maxLength: 3 },
    ),
    contentType: fc.constantFrom(
      "application/json",
      "application/json; charset=utf-8",
      "application/cloudevents+json",
      "text/plain",
      "application/protobuf",
    ),
  },
  { requiredKeys: [] },
);

const dynamicEvent = fc
  .tuple(
    envelope,
    fc.oneof(
      { weight: 9, arbitrary: jsonPayload },
      fc.constantFrom("[1]", "5", '"A"', "{", '{"symbol": "A"', "", "null", '{,"symbol": "A"}'),
    ),
  )
  .map(([fields, data]) => jsonEvent(data, fields));

const int64 = fc.constantFrom("0", "5", "-1", "9007199254740993", "-9007199254740993");
const book = fc.record({ name: text, depth: fc.constantFrom(0, 5, -1) }, { requiredKeys: [] });
const schemaPayload = fc.record(
  {
    symbol: text,
    venue_code: text,
    note: text,
    desk: text,
    price: fc.constantFrom("5", "5.00", "100", "-1", "0.1", "", "abc", "2.5000000000000000001", "9007199254740993"),
    size: int64,
    big: int64,
    signed: int64,
    count: fc.constantFrom("0", "5", "18446744073709551615"),
    fixed: fc.constantFrom("0", "5", "18446744073709551615"),
    side: fc.constantFrom("SIDE_BUY", "SIDE_SELL", 0, 7),
    ratio: fc.constantFrom(0, 2.5, "NaN", "Infinity", -1, 1e300),
    weight: fc.constantFrom(0, 0.1, 5, "NaN"),
    small: fc.constantFrom(0, 5, 4294967295),
    short: fc.constantFrom(0, 5, -1),
    plain: fc.constantFrom(0, 100, 4294967295),
    live: fc.boolean(),
    tags: fc.array(text, { maxLength: 3 }),
    levels: fc.array(fc.constantFrom(5, -1, 0), { maxLength: 3 }),
    steps: fc.array(fc.constantFrom("5", "x", "1.5"), { maxLength: 2 }),
    sides: fc.array(fc.constantFrom("SIDE_BUY", "SIDE_SELL"), { maxLength: 2 }),
    book: fc
      .tuple(book, fc.option(book, { nil: undefined }))
      .map(([outer, inner]) => (inner ? { ...outer, inner } : outer)),
    labels: fc.constantFrom({ A: "A" }, JSON.parse('{"__proto__": "A"}')),
    raw: fc.constantFrom("", "AAEC"),
    books: fc.array(book, { maxLength: 2 }),
  },
  { requiredKeys: [] },
);
const schemaEvent = fc
  .tuple(envelope, schemaPayload, fc.boolean())
  .map(([{ contentType: _, ...fields }, payload, json]) => {
    if (!json) return protobufEvent(payload as never, fields);
    return jsonEvent(payload as never, fields);
  });

/** JSON with the schema's names and values of any type. */
const mistyped = fc
  .array(
    fc.tuple(
      fc.constantFrom(
        ...["symbol", "price", "size", "side", "venueCode", "venue_code", "ratio", "live", "tags", "levels", "steps"],
        ...["sides", "book", "robot", "desk", "note", "labels", "count", "raw", "books", "weight", "plain", "at"],
      ),
      fc.oneof(
        jsonValue,
        fc.constantFrom('"5"', '"-5"', '"5.0"', '"NaN"', '"-Infinity"', '" 5"', '"1e2"', '"SIDE_BUY"', "1", "7", "1.5"),
        fc.constantFrom(
          '["A", null, 5, true, [], {}]',
          '[5, "5", 1.5, "x", null]',
          '["1.5", 5]',
          '[1, "SIDE_SELL", "x"]',
        ),
        fc.constantFrom('{"name": 5, "depth": "3", "inner": {"name": "A"}}', '{"inner": [], "depth": null}'),
      ),
    ),
    { maxLength: 10 },
  )
  // Which of two spellings of one field counts is left open.
  .filter((members) => !["venueCode", "venue_code"].every((either) => members.some(([name]) => name === either)))
  .map((members) => `{${[...new Map(members)].map(([name, value]) => `"${name}":${value}`).join(",")}}`);
const mistypedEvent = fc
  .tuple(envelope, mistyped)
  .map(([fields, data]) => jsonEvent(data, { ...fields, contentType: "application/json" }));

interface Subscriber {
  filter: Filter | undefined;
  keys: readonly string[];
}

function expectSame(matcher: Matcher, live: ReadonlyMap<number, Subscriber>, event: Uint8Array): void {
  const out: MatchBuffer = { ids: new Uint32Array(0), count: 0 };
  const padded = new Uint8Array(event.length + 7).fill(0xff);
  padded.set(event, 3);
  matcher.match(padded, 3, 3 + event.length, out);
  const found = [...out.ids.subarray(0, out.count)].sort((a, b) => a - b);
  const wanted = [...live]
    .filter(
      ([, { filter, keys }]) =>
        (keys.length === 0 || keys.some((key) => parseFilter(`key == ${quote(key)}`, {}).test(event))) &&
        (filter?.test(event) ?? true),
    )
    .map(([id]) => id)
    .sort((a, b) => a - b);
  expect(found.map((id) => `${id} ${live.get(id)?.filter?.source}`)).toEqual(
    wanted.map((id) => `${id} ${live.get(id)?.filter?.source}`),
  );
  expect(matcher.size).toBe(live.size);
}

type Step = { add: string | undefined; keys: readonly string[] } | { remove: number } | { event: Uint8Array };

const steps = (filter: fc.Arbitrary<string>, event: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Step[]> =>
  fc.array(
    fc.oneof(
      {
        weight: 6,
        arbitrary: fc.record({
          add: fc.option(filter, { nil: undefined, freq: 20 }),
          keys: fc.oneof({ weight: 4, arbitrary: fc.constant<string[]>([]) }, fc.array(text, { maxLength: 3 })),
        }),
      },
      { weight: 2, arbitrary: fc.record({ remove: fc.nat(60) }) },
      { weight: 3, arbitrary: fc.record({ event }) },
    ),
    { minLength: 10, maxLength: 120, size: "max" },
  );

function run(schema: TopicSchema, crowded: number, sequence: readonly Step[]): void {
  const matcher = createMatcher(schema, { crowded, overcrowded: crowded * 2 });
  const live = new Map<number, Subscriber>();
  const parsed = new Map<string, Filter>();
  for (const step of sequence) {
    if ("event" in step) expectSame(matcher, live, step.event);
    else if ("remove" in step) {
      matcher.remove(step.remove);
      live.delete(step.remove);
    } else {
      let id = 0;
      while (live.has(id)) id++;
      let filter = step.add === undefined ? undefined : parsed.get(step.add);
      if (step.add !== undefined && !filter) {
        filter = parseFilter(step.add, schema);
        parsed.set(step.add, filter);
      }
      matcher.add(id, filter, step.keys);
      live.set(id, { filter, keys: step.keys });
    }
  }
  for (const id of live.keys()) matcher.remove(id);
  expectSame(matcher, new Map(), eventOf({ key: "A" }));
}

const effort = { numRuns: Number(process.env["MATCH_RUNS"] ?? 25) };

/** Nodes split at once, soon, and never. */
const CROWDED = [0, 3, 1000];

describe("the index against asking every filter", () => {
  it.each(CROWDED)("agrees on JSON without a schema, %i rows a node", (crowded) => {
    const filter = filterOf(fc.oneof({ weight: 3, arbitrary: dynamicAtom }, envelopeAtom));
    fc.assert(
      fc.property(steps(filter, dynamicEvent), (sequence) => run({}, crowded, sequence)),
      effort,
    );
  });

  it.each(CROWDED)("agrees on protobuf and JSON of one schema, %i rows a node", (crowded) => {
    const filter = filterOf(fc.oneof({ weight: 3, arbitrary: schemaAtom }, envelopeAtom));
    fc.assert(
      fc.property(steps(filter, fc.oneof(schemaEvent, mistypedEvent)), (sequence) =>
        run({ message: Quote }, crowded, sequence),
      ),
      effort,
    );
  });
});
