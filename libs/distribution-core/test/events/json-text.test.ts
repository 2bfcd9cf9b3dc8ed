import { jsonTextArbitrary } from "@distribution/testkit/events";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkJsonValue, MAX_JSON_DEPTH, parseJson, payloadKind } from "../../src/events/index.ts";
import { errorOf } from "./errors.ts";

const nested = (levels: number) => `${"[".repeat(levels)}1${"]".repeat(levels)}`;

describe("parseJson", () => {
  it("parses what JSON.parse parses", () => {
    fc.assert(
      fc.property(jsonTextArbitrary, (text) => {
        expect(parseJson(text, "data")).toEqual(JSON.parse(text));
      }),
    );
  });

  it.each([
    ["a name twice", '{"a":{"b":1,"b":2}}', "data.a.b"],
    ["a name twice with an escape", '{"a":1,"\\u0061":2}', "data.a"],
    ["a name twice in a list", '[1,{"x y":1,"x y":2}]', 'data[1]["x y"]'],
    ["__proto__", '{"a":[{},{"__proto__":1}]}', "data.a[1]"],
    ["a comma too many", "[1,]", "data"],
    ["a byte-order mark", "\ufeff{}", "data"],
    ["half a text", '{"a":"', "data"],
  ])("refuses %s, at its path", (_, text, path) => {
    expect(errorOf(() => parseJson(text, "data")).at).toBe(`invalid_event ${path}`);
  });

  it("takes equal names in different objects, and names in texts", () => {
    parseJson('{"a":{"a":1},"b":[{"a":1},{"a":"\\"a\\":{"}]}', "data");
  });

  it("takes 64 levels and no more", () => {
    for (const levels of [MAX_JSON_DEPTH - 1, MAX_JSON_DEPTH]) parseJson(nested(levels), "data");
    expect(errorOf(() => parseJson(nested(MAX_JSON_DEPTH + 1), "data")).message).toContain("64");
  });
});

describe("checkJsonValue", () => {
  it("takes 64 levels and no more", () => {
    for (const levels of [MAX_JSON_DEPTH - 1, MAX_JSON_DEPTH]) checkJsonValue(JSON.parse(nested(levels)), "data");
    expect(errorOf(() => checkJsonValue(JSON.parse(nested(MAX_JSON_DEPTH + 1)), "data")).message).toContain("64");
  });

  it("refuses __proto__ wherever it is", () => {
    expect(errorOf(() => checkJsonValue(JSON.parse('{"a":[{"__proto__":1}]}'), 2)).at).toBe(
      "invalid_event events[2].a[0]",
    );
  });
});

describe("payloadKind", () => {
  it.each([
    ["application/json", "json"],
    ["Application/JSON; charset=utf-8", "json"],
    ["application/cloudevents+json", "json"],
    ["text/json", "json"],
    ["application/protobuf", "protobuf"],
    ["application/x-protobuf;messageType=x", "protobuf"],
    ["text/plain", "text"],
    ["text/plain; charset=utf8", "text"],
    ['text/plain; charset="US-ASCII"', "text"],
    ["text/plain; charset=latin1", "binary"],
    ["image/svg+xml", "text"],
    ["application/xml", "text"],
    ["image/png", "binary"],
    ["", "binary"],
  ])("%s is %s", (type, kind) => {
    expect(payloadKind(type)).toBe(kind);
  });
});
