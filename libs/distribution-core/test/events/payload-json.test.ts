import { create, fromBinary, fromJson, type JsonValue, toBinary, toJson } from "@bufbuild/protobuf";
import { everythingMessage, leafMessage, messageArbitrary, tradeMessage } from "@distribution/testkit/events";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createPayloadCodec } from "../../src/events/index.ts";

const everything = createPayloadCodec(everythingMessage);
const trade = createPayloadCodec(tradeMessage);
const leaf = createPayloadCodec(leafMessage);

/** As a reader sees the library's JSON: -0 and 0 are one number in text. */
function libraryJson(bytes: Uint8Array): unknown {
  return toJson(everythingMessage, fromBinary(everythingMessage, bytes));
}

function plain(text: string): unknown {
  return JSON.parse(text, (_, value: unknown) => (Object.is(value, -0) ? 0 : value));
}

describe("toJson", () => {
  it("says what the protobuf library says, for every kind of field", () => {
    fc.assert(
      fc.property(messageArbitrary(everythingMessage), (message) => {
        const bytes = toBinary(everythingMessage, message);
        expect(plain(everything.toJson(bytes))).toEqual(plain(JSON.stringify(libraryJson(bytes))));
      }),
      { numRuns: 300 },
    );
  });

  it("agrees on bytes in any order, repeated and merged", () => {
    fc.assert(
      fc.property(messageArbitrary(everythingMessage, 2), messageArbitrary(everythingMessage, 2), (one, two) => {
        const bytes = Buffer.concat([toBinary(everythingMessage, one), toBinary(everythingMessage, two)]);
        expect(plain(everything.toJson(bytes))).toEqual(plain(JSON.stringify(libraryJson(bytes))));
      }),
      { numRuns: 200 },
    );
  });

  it("writes 64-bit integers as strings, to the last digit", () => {
    const message = create(tradeMessage, { exchangeTime: -(2n ** 63n), sequence: 2n ** 64n - 1n } as never);
    expect(trade.toJson(toBinary(tradeMessage, message))).toBe(
      '{"exchangeTime":"-9223372036854775808","sequence":"18446744073709551615"}',
    );
  });

  it("writes an enum number without a name as the number", () => {
    expect(trade.toJson(new Uint8Array([0x30, 0x09]))).toBe('{"side":9}');
  });

  it("takes unpacked numbers of a repeated field, and packed and unpacked ones mixed", () => {
    const field = everythingMessage.field["someInt32"]!;
    const unpacked = [...tag(field.number, 0), 7, ...tag(field.number, 2), 2, 8, 9];
    expect(plain(everything.toJson(new Uint8Array(unpacked)))).toEqual({ someInt32: [7, 8, 9] });
  });

  it("steps over fields that the schema does not have", () => {
    expect(leaf.toJson(new Uint8Array([0x2a, 1, 65, 0x10, 3, 0x38, 1]))).toBe('{"count":3}');
  });

  it.each([
    ["a truncated field", [0x0a, 5, 65]],
    ["a wrong wire type", [0x08, 5]],
    ["a number that never ends", [0x10, ...new Array(11).fill(0xff)]],
  ])("refuses %s", (_, bytes) => {
    expect(() => leaf.toJson(new Uint8Array(bytes))).toThrow(expect.objectContaining({ code: "invalid_event" }));
  });
});

describe("fromJson", () => {
  it("reads what the library writes, and what toJson writes, into the same message", () => {
    fc.assert(
      fc.property(messageArbitrary(everythingMessage), (message) => {
        const bytes = toBinary(everythingMessage, message);
        const expected = libraryJson(bytes);
        expect(libraryJson(everything.fromJson(expected))).toEqual(expected);
        expect(libraryJson(everything.fromJson(everything.toJson(bytes)))).toEqual(expected);
      }),
      { numRuns: 200 },
    );
  });

  it("never accepts what the library refuses", () => {
    const names = everythingMessage.fields.map((field) => field.jsonName);
    const values = fc.oneof(
      fc.jsonValue({ maxDepth: 2 }),
      fc.constantFrom(
        "1",
        "-1",
        "1e3",
        "NaN",
        "true",
        "AA==",
        "A",
        "a-_",
        "SIDE_BUY",
        "2020-01-01T00:00:00Z",
        "1.5s",
        2 ** 53,
      ),
      fc.constantFrom<JsonValue>(
        [1, "2"],
        [null],
        { "1": "x" },
        { true: "SIDE_BUY" },
        { count: 1 },
        [{ text: "a" }],
        1.5,
        2 ** 31,
      ),
    );
    fc.assert(
      fc.property(fc.constantFrom(...names), values, (name, value) => {
        const json = { [name]: value } as JsonValue;
        let accepted = true;
        try {
          everything.fromJson(json);
        } catch {
          accepted = false;
        }
        if (accepted) expect(() => fromJson(everythingMessage, json)).not.toThrow();
      }),
      { numRuns: 1500 },
    );
  });
});

function tag(number: number, wireType: number): number[] {
  const value = (number << 3) | wireType;
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, value >>> 7];
}
