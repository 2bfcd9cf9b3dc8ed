import { describe, expect, it } from "vitest";
import { parseLine } from "../src/domain/feeds/feed.ts";
import { MAX_NESTING, parseRecordedLine } from "../src/domain/feeds/raw-message.ts";
import { thrownBy } from "./support/market.ts";

const wrapped = (message: string): string => `{"receivedAt":1.5,"message":${message}}`;
const nested = (depth: number): string => wrapped(`{"a":${"[".repeat(depth - 2)}${"]".repeat(depth - 2)}}`);

describe("a recorded line", () => {
  it("keeps the digits of every number as they were written", () => {
    const { receivedNs, message } = parseRecordedLine(
      '{"receivedAt":1626993368.0018098,"message":{"price":1.814e-05,"id":123456789012345678901,"text":"7","yes":true,"no":null}}',
    );
    expect(receivedNs).toBe(1_626_993_368_001_809_800n);
    expect(message).toEqual({ price: "1.814e-05", id: "123456789012345678901", text: "7", yes: true, no: null });
  });

  it("may be nested up to the bound and no deeper", () => {
    expect(() => parseRecordedLine(nested(MAX_NESTING - 1))).not.toThrow();
    expect(() => parseRecordedLine(nested(MAX_NESTING))).not.toThrow();
    expect(thrownBy(() => parseRecordedLine(nested(MAX_NESTING + 1)))).toMatchObject({
      code: "invalid_event",
      errors: [{ path: "line", message: expect.stringContaining("16 levels") }],
    });
  });

  it("does not take brackets within texts for nesting", () => {
    expect(() => parseRecordedLine(wrapped(`{"a":"${"[{".repeat(100)}\\"[["}`))).not.toThrow();
  });

  it("survives a bomb of a million brackets", () => {
    expect(thrownBy(() => parseRecordedLine("[".repeat(1_000_000)))).toMatchObject({ code: "invalid_event" });
  });

  it("has keys such as __proto__ as plain data", () => {
    const { message } = parseRecordedLine(wrapped('{"__proto__":{"type":"match"},"constructor":"x"}'));
    expect(message["type"]).toBeUndefined();
    expect(Object.getPrototypeOf(message)).toBe(Object.prototype);
  });

  it.each([
    ["", "line"],
    ["{", "line"],
    ["[]", "line"],
    ["null", "line"],
    ["1", "line"],
    ['{"message":{}}', "receivedAt"],
    ['{"receivedAt":"x","message":{}}', "receivedAt"],
    ['{"receivedAt":null,"message":{}}', "receivedAt"],
    ['{"receivedAt":-1,"message":{}}', "receivedAt"],
    ['{"receivedAt":1e9,"message":{}}', "receivedAt"],
    ['{"receivedAt":1}', "message"],
    ['{"receivedAt":1,"message":[]}', "message"],
    ['{"receivedAt":1,"message":"{}"}', "message"],
  ])("that is %j is refused at %s", (line, path) => {
    expect(thrownBy(() => parseRecordedLine(line))).toMatchObject({ code: "invalid_event", errors: [{ path }] });
  });

  it("that cannot be read is an answer to the feed, not a failure", () => {
    expect(parseLine({ line: 1, text: "{", bytes: 1 })).toMatchObject({ code: "invalid_event" });
    expect(parseLine({ line: 1, bytes: 5_000_000 })).toMatchObject({
      message: expect.stringContaining("5000000 bytes"),
    });
  });
});
