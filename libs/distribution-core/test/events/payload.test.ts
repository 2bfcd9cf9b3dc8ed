import { create, type DescMessage, fromBinary, toBinary, toJson } from "@bufbuild/protobuf";
import {
  defineSchema,
  everythingMessage,
  leafMessage,
  messageArbitrary,
  tradeMessage,
} from "@distribution/testkit/events";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createPayloadCodec, MAX_DECIMAL_LENGTH, MAX_MESSAGE_DEPTH } from "../../src/events/index.ts";
import { errorOf } from "./errors.ts";

const everything = createPayloadCodec(everythingMessage);
const trade = createPayloadCodec(tradeMessage);
const leaf = createPayloadCodec(leafMessage);
const PROTOBUF = "application/protobuf";

function encode(desc: DescMessage, init: object): Uint8Array {
  return toBinary(desc, create(desc, init as never));
}

function checkBytes(bytes: Uint8Array | readonly number[], codec = everything): void {
  // Within a larger buffer, as payloads come.
  const around = Buffer.concat([Buffer.alloc(2, 0xff), Uint8Array.from(bytes), Buffer.alloc(2, 0xff)]);
  codec.validate(around, 2, 2 + bytes.length, PROTOBUF, 3);
}

function checkJson(value: unknown, codec = everything): void {
  const bytes = Buffer.from(typeof value === "string" ? value : JSON.stringify(value));
  codec.validate(bytes, 0, bytes.length, "application/json", 3);
}

describe("validating protobuf payloads", () => {
  it("takes whatever an encoder makes of the message, known types included", () => {
    fc.assert(
      fc.property(messageArbitrary(everythingMessage), (message) => checkBytes(toBinary(everythingMessage, message))),
      { numRuns: 200 },
    );
  });

  it("takes no bytes: every field has its default", () => checkBytes([]));

  it("takes only what the library can turn into JSON", () => {
    const around = fc.uint8Array({ maxLength: 6 });
    const message = messageArbitrary(everythingMessage, 1).map((found) => toBinary(everythingMessage, found));
    fc.assert(
      fc.property(message, around, fc.nat(), (bytes, noise, at) => {
        const start = bytes.length === 0 ? 0 : at % bytes.length;
        const damaged = Uint8Array.from([...bytes.slice(0, start), ...noise, ...bytes.slice(start + noise.length)]);
        let accepted = true;
        try {
          checkBytes(damaged);
        } catch {
          accepted = false;
        }
        if (accepted) expect(() => toJson(everythingMessage, fromBinary(everythingMessage, damaged))).not.toThrow();
        if (accepted) expect(() => everything.toJson(damaged)).not.toThrow();
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ["another wire type, at the field", leaf, [0x0d, 1, 1, 1, 1], "text"],
    ["a text as a number, at the field", leaf, [0x12, 1, 65], "count"],
    ["text that is not UTF-8, at the field", leaf, [0x1a, 3, 0x0a, 1, 0xff], "leaf.text"],
    ["a nested message that is cut off", leaf, [0x1a, 4, 0x1a, 2, 0x0a, 5], "leaf.leaf.text"],
    ["a truncated field of a newer publisher", leaf, [0x2a, 5], ""],
    ["a group", leaf, [0x2b, 0x2c], ""],
    ["packed numbers that are cut off", everything, [0xda, 0x02, 1, 0x80], "some_int32"],
    ["map keys that are not UTF-8, at the map", everything, [0xea, 0x03, 3, 0x0a, 1, 0xff], "by_name"],
    ["a decimal in a map, at the map", everything, [0x82, 0x04, 3, 0x12, 1, 120], "by_code"],
    ["a timestamp that no calendar has", everything, [0xb2, 0x04, 7, 0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f], "at"],
  ])("refuses %s", (_, codec, bytes, field) => {
    const error = errorOf(() => checkBytes(bytes, codec));
    expect(error.at).toBe(`invalid_event events[3].data${field === "" ? "" : `.${field}`}`);
  });

  it("takes numbers packed and one by one", () => {
    checkBytes([0xda, 0x02, 2, 1, 2, 0xd8, 0x02, 3]);
  });

  it("takes messages nested 32 deep and no deeper", () => {
    const nested = (levels: number): Uint8Array => {
      let bytes: Uint8Array = new Uint8Array(0);
      for (let level = 1; level < levels; level++) bytes = Uint8Array.from([0x1a, bytes.length, ...bytes]);
      return bytes;
    };
    for (const levels of [MAX_MESSAGE_DEPTH - 1, MAX_MESSAGE_DEPTH]) {
      checkBytes(nested(levels), leaf);
      expect(leaf.toJson(nested(levels))).toContain("leaf");
    }
    const error = errorOf(() => checkBytes(nested(MAX_MESSAGE_DEPTH + 1), leaf));
    expect(error).toEqual({ at: expect.stringContaining("data.leaf.leaf"), message: expect.stringContaining("32") });
    expect(errorOf(() => leaf.toJson(nested(MAX_MESSAGE_DEPTH + 1))).at).toBe("invalid_event event.data");
  });

  it.each(["0", "-0", "12", "-12.3450", "007.5", "", "1".repeat(MAX_DECIMAL_LENGTH)])(
    "takes the decimal %j",
    (price) => {
      checkBytes(encode(tradeMessage, { price }), trade);
      checkJson({ price }, trade);
    },
  );

  it.each([".5", "5.", "-", "+1", "1e3", " 1", "1,5", "0x1", "NaN", "1.2.3", "1".repeat(MAX_DECIMAL_LENGTH + 1)])(
    "refuses %j for a decimal, in protobuf and JSON",
    (price) => {
      expect(errorOf(() => checkBytes(encode(tradeMessage, { price }), trade)).at).toBe(
        "invalid_event events[3].data.price",
      );
      expect(errorOf(() => checkJson({ price }, trade)).at).toBe("invalid_event events[3].data.price");
    },
  );

  it("is ready for the next payload after a bad one", () => {
    expect(() => checkBytes([0x1a, 2, 0x0a, 5], leaf)).toThrow();
    checkBytes([0x1a, 3, 0x0a, 1, 65], leaf);
  });

  it.each(["", "text/plain", "application/avro"])("refuses content type %j", (type) => {
    expect(errorOf(() => leaf.validate(new Uint8Array(0), 0, 0, type, 3)).at).toBe(
      "invalid_event events[3].content_type",
    );
  });
});

describe("validating JSON payloads", () => {
  it.each([
    ["an unknown field", { leaf: { txt: "a" } }, "leaf.txt"],
    ["__proto__", '{"leaf":{"__proto__":{"text":"a"}}}', "leaf"],
    ["__proto__ with an escape", '{"__prot\\u006f__":1}', ""],
    ["a name twice", '{"far":"a","f\\u0061r":"b"}', "far"],
    ["a field under both of its names", { oneInt32: 1, one_int32: 2 }, "one_int32"],
    ["two of a oneof", { choiceBool: true, choiceString: "a" }, "choiceString"],
    ["a list for a message", { leaf: [] }, "leaf"],
    ["a message for a list", { leaves: {} }, "leaves"],
    ["null in a list", { leaves: [{}, null] }, "leaves[1]"],
    ["a wrong element of a list", { someInt32: [1, "x"] }, "someInt32[1]"],
    ["a list for a map", { byName: [] }, "byName"],
    ["a wrong value in a map", { byName: { "a-b": 1 } }, 'byName["a-b"]'],
    ["a wrong integer key", { byNumber: { "01": {} } }, 'byNumber["01"]'],
    ["an integer key out of range", { byCode: { "4294967296": "1" } }, 'byCode["4294967296"]'],
    ["a wrong boolean key", { byFlag: { yes: 0 } }, "byFlag.yes"],
    ["a lone surrogate as a key", '{"byName":{"\\ud800":""}}', 'byName["\\ud800"]'],
    ["a lone surrogate", '{"oneString":"\\ud800"}', "oneString"],
    ["a number for a string", { oneString: 1 }, "oneString"],
    ["a string for a boolean", { oneBool: "true" }, "oneBool"],
    ["an unknown enum value", { oneSide: "BUY" }, "oneSide"],
    ["an enum number with a fraction", { oneSide: 1.5 }, "oneSide"],
    ["base64 with a foreign character", { oneBytes: "a*==" }, "oneBytes"],
    ["base64 of an impossible length", { oneBytes: "AAAAA" }, "oneBytes"],
    ["base64 with half its padding", { oneBytes: "AA=" }, "oneBytes"],
    ["a fraction for an integer", { oneInt32: 1.5 }, "oneInt32"],
    ["an integer beyond 32 bits", { oneInt32: 2 ** 31 }, "oneInt32"],
    ["a negative unsigned integer", { oneUint32: -1 }, "oneUint32"],
    ["a 64-bit number that lost digits", '{"oneInt64":9007199254740993}', "oneInt64"],
    ["a 64-bit string out of range", { oneInt64: "9223372036854775808" }, "oneInt64"],
    ["an unsigned 64-bit string out of range", { oneUint64: "18446744073709551616" }, "oneUint64"],
    ["hexadecimal", { oneFixed64: "0x10" }, "oneFixed64"],
    ["a number with spaces", { oneDouble: " 1" }, "oneDouble"],
    ["a number beyond a double", '{"oneDouble":1e999}', "oneDouble"],
    ["a number beyond a float", { oneFloat: 1e39 }, "oneFloat"],
    ["a timestamp that is none", { at: "yesterday" }, "at"],
    ["a duration that is none", { took: 5 }, "took"],
    ["a text for a payload", '"text"', ""],
    ["no JSON", "{", ""],
    ["nothing", "", ""],
  ])("refuses %s, at its path", (_, value, field) => {
    const separator = field === "" || field.startsWith("[") ? "" : ".";
    expect(errorOf(() => checkJson(value)).at).toBe(`invalid_event events[3].data${separator}${field}`);
  });

  it("takes what the mapping takes beyond the usual", () => {
    checkJson({
      one_int32: "5",
      oneInt64: 5,
      oneUint64: "18446744073709551615",
      oneDouble: "1e3",
      oneFloat: "-Infinity",
    });
    checkJson({ oneBytes: "a-_", maybeBytes: "AA==", oneSide: 7, maybeSide: "SIDE_SELL", oneSfixed32: 2 ** 31 - 1 });
    checkJson({ anything: null, leaf: null, leaves: null, choiceBool: null, choiceString: "a", wrapped: "5" });
    checkJson({
      byFlag: { true: 1, false: "SIDE_BUY" },
      byNumber: { "-5": { text: "" } },
      details: { a: [null, { b: 1 }] },
    });
  });

  it("refuses bytes that are not UTF-8", () => {
    const bytes = Buffer.from([0x7b, 0xff, 0x7d]);
    expect(errorOf(() => leaf.validate(bytes, 0, 3, "application/json", "e")).at).toBe("invalid_event e.data");
  });

  it("takes messages nested 32 deep and no deeper", () => {
    const nested = (levels: number): object => (levels === 1 ? {} : { leaf: nested(levels - 1) });
    for (const levels of [MAX_MESSAGE_DEPTH - 1, MAX_MESSAGE_DEPTH]) checkJson(nested(levels), leaf);
    const error = errorOf(() => checkJson(nested(MAX_MESSAGE_DEPTH + 1), leaf));
    expect(error).toEqual({ at: expect.stringContaining("data.leaf.leaf"), message: expect.stringContaining("32") });
  });

  it("survives a depth bomb", () => {
    expect(errorOf(() => checkJson("[".repeat(100_000) + "]".repeat(100_000))).at).toContain(
      "invalid_event events[3].data[0]",
    );
    let bomb: unknown = {};
    for (let level = 0; level < 100_000; level++) bomb = { leaf: bomb };
    expect(errorOf(() => leaf.fromJson(bomb)).at).toContain("invalid_event event.data.leaf");
  });

  it("refuses __proto__ in values that are parsed already", () => {
    expect(errorOf(() => everything.fromJson(JSON.parse('{"details":{"__proto__":1}}'))).at).toBe(
      "invalid_event event.data.details",
    );
  });
});

describe("a schema", () => {
  const define = (fields: Parameters<typeof defineSchema>[0]["messages"]) =>
    defineSchema({ package: "bad.v1", messages: fields })("M");

  it("may not hold types that are not known beforehand", () => {
    expect(() => createPayloadCodec(define({ M: { any: { number: 1, type: "google.protobuf.Any" } } }))).toThrow("Any");
  });

  it("may have 31 oneofs in a message and no more", () => {
    const oneofs = (count: number) =>
      Object.fromEntries(
        Array.from({ length: count }, (_, i) => [`f${i}`, { number: i + 1, type: "bool", oneof: `o${i}` }]),
      );
    for (const count of [30, 31]) {
      const message = define({ M: oneofs(count) });
      const all = Object.fromEntries(
        message.oneofs.map((oneof, index) => [oneof.localName, { case: `f${index}`, value: true }]),
      );
      expect(Object.keys(JSON.parse(createPayloadCodec(message).toJson(encode(message, all))))).toHaveLength(count);
    }
    expect(() => createPayloadCodec(define({ M: oneofs(32) }))).toThrow("31 oneofs");
  });
});
