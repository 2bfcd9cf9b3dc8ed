import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteTable, hashBytes } from "../../../src/events/fields/byte-table.ts";
import {
  createEventReader,
  decodeEvent,
  type FieldSink,
  MAX_DEPTH,
  parseJson,
  payloadFormat,
} from "../../../src/events/fields/index.ts";
import { JsonCursor } from "../../../src/events/fields/json-cursor.ts";
import { readDecimal } from "../../../src/events/fields/numbers.ts";
import { unescapeJson } from "../../../src/events/fields/unescape.ts";
import { eventOf, jsonEvent, protobufOf, Quote } from "../../subscriptions/messages.ts";

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function passesJson(text: string): boolean {
  const cursor = new JsonCursor();
  const bytes = bytesOf(text);
  cursor.reset(bytes, 0, bytes.length);
  return cursor.skip(cursor.peek(), 0) && cursor.peek() === -1;
}

describe("the JSON cursor", () => {
  it("passes what JSON.parse takes", () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 4, stringUnit: "binary" }), (text) => void expect(passesJson(text)).toBe(true)),
    );
  });

  it("refuses what JSON.parse refuses", () => {
    const damaged = fc
      .tuple(
        fc.json({ maxDepth: 3 }),
        fc.nat(),
        fc.constantFrom("", '"', "{", "}", ",", ":", "0", ".", "e", "-", "\\", "\n", "t", "["),
      )
      .map(
        ([text, at, instead]) =>
          text.slice(0, at % (text.length + 1)) + instead + text.slice((at % (text.length + 1)) + 1),
      );
    fc.assert(
      fc.property(damaged, (text) => void expect(passesJson(text)).toBe(isJson(text))),
      { numRuns: 500 },
    );
    for (const text of [
      "01",
      "1.",
      ".5",
      "1e",
      "1e+",
      "-",
      "+1",
      "nul",
      "tru",
      "falsy",
      '"\\x"',
      '"\\u12g4"',
      '"\\u12',
      '"\t"',
      "[1,]",
      "{,}",
      '{"a"}',
      '{"a":}',
      "",
      '"\\',
      "[1 2]",
    ]) {
      expect([text, passesJson(text)]).toEqual([text, false]);
    }
  });

  it("goes so deep and no deeper", () => {
    const nested = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);
    const objects = (depth: number): string => `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`;
    for (const make of [nested, objects]) {
      expect(passesJson(make(MAX_DEPTH - 1))).toBe(true);
      expect(passesJson(make(MAX_DEPTH))).toBe(true);
      expect(passesJson(make(MAX_DEPTH + 1))).toBe(false);
    }
  });

  it("reads numbers as JSON.parse does, to the last bit", () => {
    const decimal = fc
      .tuple(fc.boolean(), fc.bigInt({ min: 0n, max: 10n ** 25n }), fc.nat(20))
      .map(([minus, digits, scale]) => {
        const text = digits.toString().padStart(scale + 1, "0");
        return (minus ? "-" : "") + (scale > 0 ? `${text.slice(0, -scale)}.${text.slice(-scale)}` : text);
      });
    fc.assert(
      fc.property(
        fc.oneof(decimal, fc.double({ noNaN: true, noDefaultInfinity: true }).map(String).filter(isJson)),
        (text) => {
          const cursor = new JsonCursor();
          const bytes = bytesOf(text);
          cursor.reset(bytes, 0, bytes.length);
          expect(cursor.number()).toBe(true);
          expect(cursor.value).toBe(JSON.parse(text));
          if (!text.includes("e")) expect(readDecimal(bytes, 0, bytes.length)).toBe(JSON.parse(text));
        },
      ),
    );
  });
});

describe("reading a decimal", () => {
  it.each(["", "-", ".", "1.", ".5", "+1", "1e5", " 1", "1 ", "abc", "--1", "1.2.3", "NaN"])("%j is none", (text) => {
    expect(readDecimal(bytesOf(text), 0, text.length)).toBeNaN();
  });

  it.each([
    ["007.50", 7.5],
    ["-0.1", -0.1],
    ["123456789012345", 123456789012345],
    ["1234567890123456.5", 1234567890123456.5],
  ])("%s is %d", (text, value) => {
    expect(readDecimal(bytesOf(text), 0, text.length)).toBe(value);
  });
});

describe("writing out escapes", () => {
  it("gives the characters that JSON.parse gives", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const escaped = [...text]
          .map((c, i) =>
            i % 2
              ? JSON.stringify(c).slice(1, -1)
              : [...Array(c.length).keys()].map((k) => `\\u${c.charCodeAt(k).toString(16).padStart(4, "0")}`).join(""),
          )
          .join("");
        const bytes = bytesOf(escaped);
        const out = new Uint8Array(bytes.length);
        expect(Buffer.from(out.subarray(0, unescapeJson(bytes, 0, bytes.length, out))).toString()).toBe(text);
      }),
    );
    const short = bytesOf('\\"\\\\\\/\\b\\f\\n\\r\\t');
    const out = new Uint8Array(short.length);
    expect(Buffer.from(out.subarray(0, unescapeJson(short, 0, short.length, out))).toString()).toBe('"\\/\b\f\n\r\t');
  });
});

describe("the byte table", () => {
  it("keeps its numbers through growth, deletion and reuse", () => {
    const text = fc.oneof(fc.string({ maxLength: 3 }), fc.string({ minLength: 14, maxLength: 20 }));
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), text), { maxLength: 200 }), (steps) => {
        const table = new ByteTable(7);
        const model = new Map<string, number>();
        for (const [add, text] of steps) {
          const known = model.get(text);
          if (add) model.set(text, table.add(bytesOf(text)));
          else if (known !== undefined) {
            table.delete(known);
            model.delete(text);
          }
        }
        expect(table.size).toBe(model.size);
        expect(new Set(model.values()).size).toBe(model.size);
        for (const [, text] of steps) {
          const bytes = bytesOf(`x${text}y`);
          const hash = hashBytes(7, bytes, 1, bytes.length - 1);
          expect(table.find(hash, bytes, 1, bytes.length - 1)).toBe(model.get(text) ?? -1);
        }
      }),
    );
  });
});

describe("content types", () => {
  it.each([
    ["application/json", 1],
    ["Application/JSON ; charset=utf-8", 1],
    ["application/vnd.fill+json", 1],
    ["application/protobuf", 2],
    ["application/x-protobuf", 2],
    ["text/plain", 0],
    ["", 0],
    ["+json", 0],
    ["application/jsonp", 0],
  ])("%j is read by %i", (type, format) => {
    expect(payloadFormat(type)).toBe(format);
  });
});

/** Keeps the last value of each slot, and all that came to it. */
function recorder(): FieldSink & { values: Map<number, unknown[]> } {
  const values = new Map<number, unknown[]>();
  const put = (slot: number, value: unknown): void => void values.set(slot, [...(values.get(slot) ?? []), value]);
  return {
    values,
    text: (slot, bytes, start, end) => put(slot, Buffer.from(bytes.subarray(start, end)).toString()),
    number: put,
    boolean: put,
    nothing: (slot) => put(slot, null),
    structure: (slot) => put(slot, "structure"),
    clear: (slot) => void values.delete(slot),
  };
}

describe("the event reader", () => {
  const field = (path: string, elements = false): { path: string[]; elements: boolean } => ({
    path: path.split("."),
    elements,
  });

  it("stops when it has what it wants, and looks for the end of the payload all the same", () => {
    const sink = recorder();
    const reader = createEventReader(undefined, sink);
    reader.want(field("data.a"), 1);
    const read = (payload: string): unknown[] | undefined => {
      sink.values.clear();
      const event = jsonEvent(payload);
      expect(reader.read(event, 0, event.length)).toBe(true);
      return sink.values.get(1);
    };
    expect(read('{"a": 1, "b": 2} \n')).toEqual([1]);
    expect(read('{"a": 1, "b": 2')).toBeUndefined();
    expect(read('{"b": [1, {"c": "}"}], "\\u0061": 1}')).toEqual([1]);
    reader.unwant(field("data.a"));
    expect(read('{"a": 1}')).toBeUndefined();
  });

  it("reads messages in parts, packed lists, and the last member of a oneof, as protobuf has it", () => {
    const sink = recorder();
    const reader = createEventReader(Quote, sink);
    for (const [slot, path] of [
      "data.book.name",
      "data.book.depth",
      "data.desk",
      "data.robot.name",
      "data.size",
      "data",
    ].entries())
      reader.want(field(path), slot);
    reader.want(field("data.levels", true), 9);
    const parts = [
      { book: { name: "x" }, desk: "fx", levels: [1, -2] },
      { book: { depth: 4 }, robot: { name: "r" }, size: "-7" },
    ].map((part) => protobufOf(part as never));
    const group = [0x9b, 0x06, 0x08, 0x01, 0x9c, 0x06];
    const unpacked = [0x48, 0x06];
    const event = eventOf({
      contentType: "application/x-protobuf",
      data: Buffer.concat([...parts, Buffer.from([...group, ...unpacked])]),
    });
    expect(reader.read(event, 0, event.length)).toBe(true);
    const last = [0, 1, 2, 3, 4, 5].map((slot) => sink.values.get(slot)?.at(-1));
    expect(last).toEqual(["x", 4, undefined, "r", -7, "structure"]);
    expect(sink.values.get(9)).toEqual([1, -2, 3]);
  });

  it.each([
    ["cut short", [0x0a, 0x05, 0x41]],
    ["a field of number 0", [0x00, 0x00]],
    ["a group without end", [0x9b, 0x06, 0x08, 0x01]],
    ["the end of another group", [0x9b, 0x06, 0x94, 0x01]],
    ["a list that ends within a number", [0x4a, 0x01, 0x80]],
    ["an unknown wire type", [0x0f]],
    ["a double cut short", [0x31, 0x00]],
    ["a float cut short", [0x9d, 0x01, 0x00]],
  ])("gives nothing of a protobuf payload that is %s", (_what, bytes) => {
    const sink = recorder();
    const reader = createEventReader(Quote, sink);
    for (const [slot, path] of ["data", "data.symbol", "data.ratio", "data.weight"].entries())
      reader.want(field(path), slot);
    reader.want(field("data.levels", true), 9);
    const event = eventOf({ contentType: "application/protobuf", data: Uint8Array.from(bytes) });
    expect(reader.read(event, 0, event.length)).toBe(true);
    expect(sink.values.size).toBe(0);
    expect(decodeEvent(event, Quote)?.data).toBeUndefined();
  });

  it("reads a field in a message by another wire type as not there", () => {
    const sink = recorder();
    const reader = createEventReader(Quote, sink);
    reader.want(field("data.symbol"), 0);
    reader.want(field("data.book.name"), 1);
    reader.want(field("data.levels", true), 2);
    const event = eventOf({
      contentType: "application/protobuf",
      data: Uint8Array.from([0x08, 0x05, 0x50, 0x01, 0x4d, 0, 0, 0, 0]),
    });
    expect(reader.read(event, 0, event.length)).toBe(true);
    expect([...sink.values]).toEqual([[0, [""]]]);
  });

  it("refuses to read a field that the schema does not have", () => {
    expect(() => createEventReader(Quote, recorder()).want(field("data.nope"), 0)).toThrow("data.nope");
  });
});

describe("parsing JSON to values", () => {
  it("keeps every name and every digit", () => {
    expect(parseJson('{"__proto__": [18446744073709551615, 1.5, -9007199254740993]}')).toEqual(
      new Map([["__proto__", [18446744073709551615n, 1.5, -9007199254740993n]]]),
    );
  });
});
