/** What the texts of a payload have to be: the same in each form that the payload may have. */
import { type DescMessage, fromJson, toBinary } from "@bufbuild/protobuf";
import { Event } from "@distribution/proto-types/distribution/v1/event";
import { defineSchema } from "@distribution/testkit/events";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createEnvelope, createPayloadCodec, encodeEvent, isCanonicalDecimal } from "../../src/events/index.ts";
import { createFieldRules } from "../../src/ingest/field-rules.ts";
import type { EventTypeDefinition } from "../../src/topics.ts";
import { EventClass } from "./support.ts";

const schema = defineSchema({
  package: "rules",
  messages: {
    Fill: {
      venue: { number: 1, type: "string" },
      symbol: { number: 2, type: "string" },
      // Beyond the tags of one byte.
      full_name: { number: 20, type: "string" },
      trade: { number: 3, type: "Trade", oneof: "payload" },
      quote: { number: 4, type: "Quote", oneof: "payload" },
      legs: { number: 5, type: "Leg", list: true },
      tags: { number: 6, type: "string", mapKey: "string" },
      names: { number: 7, type: "string", list: true },
      count: { number: 8, type: "int32" },
      first: { number: 9, type: "Twice" },
      second: { number: 10, type: "Twice" },
      again: { number: 11, type: "Fill" },
    },
    Trade: {
      price: { number: 1, type: "string", decimal: true },
      size: { number: 2, type: "string", decimal: true, optional: true },
    },
    Quote: { bid: { number: 1, type: "string", decimal: true } },
    Leg: { symbol: { number: 1, type: "string" } },
    Twice: { text: { number: 1, type: "string" } },
  },
});
const Fill: DescMessage = schema("Fill");

const typeOf = (rules: Partial<EventTypeDefinition>): EventTypeDefinition => ({
  ...{ type: "fill", class: EventClass.TRADE, description: "", key: "" },
  ...rules,
});

const RULES = typeOf({
  stated: ["venue", "trade.price"],
  decimals: { "trade.price": "any", "trade.size": "above 0" },
  spelled: { key: "{full_name}", full_name: "{venue}:{symbol}" },
});

type Fields = Readonly<Record<string, unknown>>;

/** The ways in which publishers may send it, each of them read by other code. */
const FORMS: Readonly<Record<string, (fields: Fields) => { contentType: string; data: Uint8Array }>> = {
  protobuf: (fields) => ({ contentType: "application/protobuf", data: binary(fields) }),
  "protobuf with fields of no schema between": (fields) => {
    // Field 99 of bytes: everything after it gets the closer look.
    const parts = Object.entries(fields).map(([name, value]) => binary({ [name]: value }));
    return {
      contentType: "application/protobuf",
      data: Buffer.concat(parts.flatMap((part) => [Uint8Array.of(0x9a, 0x06, 1, 0), part])),
    };
  },
  "protobuf, each field twice": (fields) => {
    // What is empty is not sent, and would leave the old one.
    const wrong = { ...fields, ...(fields.venue !== "" && { venue: "old" }), symbol: "old", fullName: "old:old" };
    return { contentType: "application/protobuf", data: Buffer.concat([binary(wrong), binary(fields)]) };
  },
  JSON: (fields) => ({ contentType: "application/json", data: Buffer.from(JSON.stringify(fields)) }),
  "JSON with escapes, proto names and nulls": (fields) => {
    const text = JSON.stringify({ ...fields, count: null })
      .replace('"fullName"', '"full_name"')
      .replace("c", "\\u0063");
    return { contentType: "application/json", data: Buffer.from(text) };
  },
};

const binary = (fields: Fields): Uint8Array => toBinary(Fill, fromJson(Fill, fields as never));

const codec = createPayloadCodec(Fill);
const rules = createFieldRules(RULES, codec)!;
const envelope = createEnvelope();

/** The refusal's path, or undefined. The event lies in the midst of other bytes, as in a batch. */
function refusalOf(key: string, { contentType, data }: { contentType: string; data: Uint8Array }) {
  const event = Event.fromPartial({ id: "1", source: "/s", type: "fill", key, contentType, data: Buffer.from(data) });
  const message = encodeEvent(event);
  const bytes = Buffer.concat([Buffer.from("-0 and"), message, Buffer.from("after")]);
  envelope.read(bytes, 6, 6 + message.length);
  const { start, length } = { start: bytes.indexOf(data), length: data.length };
  codec.validate(bytes, start, start + length, contentType, 3);
  try {
    rules(envelope, 3);
    return undefined;
  } catch (failure) {
    const { message: text, errors } = failure as { message: string; errors: readonly { path: string }[] };
    return `${errors[0]!.path}: ${text}`;
  }
}

const GOOD = {
  venue: "coin",
  symbol: "BTC-USD",
  fullName: "coin:BTC-USD",
  trade: { price: "-1.5", size: "2" },
};

describe.each(Object.entries(FORMS))("%s", (_form, formOf) => {
  it("passes where all is right", () => {
    expect(refusalOf("coin:BTC-USD", formOf(GOOD))).toBeUndefined();
    const long = `${"x".repeat(200)}é`;
    expect(refusalOf(`coin:${long}`, formOf({ ...GOOD, symbol: long, fullName: `coin:${long}` }))).toBeUndefined();
    expect(refusalOf("coin:BTC-USD", formOf({ ...GOOD, trade: { price: "0" } }))).toBeUndefined();
  });

  it.each([
    ["a text that is not there", { ...GOOD, venue: "" }, "coin:BTC-USD", "data.venue: It is missing or empty."],
    ["a message that is not there", { ...GOOD, trade: undefined }, "coin:BTC-USD", "data.trade.price: It is missing"],
    ["a decimal that is empty", { ...GOOD, trade: { price: "" } }, "coin:BTC-USD", "data.trade.price: It is missing"],
    [
      "zeros to spare",
      { ...GOOD, trade: { price: "1.50" } },
      "coin:BTC-USD",
      'data.trade.price: It is "1.50", and has to be "1.5": equal',
    ],
    [
      "a size of 0",
      { ...GOOD, trade: { price: "1", size: "0" } },
      "coin:BTC-USD",
      'data.trade.size: It is "0", and has to be above 0',
    ],
    [
      "a size below 0",
      { ...GOOD, trade: { price: "1", size: "-3" } },
      "coin:BTC-USD",
      'data.trade.size: It is "-3", and',
    ],
    [
      "another key",
      GOOD,
      "coin:ETH-USD",
      'key: It is "coin:ETH-USD", and has to be "coin:BTC-USD": {full_name} of the payload.',
    ],
    ["no key", GOOD, "", 'key: It is "", and has to be "coin:BTC-USD"'],
    ["a longer key", GOOD, "coin:BTC-USDT", 'key: It is "coin:BTC-USDT"'],
    [
      "a name of other parts",
      { ...GOOD, symbol: "ETH" },
      "coin:BTC-USD",
      'data.full_name: It is "coin:BTC-USD", and has to be "coin:ETH"',
    ],
  ])("refuses %s", (_what, fields, key, refusal) => {
    const sent = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
    expect(refusalOf(key, formOf(sent))).toContain(`events[3].${refusal}`);
  });
});

it("knows decimals in canonical form, and their signs, as a reader of texts does", () => {
  const only = createFieldRules(typeOf({ decimals: { "trade.size": "0 or above" } }), codec)!;
  const digits = fc.stringMatching(/^-?[0-9]{1,4}(\.[0-9]{1,4})?$/);
  fc.assert(
    fc.property(digits, (size) => {
      const data = binary({ trade: { size } });
      codec.validate(data, 0, data.length, "application/protobuf", 0);
      const isRight = isCanonicalDecimal(size) && !size.startsWith("-");
      if (isRight) only(createEnvelope(), 0);
      else expect(() => only(createEnvelope(), 0)).toThrow(isCanonicalDecimal(size) ? "0 or above" : "equal texts");
    }),
    { numRuns: 2_000 },
  );
});

describe("rules are of texts that a payload has once at most", () => {
  it.each([
    "nothing",
    "trade",
    "count",
    "names",
    "tags",
    "legs.symbol",
    "first.text",
    "again.venue",
    "trade.nothing",
    "fullName",
    "",
  ])("%s is none", (path) => {
    const make = () => createFieldRules(typeOf({ stated: [path] }), createPayloadCodec(Fill));
    expect(make).toThrow(`rules.Fill has no text ${path}, or may have several`);
  });

  it("a rule of decimals is of a text that the schema marks so", () => {
    for (const name of ["venue", "key"]) {
      const make = () => createFieldRules(typeOf({ decimals: { [name]: "any" } }), createPayloadCodec(Fill));
      expect(make).toThrow(`rules.Fill does not mark ${name} as decimal`);
    }
  });

  it("a type without rules needs no check", () => {
    expect(createFieldRules(typeOf({}), codec)).toBeUndefined();
  });
});
