import { messageOf } from "@distribution/proto-types/descriptors";
import { Event, EventClass } from "@distribution/proto-types/distribution/v1/event";
import { GapReason, ServerFrame, StreamState } from "@distribution/proto-types/distribution/v1/frames";
import { describe, expect, it } from "vitest";
import { encodedFrame, encodeServerFrame } from "../../../src/transport/frames/index.ts";
import { shapeOf } from "../../../src/transport/frames/shape.ts";

type Body = NonNullable<ServerFrame["frame"]>;

const json = (frame: Body, ref = ""): string => encodeServerFrame("json", { ref, frame }).toString();

const event = Event.create({
  id: "1",
  source: "/desk",
  type: "trade.v1",
  key: "BTC",
  class: EventClass.TRADE,
  contentType: "application/json",
  data: Buffer.from('{"price":"1.10","n":12345678901234567890}'),
});

const position = { topic: "t", partition: 0, epoch: "e", offset: "18446744073709551615" };

const FRAMES: readonly Body[] = [
  {
    $case: "welcome",
    value: {
      session: "s",
      service: "market-data",
      heartbeatMs: 5,
      identity: "anonymous",
      limits: { maxFrameBytes: 1, maxEventBytes: 2, maxSubscriptions: 3, maxWindow: 4 },
    },
  },
  {
    $case: "subscribed",
    value: { subscription: 1, channel: 2, positions: [position], recovered: false, behind: true },
  },
  { $case: "unsubscribed", value: { subscription: 1 } },
  { $case: "updated", value: { subscription: 1, channel: 3, positions: [] } },
  {
    $case: "gap",
    value: { channel: 1, topic: "t", partition: 0, from: undefined, to: position, reason: GapReason.SLOW },
  },
  {
    $case: "ledger",
    value: {
      subscription: 1,
      from: [],
      to: [position],
      published: 2n ** 64n - 1n,
      delivered: 0n,
      counts: { filtered: 1n, conflated: 2n, expired: 3n, dropped: 4n, denied: 5n, deadLettered: 6n },
    },
  },
  { $case: "state", value: { topic: "t", state: StreamState.STALE, reason: 'a "quoted" reason\n', channel: 2 } },
  { $case: "published", value: { positions: [position], duplicates: 1 } },
  {
    $case: "error",
    value: {
      code: "bad_frame",
      message: "m",
      errors: [{ path: "p", message: "m" }],
      retryable: false,
      retryAfterMs: 0,
    },
  },
  { $case: "draining", value: { reconnectWithinMs: 5 } },
  { $case: "pong", value: { time: -5n } },
];

describe("server frames", () => {
  it.each(FRAMES)("are encoded as protobuf: $$case", (frame) => {
    expect(ServerFrame.decode(encodeServerFrame("proto", { ref: "r", frame }))).toEqual({ ref: "r", frame });
  });

  it.each(FRAMES)("are JSON of one line with the same content: $$case", (frame) => {
    const text = json(frame, "r");
    expect(text).not.toContain("\n");
    const parsed = JSON.parse(text) as Record<string, unknown>;
    expect(Object.keys(parsed)).toEqual(["ref", frame.$case]);
    expect(parsed[frame.$case]).toEqual(jsonForm(frame.value));
  });

  it("say what is false or zero, and leave out an empty ref", () => {
    const value = { subscription: 1, channel: 0, positions: [], recovered: false, behind: false };
    expect(json({ $case: "subscribed", value })).toBe(
      '{"subscribed":{"subscription":1,"channel":0,"positions":[],"recovered":false,"behind":false}}',
    );
  });

  it("carry events as CloudEvents, digit for digit", () => {
    const value = {
      channel: 1,
      topic: "t",
      partition: 0,
      epoch: "e",
      after: "0",
      upto: "1",
      offsets: ["1"],
      events: [event],
      token: "k",
      attempt: 0,
    };
    const text = json({ $case: "events", value });
    expect(text).toContain('"data":{"price":"1.10","n":12345678901234567890}');
    const parsed = JSON.parse(text) as { events: { events: unknown[] } };
    expect(parsed.events.events[0]).toMatchObject({ specversion: "1.0", id: "1", type: "trade.v1" });
    expect(
      ServerFrame.decode(encodeServerFrame("proto", { ref: "", frame: { $case: "events", value } })).frame,
    ).toEqual({
      $case: "events",
      value,
    });
  });

  it("begin with a place for what each wire makes of them", () => {
    const payload = Buffer.from("{}");
    expect(encodedFrame(payload)).toMatchObject({ payload, token: "", wrapped: {} });
    expect(encodedFrame(payload, "k").token).toBe("k");
  });
});

describe("the shape of a message", () => {
  it("is refused at start when the JSON form has no rule for one of its fields", () => {
    expect(() => shapeOf(messageOf("distribution.v1.Event"))).toThrow(/no rule/);
    expect(() => shapeOf(messageOf("google.protobuf.UninterpretedOption"))).toThrow(/no rule/);
  });
});

/** What the proto3 JSON mapping makes of the values above: 64-bit numbers are strings, absent messages are left out. */
function jsonForm(value: unknown): unknown {
  if (typeof value === "bigint") return String(value);
  if (Array.isArray(value)) return value.map(jsonForm);
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(members.map(([name, member]) => [name, jsonForm(member)]));
}
