/** The quick look at JSON payloads: what it passes the closer look passes, and what publishers send as a rule it passes. */
import { StructSchema } from "@bufbuild/protobuf/wkt";
import { defineSchema, everythingMessage } from "@distribution/testkit/events";
import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { parseJson } from "../../src/events/json-text.ts";
import { checkJsonPayload } from "../../src/events/payload/check-json.ts";
import { NotedTexts } from "../../src/events/payload/noted.ts";
import { planMessage } from "../../src/events/payload/plan.ts";
import { createSoundJson } from "../../src/events/payload/sound-json.ts";

/** Every kind of field that JSON writes in the usual way. */
const plainMessage = defineSchema({
  package: "sound",
  enums: { Side: { SIDE_UNSPECIFIED: 0, SIDE_BUY: 1 } },
  messages: {
    Plain: {
      symbol: { number: 1, type: "string" },
      last_price: { number: 2, type: "string", decimal: true },
      prices: { number: 3, type: "string", decimal: true, list: true },
      short: { number: 4, type: "int32" },
      short_count: { number: 5, type: "uint32" },
      exchange_time: { number: 6, type: "int64" },
      sequence: { number: 7, type: "uint64" },
      times: { number: 8, type: "sint64", list: true },
      share: { number: 9, type: "double" },
      rough: { number: 10, type: "float" },
      done: { number: 11, type: "bool" },
      side: { number: 12, type: "Side" },
      sides: { number: 13, type: "Side", list: true },
      inner: { number: 14, type: "Plain" },
      inners: { number: 15, type: "Plain", list: true },
      either_text: { number: 16, type: "string", oneof: "either" },
      either_number: { number: 17, type: "int32", oneof: "either" },
      raw: { number: 18, type: "bytes" },
      tags: { number: 19, type: "string", mapKey: "string" },
    },
  },
})("Plain");
const plan = planMessage(plainMessage);
const sound = createSoundJson(plan, new NotedTexts());

/** Within other bytes, as events lie in a batch: what follows would go on with it. */
function passes(text: string, behind = ',"x":1}}"]0', scanner = sound): boolean {
  const bytes = Buffer.from(`{"a":${text}${behind}`);
  return scanner.passes(bytes, 5, 5 + Buffer.byteLength(text));
}

function isTaken(text: string): boolean {
  try {
    checkJsonPayload(plan, parseJson(text, "event.data"), "event.data");
    return true;
  } catch {
    return false;
  }
}

/** Payloads, and what is nearly one: values as publishers send them, beside some at the edges of what a field takes. */
const { payload } = fc.letrec<{ payload: unknown }>((tie) => {
  const text = fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom("", "BTC-USD", "{", "a b") },
    fc.string({ unit: "binary" }),
  );
  const decimal = fc.constantFrom("1", "-60123.2500", "0", "", "1e5", "+1", ".5", "1.", "12345678901234567890");
  const integer = fc.oneof(fc.integer(), fc.maxSafeNat(), fc.bigInt(-(2n ** 64n), 2n ** 65n).map(String), fc.double());
  const side = fc.constantFrom("SIDE_BUY", "SIDE_UNSPECIFIED", "SIDE_SELL", 1, 7);
  const number = fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constantFrom(0.5, -12, "NaN", 1e300));
  const some = (value: fc.Arbitrary<unknown>) => fc.array(value, { maxLength: 3 });
  const fields = {
    ...{ symbol: text, last_price: decimal, lastPrice: decimal, prices: some(decimal) },
    ...{ short: integer, shortCount: integer, exchangeTime: integer, sequence: integer, times: some(integer) },
    ...{ share: number, rough: number, done: fc.boolean(), side, sides: some(side) },
    ...{ inner: tie("payload"), inners: some(tie("payload")), eitherText: text, eitherNumber: integer },
    ...{ raw: fc.constantFrom("", "QQ=="), tags: fc.constant({ a: "b" }), nothing: fc.constant(null) },
  };
  const names = Object.keys(fields) as (keyof typeof fields)[];
  const payload = fc
    .subarray(names, { maxLength: 3 })
    .chain((chosen) => fc.record(Object.fromEntries(chosen.map((name) => [name, fields[name]]))));
  return { payload };
});
const texts = payload.map((value) => [JSON.stringify(value), JSON.stringify(value, undefined, 2)] as const);
/** Pieces that break JSON, or make another value of it. */
const pieces = fc.constantFrom(
  ...['"', "\\", "{", "}", "[", "]", ",", ":", "-", "0", "9", ".", "e5", "null", "true", " ", "\n", "\t", "\r"],
  ...["\u0001", "\u007f", "é", "\\u0061", '"', '""', '"a":', "99999999999999999999", "1.5", '"__proto__":1,'],
  ...plan.byName.keys(),
);
const changes = fc.array(fc.tuple(fc.nat(), fc.nat(3), pieces), { minLength: 1, maxLength: 4 });

function changed(text: string, edits: readonly (readonly [number, number, string])[]): string {
  let result = text;
  for (const [at, removed, piece] of edits) {
    const place = at % (result.length + 1);
    result = result.slice(0, place) + piece + result.slice(place + removed);
  }
  return result;
}

describe("what the quick look passes", () => {
  it("is a payload of the message, whatever was made of one", () => {
    let passed = 0;
    fc.assert(
      fc.property(texts, changes, ([dense, spaced], edits) => {
        for (const text of [dense, spaced, changed(dense, edits), changed(spaced, edits)]) {
          if (!passes(text)) continue;
          passed += 1;
          expect(isTaken(text), text).toBe(true);
        }
      }),
      { numRuns: 3_000 },
    );
    expect(passed).toBeGreaterThan(1_000);
  });

  it("is whole: no part of one, though what lies behind it would end it", () => {
    fc.assert(
      fc.property(texts, fc.nat(), ([dense], at) => {
        const end = at % dense.length;
        expect(passes(dense.slice(0, end), dense.slice(end))).toBe(false);
      }),
      { numRuns: 500 },
    );
  });

  it("has each field of the message at most once, by whichever name", () => {
    for (const field of plainMessage.fields) {
      const [name, jsonName] = [JSON.stringify(field.name), JSON.stringify(field.jsonName)];
      for (const value of ["1", '"1"', "true", "[]", "{}", '""', "0.5"]) {
        expect(passes(`{${name}:${value},${jsonName}:${value}}`)).toBe(false);
        if (passes(`{${jsonName}:${value}}`)) expect(isTaken(`{${jsonName}:${value}}`)).toBe(true);
      }
    }
  });
});

test.each([
  ['{"symbol":"BTC-USD","lastPrice":"60123.25","sequence":"18446744073709551","side":"SIDE_BUY"}', true],
  [' { "symbol" : "BTC-USD" , "exchangeTime" : -12 }\n', true],
  ['{"inner":{"inners":[{"sides":["SIDE_BUY","SIDE_UNSPECIFIED"]},{}],"prices":[]},"done":false,"share":-0.25}', true],
  ['{"short":2147483647}', false],
  ['{"eitherText":"a","either_number":1}', false],
  ['{"raw":""}', false],
  ['{"tags":{}}', false],
  ['{"exchange_time":"-1700000000000000000"}', true],
  ['{"exchangeTime":"8999999999999999999"}', true],
  ['{"exchangeTime":"9000000000000000000"}', false],
  ['{"exchangeTime":"9223372036854775808"}', false],
  ['{"exchangeTime":1700000000000000000}', false],
  ["{}", true],
  ['{"sequence":"18446744073709551615"}', false],
  ['{"sequence":-1}', false],
  ['{"sequence":"-1"}', false],
  ['{"sequence":01}', false],
  ['{"share":0,"rough":12345678901234567.5}', true],
  ['{"share":1.}', false],
  ['{"share":-}', false],
  ['{"share":.5}', false],
  ['{"share":1e3}', false],
  ['{"share":123456789012345678}', false],
  ['{"share":0.123456789012345678}', false],
  ['{"lastPrice":60123.25}', false],
  ['{"lastPrice":"1e5"}', false],
  ['{"symbol":"Zürich"}', false],
  ['{"symbol":"a\\n"}', false],
  ['{"symbol":null}', false],
  ['{"side":"SIDE_NEITHER"}', false],
  ['{"symbol":"a",}', false],
  ['{"symbol":"a"}{}', false],
  ['{"unknown":1}', false],
  ["[]", false],
  ["", false],
])("%s gets past the quick look: %s", (text, expected) => {
  expect(passes(text)).toBe(expected);
  if (expected) expect(isTaken(text)).toBe(true);
});

test("a field of a oneof that has to be set is looked for at the top, by either name", () => {
  const wanted = plan.byName.get("either_number");
  const scan = (text: string): boolean => sound.passes(Buffer.from(text), 0, text.length, wanted);
  expect(scan('{"eitherNumber":1}')).toBe(true);
  expect(scan('{"either_number":1}')).toBe(true);
  expect(scan('{"eitherText":"1"}')).toBe(false);
  expect(scan('{"inner":{"eitherNumber":1}}')).toBe(false);
  // Nothing is left of the payload before.
  expect(sound.passes(Buffer.from("{}"), 0, 2)).toBe(true);
});

test("fields beyond the thirty-first, and levels beyond the sixteenth, get the closer look", () => {
  const many = planMessage(everythingMessage);
  expect(many.byName.size).toBeGreaterThan(31);
  const nested = (levels: number): string => `${'{"inner":'.repeat(levels - 1)}{}${"}".repeat(levels - 1)}`;
  expect([16, 17].map((levels) => [passes(nested(levels)), isTaken(nested(levels))])).toEqual([
    [true, true],
    [false, true],
  ]);
});

test.each([
  ["whose name is another's in JSON", { x_y: { number: 1, type: "string" }, xY: { number: 2, type: "string" } }],
  [
    "with a name that no object may have",
    { plain: { number: 1, type: "string" }, ["__proto__"]: { number: 2, type: "string" } },
  ],
])("a message with a field %s gets the closer look", (_, fields) => {
  const odd = planMessage(defineSchema({ package: "odd", messages: { Odd: fields } })("Odd"));
  for (const { name, jsonName } of new Set(odd.byName.values())) {
    for (const each of [name, jsonName])
      expect(passes(`{${JSON.stringify(each)}:"a"}`, "", createSoundJson(odd, new NotedTexts()))).toBe(false);
  }
});

test("a message that JSON writes in a way of its own gets the closer look", () => {
  expect(passes("{}", "", createSoundJson(planMessage(StructSchema), new NotedTexts()))).toBe(false);
});
