import { create, toBinary, toJsonString } from "@bufbuild/protobuf";
import { Event, EventClass } from "@distribution/proto-types/distribution/v1/event";
import { ServerFrame } from "@distribution/proto-types/distribution/v1/frames";
import { eventArbitrary, messageArbitrary, tradeMessage } from "@distribution/testkit/events";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { StoredBatch } from "../../../src/brokers/contract.ts";
import { createPayloadCodec, packEvents } from "../../../src/events/index.ts";
import type { EventsHeader, SnapshotHeader } from "../../../src/subscriptions/encoder.ts";
import { EventList } from "../../../src/subscriptions/event-list.ts";
import type { Interest } from "../../../src/subscriptions/interest.ts";
import type { FrameFormat } from "../../../src/transport/contract.ts";
import { createEventsEncoder } from "../../../src/transport/events-encoder.ts";
import { encodeServerFrame } from "../../../src/transport/frames/index.ts";
import { interest as interestOf } from "../../subscriptions-classes/support.ts";
import { topic } from "../../tail/support.ts";

const ANY = topic("test.any");
const TRADES = topic("test.trades", { message: tradeMessage });
const codec = createPayloadCodec(tradeMessage);

const HEADER: EventsHeader = {
  channel: 300,
  topic: TRADES.name,
  partition: 0,
  epoch: "épôque",
  after: "9",
  upto: "999",
  token: "",
  attempt: 1,
};

const ANY_HEADER = { ...HEADER, topic: ANY.name };

type Frame = NonNullable<ServerFrame["frame"]>;

/** The events of some batches that `wanted` picks, with the events themselves. */
function listOf(batches: readonly (readonly Event[])[], wanted: (count: number) => boolean = () => true) {
  const list = new EventList();
  const events: Event[] = [];
  let number = 0;
  for (const each of batches) {
    const base = number;
    const batch = packEvents(each);
    const stored: StoredBatch = { epoch: "e", appendedAt: 1n, batch, offsetAt: (index) => `o${base + index}` };
    for (const [index, event] of each.entries()) {
      if (wanted(number)) {
        list.add(stored, index, number);
        events.push(event);
      }
      number += 1;
    }
  }
  const offsets = events.map((_, at) => list.offsetAt(at));
  return { list, events, offsets };
}

const eventsFrame = (header: EventsHeader, events: Event[], offsets: string[]): Frame => ({
  $case: "events",
  value: { ...header, attempt: header.attempt > 1 ? header.attempt : 0, events, offsets },
});

/** What the general encoder makes of it: decoded protobuf, or parsed JSON without fields that have their default value. */
function general(format: FrameFormat, frame: Frame): unknown {
  return read(format, encodeServerFrame(format, { ref: "", frame }));
}

function read(format: FrameFormat, bytes: Buffer): unknown {
  if (format === "proto") return ServerFrame.decode(bytes);
  const [[kind, { token = "", attempt = 0, ...rest }]] = Object.entries(JSON.parse(bytes.toString())) as [
    [string, { token?: string; attempt?: number }],
  ];
  return [kind, { token, attempt, ...rest }];
}

const header = fc.record({
  channel: fc.constantFrom(1, 127, 128, 2 ** 32 - 1),
  topic: fc.constant(ANY.name),
  partition: fc.constantFrom(0, 1, 1_023),
  epoch: fc.string({ unit: "binary", minLength: 1, maxLength: 80 }).filter((text) => text.isWellFormed()),
  after: fc.constantFrom("0", "12:3:-1", "x".repeat(63), "x".repeat(64), ""),
  upto: fc.constantFrom("77", ""),
  token: fc.constantFrom("", "AbC-_9", "t".repeat(500)),
  attempt: fc.constantFrom(1, 2, 300),
});

describe.each<FrameFormat>(["proto", "json"])("the hot %s frames are what the general encoder makes", (frames) => {
  const encoder = createEventsEncoder([ANY, TRADES]);
  const encodedEvents = (interest: Interest, head: EventsHeader, list: EventList) =>
    read(frames, encoder.events(interest, head, list).payload);

  it("for any events, from any parts of any batches, under any header", () => {
    const batches = fc.array(fc.array(eventArbitrary(), { minLength: 1, maxLength: 5 }), { maxLength: 4 });
    fc.assert(
      fc.property(batches, header, fc.integer({ min: 0, max: 2 ** 20 - 1 }), (all, head, mask) => {
        const { list, events, offsets } = listOf(all, (number) => (mask & (1 << (number % 20))) !== 0);
        const interest = interestOf({ of: [ANY], frames, payload: "original" });
        expect(encodedEvents(interest, head, list)).toEqual(general(frames, eventsFrame(head, events, offsets)));
        encoder.endTurn();
      }),
      { numRuns: 80 },
    );
  });

  it("for snapshots", () => {
    fc.assert(
      fc.property(fc.array(eventArbitrary(), { maxLength: 6 }), header, fc.boolean(), (all, head, complete) => {
        const { list, events } = listOf([all].filter(({ length }) => length > 0));
        const position = { topic: head.topic, partition: head.partition, epoch: head.epoch, offset: head.after };
        const snapshot: SnapshotHeader = {
          channel: head.channel,
          positions: complete ? [position, { ...position, offset: "2" }] : [],
          complete,
          token: head.token,
        };
        const interest = interestOf({ of: [ANY], frames, payload: "original" });
        const encoded = encoder.snapshot(interest, ANY.name, snapshot, list);
        const value = { ...snapshot, positions: [...snapshot.positions], events };
        expect(read(frames, encoded.payload)).toEqual(general(frames, { $case: "snapshot", value }));
        expect(encoded.token).toBe(head.token);
      }),
      { numRuns: 40 },
    );
  });

  it("for payloads made into JSON, whichever form they were sent in, and cut to the fields asked for", () => {
    const payload = fc
      .tuple(messageArbitrary(tradeMessage), fc.boolean())
      .map(([message, asJson]) =>
        asJson
          ? { contentType: "application/json", data: Buffer.from(toJsonString(tradeMessage, message)) }
          : { contentType: "application/protobuf", data: Buffer.from(toBinary(tradeMessage, message)) },
      );
    const projection = fc.constantFrom<string[]>([], ["symbol"], ["price", "quantity", "side"]);
    const one = eventArbitrary({ payload });
    fc.assert(
      fc.property(fc.array(one, { minLength: 1, maxLength: 4 }), projection, fc.boolean(), (all, paths, asJson) => {
        const { list, events, offsets } = listOf([all]);
        const form = asJson ? "json" : "original";
        const interest = interestOf({ of: [TRADES], frames, payload: form, projection: paths });
        const expected = events.map((event) => {
          let data: Uint8Array = event.data!;
          let { contentType } = event;
          if (paths.length > 0) data = codec.project(data, contentType, paths);
          if (asJson && contentType === "application/protobuf") {
            data = Buffer.from(codec.toJson(data));
            contentType = "application/json";
          }
          return { ...event, contentType, data: Buffer.from(data) };
        });
        expect(encodedEvents(interest, HEADER, list)).toEqual(general(frames, eventsFrame(HEADER, expected, offsets)));
        encoder.endTurn();
      }),
      { numRuns: 60 },
    );
  });

  it("for an event without a payload, whatever form is asked for", () => {
    const bare = Event.fromPartial({ id: "1", source: "/s", type: "t" });
    const { list, events, offsets } = listOf([[bare]]);
    const interest = interestOf({ of: [TRADES], frames, payload: "json", projection: ["symbol"] });
    expect(encodedEvents(interest, HEADER, list)).toEqual(general(frames, eventsFrame(HEADER, events, offsets)));
  });

  it("leaves JSON payloads as they are, under whatever name of JSON they came", () => {
    const data = Buffer.from('{"symbol":"BTC"}');
    const types = ["application/json; charset=utf-8", "application/vnd.trade+json"];
    const all = types.map((contentType) => Event.fromPartial({ id: "1", source: "/s", type: "t", contentType, data }));
    const { list, events, offsets } = listOf([all]);
    const interest = interestOf({ of: [TRADES], frames, payload: "json" });
    expect(encodedEvents(interest, HEADER, list)).toEqual(general(frames, eventsFrame(HEADER, events, offsets)));
    encoder.endTurn();
  });

  it("sends a payload that does not fit its topic as it is stored, and the events beside it in the form asked for", () => {
    const good = create(tradeMessage, { symbol: "BTC" } as never);
    const all = [Buffer.from([0xff, 0xff, 0xff]), Buffer.from(toBinary(tradeMessage, good))].map((data, at) =>
      Event.fromPartial({ id: String(at), source: "/s", type: "t", contentType: "application/protobuf", data }),
    );
    const { list, events, offsets } = listOf([all]);
    for (const projection of [[], ["symbol"]]) {
      const interest = interestOf({ of: [TRADES], frames, payload: "json", projection });
      const fitting = {
        ...events[1]!,
        contentType: "application/json",
        data: Buffer.from('{"symbol":"BTC"}'),
      };
      const expected = eventsFrame(HEADER, [events[0]!, fitting], offsets);
      expect(encodedEvents(interest, HEADER, list)).toEqual(general(frames, expected));
      encoder.endTurn();
    }
  });
});

describe("the hot frames", () => {
  const big = Event.fromPartial({
    id: "1",
    source: "/s",
    type: "t",
    class: EventClass.TRADE,
    contentType: "application/json",
    data: Buffer.from('{"n":12345678901234567890.10}'),
  });

  it("keep every digit of a number in JSON", () => {
    const encoder = createEventsEncoder([ANY]);
    const { payload } = encoder.events(interestOf({ of: [ANY] }), ANY_HEADER, listOf([[big]]).list);
    expect(payload.toString()).toContain('"data":{"n":12345678901234567890.10}');
  });

  it("copy stored bytes into protobuf frames as they are", () => {
    const encoder = createEventsEncoder([ANY]);
    const { list } = listOf([[big, big, big]]);
    const { payload } = encoder.events(interestOf({ of: [ANY], frames: "proto", payload: "original" }), HEADER, list);
    expect(payload.includes(Buffer.from(list.stored[0]!.batch.bytes))).toBe(true);
  });

  it("of one turn share the text of an event, and forget it at the turn's end", () => {
    const encoder = createEventsEncoder([ANY]);
    const first = listOf([[big]]);
    const textOf = () => encoder.events(interestOf({ of: [ANY] }), ANY_HEADER, first.list).payload.toString();
    const text = textOf();
    first.list.stored[0]!.batch.bytes.fill(0x41);
    expect(textOf()).toBe(text);
    encoder.endTurn();
    expect(textOf).toThrow();
  });

  it("are whole when they are larger than the writer's first buffer", () => {
    const encoder = createEventsEncoder([ANY]);
    const large = Event.fromPartial({ ...big, data: Buffer.from(JSON.stringify("x".repeat(200_000))) });
    const { list, events, offsets } = listOf([[large, big]]);
    const interest = interestOf({ of: [ANY], frames: "proto", payload: "original" });
    const { payload } = encoder.events(interest, HEADER, list);
    expect(ServerFrame.decode(payload)).toEqual(general("proto", eventsFrame(HEADER, events, offsets)));
    const small = listOf([[big]]);
    expect(ServerFrame.decode(encoder.events(interest, HEADER, small.list).payload)).toEqual(
      general("proto", eventsFrame(HEADER, small.events, small.offsets)),
    );
  });
});
