import { DistributionError, ERROR_CODES } from "@distribution/core";
import { afterAll, describe, expect, it, vi } from "vitest";
import { backoffMs } from "../src/connection/backoff.ts";
import { endingOf } from "../src/connection/close-codes.ts";
import { streamUrl } from "../src/connection/endpoint.ts";
import { createEmitter } from "../src/emitter.ts";
import {
  connect,
  DistributionClientError,
  formatTime,
  LOCAL_ERRORS,
  parseTime,
  SERVICE_ERRORS,
  type SubscribeOptions,
} from "../src/index.ts";
import { splitField } from "../src/wire/split-field.ts";

describe("error codes", () => {
  it("are those of the service, with the same answer to whether to try again and the same close codes", () => {
    const theirs = Object.fromEntries(
      Object.entries(ERROR_CODES).map(([code, { retry, ...rest }]) => [
        code,
        { retry, ...("close" in rest && { close: rest.close }) },
      ]),
    );
    expect(SERVICE_ERRORS).toEqual(theirs);
  });

  it("of this side are none of the service's", () => {
    expect(Object.keys(LOCAL_ERRORS).filter((code) => code in ERROR_CODES)).toEqual([]);
    expect(new DistributionClientError("timeout", "late").retryable).toBe(true);
    expect(new DistributionClientError("forbidden", "no").retryable).toBe(false);
    expect(new DistributionError("forbidden", "no")).not.toBeInstanceOf(DistributionClientError);
  });
});

describe("close codes", () => {
  it.each([
    [1000, false, "unavailable"],
    [1006, false, "unavailable"],
    [1008, true, "refused"],
    [1013, false, "unavailable"],
    [3001, false, "draining"],
    [3008, false, "too_slow"],
    [3499, false, "unavailable"],
    [3500, true, "unauthenticated"],
    [3503, true, "forbidden"],
    [3504, true, "too_many_connections"],
    [3999, true, "refused"],
    [4000, false, "unavailable"],
  ])("%i: final %s, %s", (code, final, name) => {
    expect(endingOf(code, "why")).toMatchObject({ final, error: { code: name, message: "why", closeCode: code } });
  });
});

describe("back-off", () => {
  it("doubles up to its bound, and lies anywhere below", () => {
    const options = { minDelayMs: 100, maxDelayMs: 1_000 };
    expect([0, 1, 2, 3, 4, 60, 2_000].map((attempt) => backoffMs(attempt, options, 1))).toEqual([
      100, 200, 400, 800, 1_000, 1_000, 1_000,
    ]);
    expect(backoffMs(3, options, 0)).toBe(0);
    expect(backoffMs(3, options, 0.5)).toBe(400);
  });
});

describe("addresses", () => {
  it.each([
    ["http://localhost:7030", "ws://localhost:7030/api/v1/stream"],
    ["https://desk.example/", "wss://desk.example/api/v1/stream"],
    ["ws://localhost:7030/other?a=1#x", "ws://localhost:7030/other?a=1"],
    ["wss://desk.example/api/v1/stream", "wss://desk.example/api/v1/stream"],
  ])("%s is %s", (given, stream) => {
    expect(streamUrl(given)).toBe(stream);
    expect(streamUrl(new URL(given))).toBe(stream);
  });

  it.each(["localhost:7030", "ftp://localhost", ""])("%j is none", (given) => {
    expect(() => connect({ url: given })).toThrow(expect.objectContaining({ code: "misuse" }));
  });
});

describe("options", () => {
  it.each([
    [{ connectTimeoutMs: 0 }, "connectTimeoutMs"],
    [{ reconnect: { maxDelayMs: -1 } }, "maxDelayMs"],
    [{ maxPendingPublishes: Number.NaN }, "maxPendingPublishes"],
  ])("%j is refused by name", (options, name) => {
    expect(() => connect({ url: "http://localhost", ...options })).toThrow(new RegExp(name));
  });
});

describe("what a subscription is asked to be", () => {
  const client = connect({ url: "http://localhost:9" });
  client.ready.catch(() => undefined);
  afterAll(() => client.close());
  const subscribe = (options: object) => client.subscribe(options as SubscribeOptions);

  it.each([
    [{}, "topics: is missing; give a name, a pattern, or a list of them"],
    [{ topic: ["t"] }, "topic: there is no such option; there are topics, keys, filter,"],
    [{ topics: 5 }, "topics: 5 will not do; give a list of texts"],
    [{ topics: "t", keys: "k" }, 'keys: "k" will not do; give a list of texts'],
    [{ topics: "t", filtr: "x" }, "filtr: there is no such option"],
    [{ topics: "t", filter: 7 }, "filter: 7 will not do; give text"],
    [{ topics: "t", from: { earliest: true } }, 'from: what is given will not do; give "latest", "earliest", a Date'],
    [{ topics: "t", from: "yesterday" }, 'from: "yesterday" will not do; give "latest"'],
    [{ topics: "t", from: new Date("never") }, "from: what is given will not do; give a Date that is one"],
    [{ topics: "t", from: { time: 5 } }, "from: what is given will not do; give time as a bigint"],
    [{ topics: "t", from: { token: 5 } }, "give the token as text"],
    [{ topics: "t", from: { after: 5 } }, "give after as a list of positions"],
    [{ topics: "t", from: 5 }, "from: 5 will not do"],
    [{ topics: "t", profile: { mode: "lates" } }, 'profile.mode: "lates" will not do; give "every" or "latest"'],
    [{ topics: "t", profile: { maxrate: 2 } }, "profile.maxrate: there is no such option; there are level,"],
    [{ topics: "t", profile: { maxRate: -1 } }, "profile.maxRate: -1 will not do; give a number, 0 or more"],
    [{ topics: "t", profile: { snapshot: 1 } }, "profile.snapshot: 1 will not do; give true or false"],
    [{ topics: "t", profile: [] }, "profile: what is given will not do; give an object of level,"],
    [{ topics: "t", decode: "x" }, 'decode: "x" will not do; give an object of bytes, json'],
    [{ topics: "t", decode: { json: 1 } }, "decode.json: 1 will not do; give a function"],
    [{ topics: "t", ack: "now" }, 'ack: "now" will not do; give "auto" or "manual"'],
  ])("%j is refused at once", (options, message) => {
    expect(() => subscribe(options)).toThrow(
      expect.objectContaining({ code: "misuse", message: expect.stringContaining(message) }),
    );
  });

  it("may be as the types have it", () => {
    const after = [{ topic: "t", partition: 0, epoch: "e", offset: "1" }];
    for (const from of ["latest", "earliest", new Date(), { time: 5n }, { token: "x" }, { after }] as const) {
      const subscription = client.subscribe({
        topics: ["t"],
        from,
        decode: (bytes: Uint8Array) => bytes,
        profile: { maxRate: 0.5 },
      });
      subscription.ready.catch(() => undefined);
    }
  });

  it("is looked at when it changes, too", async () => {
    const subscription = client.subscribe({ topics: "t" });
    subscription.ready.catch(() => undefined);
    await expect(subscription.update({ filtr: "x" } as object)).rejects.toMatchObject({ code: "misuse" });
  });
});

describe("times", () => {
  it.each([
    ["1970-01-01T00:00:00Z", 0n],
    ["2026-01-05T14:30:00.123456789Z", 1_767_623_400_123_456_789n],
    ["1969-12-31T23:59:59.5Z", -500_000_000n],
  ])("%s is %i", (text, ns) => {
    expect(parseTime(text)).toBe(ns);
    expect(formatTime(ns)).toBe(text);
  });

  it("takes offsets, and refuses what is no timestamp", () => {
    expect(parseTime("2026-01-05T16:30:00.1+02:00")).toBe(parseTime("2026-01-05T14:30:00.1Z"));
    expect(() => parseTime("yesterday")).toThrow(RangeError);
    expect(() => parseTime("2026-99-05T16:30:00Z")).toThrow(RangeError);
  });
});

describe("listeners", () => {
  it("are called until they are removed, and know no other's failure, which is reported as uncaught", () => {
    const { on, emit } = createEmitter<{ tick: number }>();
    const got: number[] = [];
    expect(emit("tick", 0)).toBe(false);
    vi.useFakeTimers();
    try {
      const offBad = on("tick", () => {
        throw new Error("bad listener");
      });
      const off = on("tick", (n) => got.push(n));
      expect(emit("tick", 1)).toBe(true);
      expect(() => vi.runAllTimers()).toThrow("bad listener");
      offBad();
      off();
    } finally {
      vi.useRealTimers();
    }
    emit("tick", 2);
    expect(got).toEqual([1]);
  });
});

describe("a field taken out of a message", () => {
  it("leaves the rest as it is, wherever the field stands", () => {
    const bytes = Uint8Array.of(0x0a, 1, 7, 0x10, 5, 0x0a, 2, 8, 9, 0x18, 6);
    const { taken, rest } = splitField(bytes, 1);
    expect(taken.map((each) => [...each])).toEqual([[7], [8, 9]]);
    expect([...rest]).toEqual([0x10, 5, 0x18, 6]);
    expect([...splitField(bytes, 9).rest]).toEqual([...bytes]);
    expect(() => splitField(Uint8Array.of(0x0a, 9, 1), 1)).toThrow();
  });
});
