import { ClientFrame } from "@distribution/proto-types/distribution/v1/frames";
import { describe, expect, it } from "vitest";
import { DistributionError } from "../../../src/errors.ts";
import {
  DEFAULT_FRAME_LIMITS,
  decodeClientFrame,
  frameRef,
  MAX_REF_BYTES,
} from "../../../src/transport/frames/index.ts";

const read = (frame: object | string) =>
  decodeClientFrame("json", typeof frame === "string" ? frame : JSON.stringify(frame));

/** The error's code and the path of its field, or its message where it has none. */
function refusal(run: () => unknown): { code: string; at: string; message: string } {
  try {
    run();
  } catch (failure) {
    if (!(failure instanceof DistributionError)) throw failure;
    return { code: failure.code, at: failure.errors[0]?.path ?? "", message: failure.message };
  }
  throw new Error("It was not refused.");
}

const EVENT = { specversion: "1.0", id: "1", source: "/desk", type: "trade.v1" };

describe("client frames in JSON", () => {
  it("reads every kind of frame", () => {
    const position = { topic: "t", partition: 3, epoch: "e", offset: "9" };
    const frames: Record<string, object> = {
      authenticate: { token: "secret" },
      subscribe: { topics: ["a.*", "b.>"], from: { after: { positions: [position], complete: true } } },
      unsubscribe: { subscription: 1, forget: true },
      update: { subscription: 1, projection: { paths: ["price"] }, paused: false },
      ack: { subscription: 1, token: "t", positions: [position] },
      nack: { subscription: 1, positions: [position], delayMs: 5 },
      credit: { subscription: 1, events: 10 },
      publish: { topic: "t", events: [EVENT] },
      ping: { time: "5" },
      requestLedger: { subscription: 2 },
    };
    for (const [kind, value] of Object.entries(frames)) {
      const frame = read({ ref: "r", [kind]: value });
      expect(frame).toMatchObject({ ref: "r", frame: { $case: kind } });
    }
  });

  it("gives absent fields the defaults of the generated types", () => {
    const empty = ClientFrame.decode(ClientFrame.encode(read({ subscribe: {} })).finish());
    expect(read({ subscribe: {} })).toEqual(empty);
    expect(read({ update: { subscription: 1 } }).frame?.value).toEqual({
      subscription: 1,
      filter: undefined,
      projection: undefined,
      maxRate: undefined,
      paused: undefined,
    });
  });

  it("takes names as JSON and as the proto file spells them", () => {
    for (const name of ["maxRate", "max_rate"]) {
      expect(read({ subscribe: { profile: { [name]: 2.5 } } }).frame?.value).toMatchObject({
        profile: { maxRate: 2.5 },
      });
    }
    expect(read({ request_ledger: { subscription: 1 } }).frame?.$case).toBe("requestLedger");
  });

  it("takes enums by full and by short name", () => {
    for (const level of ["at-least-once", "DELIVERY_LEVEL_AT_LEAST_ONCE"]) {
      expect(read({ subscribe: { profile: { level } } }).frame?.value).toMatchObject({
        profile: { level: "DELIVERY_LEVEL_AT_LEAST_ONCE" },
      });
    }
    expect(read({ subscribe: { format: "unspecified" } }).frame?.value).toMatchObject({
      format: "PAYLOAD_FORMAT_UNSPECIFIED",
    });
  });

  it("takes null for an absent field", () => {
    expect(read({ ref: null, subscribe: { topics: null, from: null, name: null } })).toEqual(read({ subscribe: {} }));
    expect(refusal(() => read({ ping: null })).code).toBe("bad_frame");
  });

  it.each([
    ["0", 0n],
    ["-9223372036854775808", -(2n ** 63n)],
    ["9223372036854775807", 2n ** 63n - 1n],
    [Number.MAX_SAFE_INTEGER, 2n ** 53n - 1n],
    [-3, -3n],
  ])("reads %s as a 64-bit number", (time, expected) => {
    expect(read({ ping: { time } }).frame?.value).toEqual({ time: expected });
  });

  it.each([["9223372036854775808"], ["-9223372036854775809"], [2 ** 53], [1.5], ["1.0"], [""], ["1e3"], [true], [[1]]])(
    "refuses %j as a 64-bit number",
    (time) => {
      expect(refusal(() => read({ ping: { time } }))).toMatchObject({ code: "invalid_request", at: "ping.time" });
    },
  );

  it.each([0, 1, 4_294_967_295])("takes %i as a 32-bit number", (events) => {
    expect(read({ credit: { events } }).frame?.value).toMatchObject({ events });
  });

  it.each([-1, 4_294_967_296, 0.5, "1", true])("refuses %j as a 32-bit number", (events) => {
    expect(refusal(() => read({ credit: { events } }))).toMatchObject({ code: "invalid_request", at: "credit.events" });
  });

  it.each([
    [{ subscribe: { topics: "t" } }, "subscribe.topics", "expected a list"],
    [{ subscribe: { topics: ["t", 5] } }, "subscribe.topics[1]", "expected a string, got 5"],
    [{ subscribe: { keys: [null] } }, "subscribe.keys[0]", "got null"],
    [{ subscribe: { filter: "\ud800" } }, "subscribe.filter", "surrogate"],
    [{ subscribe: { profile: [] } }, "subscribe.profile", "expected an object with any of level, mode, "],
    [{ subscribe: { profile: [] } }, "subscribe.profile", "ledgerIntervalMs, got a list"],
    [
      { subscribe: { from: "earliest" } },
      "subscribe.from",
      "expected an object with one of latest, earliest, time, after, token, got",
    ],
    [{ subscribe: { profile: { snapshot: 1 } } }, "subscribe.profile.snapshot", "true or false"],
    [{ subscribe: { profile: { maxRate: "2" } } }, "subscribe.profile.maxRate", "expected a number"],
    [{ subscribe: { profile: { mode: "lates" } } }, "subscribe.profile.mode", "did you mean latest?"],
    [{ subscribe: { profile: { mode: 2 } } }, "subscribe.profile.mode", "2 is not one of unspecified, every, latest"],
    [{ subscribe: { filter: { a: 1 } } }, "subscribe.filter", "got an object"],
    [{ subscribe: "x".repeat(100) }, "subscribe", "x..."],
    [{ ping: [] }, "ping", "expected an object"],
  ])("refuses %j with the field's path", (frame, at, words) => {
    const refused = refusal(() => read(frame));
    expect(refused).toMatchObject({ code: "invalid_request", at });
    expect(refused.message).toContain(words);
  });

  it.each([
    ['{"subscribe":{"profil":{}}}', "subscribe.profil", "did you mean profile?"],
    ['{"subscrib":{}}', "subscrib", "did you mean subscribe?"],
    ['{"subscribe":{"constructor":1}}', "subscribe.constructor", "unknown field; known are name, topics"],
    ['{"subscribe":{"toString":1}}', "subscribe.toString", "unknown field"],
    [`{"${"y".repeat(100)}":1}`, `${"y".repeat(64)}...`, "unknown field"],
  ])("refuses the unknown field in %s", (text, at, words) => {
    const refused = refusal(() => read(text));
    expect(refused).toMatchObject({ code: "invalid_request", at });
    expect(refused.message).toContain(words);
  });

  it("refuses a field under both of its names, and two members of one choice", () => {
    expect(refusal(() => read({ subscribe: { profile: { maxRate: 1, max_rate: 2 } } }))).toMatchObject({
      code: "invalid_request",
      at: "subscribe.profile.max_rate",
    });
    expect(refusal(() => read({ subscribe: { from: { latest: true, token: "t" } } }))).toMatchObject({
      code: "invalid_request",
      at: "subscribe.from.token",
    });
    expect(refusal(() => read({ ping: {}, ack: {} }))).toMatchObject({ code: "bad_frame", at: "ack" });
  });

  it.each([
    "",
    "no json",
    '{"ping":{}',
    "[]",
    "null",
    "5",
    '"ping"',
    "{}",
    '{"ref":"r"}',
    '{"ping":{},"ping":{}}',
    '{"subscribe":{"name":"a","name":"b"}}',
    '{"__proto__":{"ping":{}}}',
  ])("refuses %s as no frame", (text) => {
    expect(refusal(() => read(text)).code).toBe("bad_frame");
  });

  it("refuses bytes that are not UTF-8, and takes those that are", () => {
    expect(refusal(() => decodeClientFrame("json", Buffer.of(0x22, 0xff, 0x22))).code).toBe("bad_frame");
    expect(decodeClientFrame("json", Buffer.from('{"ping":{}}')).frame?.$case).toBe("ping");
  });

  it("bounds nesting: at the limit it reads on, one deeper is no frame", () => {
    const nested = (depth: number) => `{"ping":${"[".repeat(depth - 1)}${"]".repeat(depth - 1)}}`;
    expect(refusal(() => read(nested(64))).code).toBe("invalid_request");
    expect(refusal(() => read(nested(65))).code).toBe("bad_frame");
    expect(refusal(() => read(nested(100_000))).code).toBe("bad_frame");
  });

  it("bounds the length in bytes, not characters", () => {
    const limits = { ...DEFAULT_FRAME_LIMITS, maxBytes: 40 };
    const frame = (bytes: number) => `{"subscribe":{"name":"${"é".repeat(5)}"}}`.padEnd(bytes - 5, " ");
    for (const bytes of [39, 40]) {
      expect(decodeClientFrame("json", frame(bytes), limits).frame?.$case).toBe("subscribe");
    }
    expect(refusal(() => decodeClientFrame("json", frame(41), limits)).message).toContain("41 bytes; at most 40");
  });

  it.each(["json", "proto"] as const)("bounds the ref (%s)", (format) => {
    const frame = (ref: string): Uint8Array =>
      format === "json"
        ? Buffer.from(JSON.stringify({ ref, ping: {} }))
        : ClientFrame.encode({ ref, frame: { $case: "ping", value: { time: 0n } } }).finish();
    for (const length of [MAX_REF_BYTES - 1, MAX_REF_BYTES]) {
      expect(decodeClientFrame(format, frame("r".repeat(length))).ref).toHaveLength(length);
    }
    expect(refusal(() => decodeClientFrame(format, frame("r".repeat(MAX_REF_BYTES + 1))))).toMatchObject({
      code: "invalid_request",
      at: "ref",
    });
  });
});

describe("events in a publish frame", () => {
  it("are CloudEvents, whose data keeps every digit", () => {
    const text = `{ "publish" : { "topic" : "t", "events" : [ ${JSON.stringify(EVENT)}, {"specversion":"1.0","id":"2","source":"/s","type":"t","data":{"price": 1.10, "n":12345678901234567890}} ] } }`;
    const frame = read(text).frame;
    if (frame?.$case !== "publish") throw new Error("no publish frame");
    expect(frame.value.events.map((event) => event.id)).toEqual(["1", "2"]);
    expect(Buffer.from(frame.value.events[1]!.data!).toString()).toBe('{"price": 1.10, "n":12345678901234567890}');
  });

  it("are refused with their place", () => {
    const refused = refusal(() => read({ publish: { topic: "t", events: [EVENT, { ...EVENT, id: "" }] } }));
    expect(refused).toMatchObject({ code: "invalid_event", at: "publish.events[1].id" });
    expect(refusal(() => read({ publish: { events: {} } }))).toMatchObject({ at: "publish.events" });
    expect(read({ publish: { events: [] } }).frame?.value).toMatchObject({ events: [] });
  });
});

describe("client frames in protobuf", () => {
  const subscribe = ClientFrame.encode(
    read({ ref: "7", subscribe: { topics: ["t"], from: { time: "5" }, profile: { mode: "latest" } } }),
  ).finish();

  it("read as they were written", () => {
    expect(decodeClientFrame("proto", subscribe)).toEqual(
      read({ ref: "7", subscribe: { topics: ["t"], from: { time: "5" }, profile: { mode: "latest" } } }),
    );
  });

  it("may have fields that this version does not know", () => {
    // Field 1000, length-delimited, "new"; field 999, varint 1.
    const unknown = Buffer.of(0xc2, 0x3e, 3, 0x6e, 0x65, 0x77, 0xb8, 0x3e, 1);
    expect(decodeClientFrame("proto", Buffer.concat([subscribe, unknown]))).toEqual(
      decodeClientFrame("proto", subscribe),
    );
  });

  it.each([
    ["nothing", Buffer.alloc(0)],
    ["a zero tag", Buffer.of(0x52, 0x00, 0x00)],
    ["a length beyond the end", Buffer.of(0x52, 0x05, 0x08)],
    ["a group", Buffer.of(0x53, 0x54)],
    ["groups all the way down", Buffer.alloc(100_000, 0x0b)],
    ["a message that overruns its parent", Buffer.of(0x1a, 0x02, 0x3a, 0x05, 0x01, 0x01, 0x01, 0x01, 0x01)],
    ["text that is not UTF-8", Buffer.of(0x0a, 0x01, 0xff, 0x52, 0x00)],
    ["a varint without end", Buffer.alloc(20, 0xff)],
    ["an empty oneof", Buffer.of(0x0a, 0x01, 0x61)],
  ])("refuse %s", (_what, bytes) => {
    expect(refusal(() => decodeClientFrame("proto", bytes)).code).toBe("bad_frame");
  });

  it("name the field whose value only a newer service knows", () => {
    // subscribe { profile { mode: 9 } }
    const bytes = Buffer.of(0x1a, 0x04, 0x42, 0x02, 0x10, 0x09);
    expect(refusal(() => decodeClientFrame("proto", bytes))).toMatchObject({
      code: "invalid_request",
      at: "subscribe.profile.mode",
    });
  });

  it("are never mistaken: every truncation is refused or a frame", () => {
    for (let length = 0; length < subscribe.length; length += 1) {
      try {
        expect(decodeClientFrame("proto", subscribe.subarray(0, length)).frame?.$case).toBe("subscribe");
      } catch (failure) {
        expect(failure).toBeInstanceOf(DistributionError);
      }
    }
  });

  it("read from text too, as a wire may give it", () => {
    expect(decodeClientFrame("proto", Buffer.of(0x52, 0x00).toString("latin1")).frame?.$case).toBe("ping");
  });
});

describe("the ref of a frame that did not decode", () => {
  it("is found where there is one", () => {
    expect(frameRef("json", '{"ref":"a","nonsense":1}')).toBe("a");
    expect(frameRef("json", Buffer.from('{"ref":"a"}'))).toBe("a");
    expect(frameRef("proto", Buffer.of(0x0a, 0x01, 0x61))).toBe("a");
  });

  it.each(["[]", "{", '{"ref":5}', "{}", `{"ref":"${"r".repeat(65)}"}`])("is empty for %s", (text) => {
    expect(frameRef("json", text)).toBe("");
  });

  it("is empty for bytes that are no message", () => {
    expect(frameRef("proto", Buffer.of(0x0a, 0x05, 0x61))).toBe("");
  });
});
