import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatTime, parseTime } from "../../src/events/index.ts";
import { errorOf } from "./errors.ts";

const MIN = -(2n ** 63n);
const MAX = 2n ** 63n - 1n;

describe("timestamps", () => {
  it("come back to the nanosecond", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: MIN, max: MAX }), (ns) => {
        fc.pre(ns !== 0n);
        expect(parseTime(formatTime(ns), "t")).toBe(ns);
      }),
      { numRuns: 500 },
    );
  });

  it("agree with Date to the millisecond", () => {
    fc.assert(
      fc.property(fc.integer({ min: -9_223_372_036_000, max: 9_223_372_036_000 }), (ms) => {
        const text = new Date(ms).toISOString();
        if (ms !== 0) expect(parseTime(text, "t")).toBe(BigInt(ms) * 1_000_000n);
        expect(new Date(formatTime(BigInt(ms) * 1_000_000n)).getTime()).toBe(ms);
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    [1n, "1970-01-01T00:00:00.000000001Z"],
    [-1n, "1969-12-31T23:59:59.999999999Z"],
    [951_782_400_000_000_000n, "2000-02-29T00:00:00Z"],
    [1_700_000_000_120_000_000n, "2023-11-14T22:13:20.12Z"],
    [MIN, "1677-09-21T00:12:43.145224192Z"],
    [MAX, "2262-04-11T23:47:16.854775807Z"],
  ])("writes %i as %s", (ns, text) => {
    expect(formatTime(ns)).toBe(text);
    expect(parseTime(text, "t")).toBe(ns);
  });

  it.each([
    ["2024-05-01T12:00:00+02:00", "2024-05-01T10:00:00Z"],
    ["2024-05-01T00:00:00.5-05:30", "2024-05-01T05:30:00.5Z"],
    ["2024-05-01t10:00:00.100z", "2024-05-01T10:00:00.1Z"],
    ["2024-05-01T10:00:00-00:00", "2024-05-01T10:00:00Z"],
    ["2262-04-12T01:47:16.854775807+02:00", "2262-04-11T23:47:16.854775807Z"],
  ])("reads %s as %s", (text, normal) => {
    expect(formatTime(parseTime(text, "t"))).toBe(normal);
  });

  it.each([
    ["ten fraction digits", "2024-05-01T10:00:00.1234567890Z", "9"],
    ["a nanosecond too late", "2262-04-11T23:47:16.854775808Z", "out of range"],
    ["a nanosecond too early", "1677-09-21T00:12:43.145224191Z", "out of range"],
    ["the year 9999", "9999-12-31T23:59:59Z", "out of range"],
    ["a leap second", "2016-12-31T23:59:60Z", "leap second"],
    ["the 29th of February in other years", "2023-02-29T00:00:00Z", "does not exist"],
    ["month 13", "2023-13-01T00:00:00Z", "does not exist"],
    ["day 0", "2023-01-00T00:00:00Z", "does not exist"],
    ["hour 24", "2023-01-01T24:00:00Z", "does not exist"],
    ["minute 60", "2023-01-01T00:60:00Z", "does not exist"],
    ["second 61", "2023-01-01T00:00:61Z", "does not exist"],
    ["an offset of 24 hours", "2023-01-01T00:00:00+24:00", "does not exist"],
    ["an offset of 60 minutes", "2023-01-01T00:00:00+00:60", "does not exist"],
    ["no offset", "2023-01-01T00:00:00", "RFC 3339"],
    ["a date alone", "2023-01-01", "RFC 3339"],
    ["a point without digits", "2023-01-01T00:00:00.Z", "RFC 3339"],
    ["a very long text", `2023-01-01T00:00:00.${"0".repeat(100)}Z`, "RFC 3339"],
    ["what means not stated", "1970-01-01T00:00:00Z", "1970"],
  ])("refuse %s", (_, text, why) => {
    expect(errorOf(() => parseTime(text, "event.time"))).toEqual({
      at: "invalid_event event.time",
      message: expect.stringContaining(why),
    });
  });
});
