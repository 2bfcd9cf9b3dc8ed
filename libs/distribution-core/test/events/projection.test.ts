import { create, fromBinary, toBinary, toJson } from "@bufbuild/protobuf";
import { everythingMessage, leafMessage, messageArbitrary } from "@distribution/testkit/events";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createPayloadCodec, MAX_MESSAGE_DEPTH, MAX_PROJECTION_PATHS } from "../../src/events/index.ts";
import { errorOf } from "./errors.ts";

const codec = createPayloadCodec(everythingMessage);
const leaf = createPayloadCodec(leafMessage);
const PATHS = [
  "far",
  "leaf.text",
  "leaves.leaf.count",
  "by_number",
  "some_int32",
  "self.leaf",
  "self.self.price",
  "one_side",
];

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** The slow and obvious way, on JSON. */
function keep(value: Json, paths: readonly string[][]): Json {
  if (Array.isArray(value)) return value.map((element) => keep(element, paths));
  if (typeof value !== "object" || value === null) return value;
  const kept: Record<string, Json> = {};
  for (const [name, member] of Object.entries(value)) {
    const below = paths.filter((path) => path[0] === name).map((path) => path.slice(1));
    if (below.some((path) => path.length === 0)) kept[name] = member;
    else if (below.length > 0) kept[name] = keep(member, below);
  }
  return kept;
}

const camel = PATHS.map((path) =>
  path.split(".").map((name) => name.replace(/_(.)/g, (_, c: string) => c.toUpperCase())),
);

describe("projecting", () => {
  it("keeps the named fields and nothing else, in protobuf and in JSON", () => {
    fc.assert(
      fc.property(messageArbitrary(everythingMessage), (message) => {
        const bytes = toBinary(everythingMessage, message);
        const whole = toJson(everythingMessage, message) as Json;
        const expected = keep(whole, camel);
        const projected = codec.project(bytes, "application/protobuf", PATHS);
        expect(toJson(everythingMessage, fromBinary(everythingMessage, projected))).toEqual(expected);
        const text = Buffer.from(JSON.stringify(whole, undefined, 1));
        const fromText = JSON.parse(Buffer.from(codec.project(text, "application/json", PATHS)).toString());
        expect(fromText).toEqual(JSON.parse(JSON.stringify(expected)));
      }),
      { numRuns: 200 },
    );
  });

  it("shortens the length of a message that shrank from two bytes to one", () => {
    const bytes = toBinary(leafMessage, create(leafMessage, { leaf: { text: "x".repeat(200), count: 5 } } as never));
    expect([...leaf.project(bytes, "application/protobuf", ["leaf.count"])]).toEqual([0x1a, 2, 0x10, 5]);
  });

  it("keeps JSON values character for character, under either name of a field", () => {
    const text = '{"one_int64": "1", "oneDouble" : 1.50e0 , "leaf":{"text":"\\u0041\\"}"},"far":"x"}';
    const projected = codec.project(Buffer.from(text), "application/json", ["one_int64", "one_double", "leaf"]);
    expect(Buffer.from(projected).toString()).toBe(
      '{"one_int64":"1","oneDouble":1.50e0,"leaf":{"text":"\\u0041\\"}"}}',
    );
  });

  it("gives an empty payload when nothing is kept", () => {
    expect(leaf.project(new Uint8Array([0x10, 1]), "application/protobuf", ["text"])).toHaveLength(0);
    expect(Buffer.from(leaf.project(Buffer.from('{"count":1}'), "application/json", ["text"])).toString()).toBe("{}");
  });

  it("keeps a message whole when a path ends at it, in any order of the paths", () => {
    const bytes = toBinary(leafMessage, create(leafMessage, { leaf: { text: "a", count: 5 } } as never));
    for (const paths of [
      ["leaf", "leaf.text"],
      ["leaf.text", "leaf"],
    ]) {
      expect([...leaf.project(bytes, "application/protobuf", paths)]).toEqual([...bytes]);
    }
  });

  it.each([
    ["bytes that are no protobuf", "application/protobuf", [0x1a, 9]],
    ["a message as a number", "application/protobuf", [0x18, 1]],
    ["bytes that are no UTF-8", "application/json", [0xff]],
    ["JSON that is cut off", "application/json", [...Buffer.from('{"leaf":{"count":1')]],
    ["JSON that is cut off in a text", "application/json", [...Buffer.from('{"text":"a')]],
    ["text", "text/plain", []],
  ])("refuses %s", (_, type, bytes) => {
    expect(errorOf(() => leaf.project(new Uint8Array(bytes), type, ["leaf.count"])).at).toBe(
      "invalid_event event.data",
    );
  });
});

describe("checkPaths", () => {
  it("takes the paths of fields, nested, repeated and recursive", () => {
    codec.checkPaths(PATHS);
    codec.checkPaths([]);
  });

  it.each([
    ["an unknown field", "leaf.txt"],
    ["a JSON name", "byNumber"],
    ["an empty path", ""],
    ["an empty name", "leaf..text"],
    ["a name of every object", "constructor"],
    ["a field of a text", "far.length"],
    ["a key of a map", "by_name.x"],
    ["a field of a well-known type", "at.seconds"],
  ])("refuses %s, naming the path", (_, path) => {
    expect(errorOf(() => codec.checkPaths(["far", path])).at).toBe("invalid_request projection[1]");
    expect(errorOf(() => codec.checkPaths(["far", path], "subscribe.projection")).at).toBe(
      "invalid_request subscribe.projection[1]",
    );
  });

  it("takes paths of 32 names and no more", () => {
    const deep = (names: number) => [Array.from({ length: names }, () => "leaf").join(".")];
    for (const names of [MAX_MESSAGE_DEPTH - 1, MAX_MESSAGE_DEPTH]) leaf.checkPaths(deep(names));
    expect(errorOf(() => leaf.checkPaths(deep(MAX_MESSAGE_DEPTH + 1))).message).toContain("32");
    expect(errorOf(() => leaf.checkPaths(deep(1_000_000))).message).toContain("32");
  });

  it("takes 256 paths and no more", () => {
    const many = (count: number) => Array.from({ length: count }, () => "text");
    for (const count of [MAX_PROJECTION_PATHS - 1, MAX_PROJECTION_PATHS]) leaf.checkPaths(many(count));
    expect(errorOf(() => leaf.checkPaths(many(MAX_PROJECTION_PATHS + 1))).message).toContain("256");
  });
});
