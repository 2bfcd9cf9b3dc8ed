import { describe, expect, it } from "vitest";
import { BAR_INTERVAL_NAMES, parseBarInterval } from "../src/domain/bar-intervals.ts";
import {
  instrumentOf,
  MAX_SYMBOL_CHARACTERS,
  MAX_VENUE_CHARACTERS,
  parseInstrument,
} from "../src/domain/instruments.ts";
import { parseIsoTime, parseUnixSeconds } from "../src/domain/timestamps.ts";
import { thrownBy } from "./support/market.ts";

describe("an instrument key", () => {
  it.each([
    ["coinbase:BTC-USD", "coinbase", "BTC-USD"],
    ["bitmex:.BXBT", "bitmex", ".BXBT"],
    ["cme-globex:6E/Z5", "cme-globex", "6E/Z5"],
    ["lse:BRK.A", "lse", "BRK.A"],
  ])("%s names venue and symbol", (key, venue, symbol) => {
    expect(parseInstrument(key)).toEqual({ venue, symbol, key });
  });

  it.each([
    "",
    "BTC-USD",
    ":BTC",
    "coinbase:",
    "Coinbase:BTC",
    "coinbase:BTC USD",
    "coinbase:-BTC",
    "coinbase:a:b",
    "coinbase:__proto__",
    "coinbase:BTC@1m",
    "coin base:BTC",
    "coinbase:BTC\n",
  ])("%j is refused, naming the part that is wrong", (text) => {
    expect(thrownBy(() => parseInstrument(text, "path.instrument"))).toMatchObject({
      code: "invalid_request",
      errors: [
        { path: expect.stringMatching(/^path\.instrument/), message: expect.stringMatching(/must be|may hold/) },
      ],
    });
  });

  it("has a symbol and a venue of bounded length", () => {
    expect(instrumentOf("v", "S".repeat(MAX_SYMBOL_CHARACTERS - 1)).symbol).toHaveLength(MAX_SYMBOL_CHARACTERS - 1);
    expect(instrumentOf("v", "S".repeat(MAX_SYMBOL_CHARACTERS)).symbol).toHaveLength(MAX_SYMBOL_CHARACTERS);
    expect(() => instrumentOf("v", "S".repeat(MAX_SYMBOL_CHARACTERS + 1))).toThrow(/1 to 64 characters; it has 65/);
    expect(instrumentOf("v".repeat(MAX_VENUE_CHARACTERS), "S").venue).toHaveLength(MAX_VENUE_CHARACTERS);
    expect(() => instrumentOf("v".repeat(MAX_VENUE_CHARACTERS + 1), "S")).toThrow(/1 to 32 characters; it has 33/);
  });
});

describe("a bar interval", () => {
  it("is one of the known names", () => {
    for (const name of BAR_INTERVAL_NAMES) expect(parseBarInterval(name)).toBe(name);
  });

  it.each(["", "2s", "1M", "constructor", "__proto__"])("%j is refused with the list of those known", (text) => {
    expect(thrownBy(() => parseBarInterval(text))).toMatchObject({
      code: "invalid_request",
      errors: [{ path: "interval", message: expect.stringContaining("1s, 5s, 1m") }],
    });
  });
});

describe("times", () => {
  it.each([
    ["2021-04-17T16:43:37.075687Z", 1_618_677_817_075_687_000n],
    ["2021-07-22T22:36:10.014Z", 1_626_993_370_014_000_000n],
    ["1970-01-01T00:00:00Z", 0n],
    ["2021-04-17T16:43:37.123456789Z", 1_618_677_817_123_456_789n],
    ["2024-02-29T00:00:00Z", 1_709_164_800_000_000_000n],
  ])("%s is read to the nanosecond", (text, nanoseconds) => {
    expect(parseIsoTime(text)).toBe(nanoseconds);
  });

  it.each([
    "",
    "2021-04-17",
    "2021-02-30T00:00:00Z",
    "2021-13-01T00:00:00Z",
    "2021-04-17T16:43:37",
    "2021-04-17T16:43:37+02:00",
    "2021-04-17T16:43:37.1234567890Z",
    "1969-12-31T23:59:59Z",
    "2262-04-12T00:00:00Z",
    "9999-01-01T00:00:00Z",
  ])("%j is no time", (text) => {
    expect(parseIsoTime(text)).toBeUndefined();
  });

  it("of recordings keep every digit of their seconds", () => {
    expect(parseUnixSeconds("1626993368.0018098")).toBe(1_626_993_368_001_809_800n);
    expect(parseUnixSeconds("1618677817")).toBe(1_618_677_817_000_000_000n);
    expect(parseUnixSeconds("9223372035.999999999")).toBe(9_223_372_035_999_999_999n);
    expect(parseUnixSeconds("9223372036")).toBeUndefined();
    expect(parseUnixSeconds("1.6e9")).toBeUndefined();
    expect(parseUnixSeconds("-1")).toBeUndefined();
    expect(parseUnixSeconds("1.0123456789")).toBeUndefined();
  });
});
