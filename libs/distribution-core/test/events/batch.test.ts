import { Event, EventBatch } from "@distribution/proto-types/distribution/v1/event";
import { eventArbitrary } from "@distribution/testkit/events";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  BatchWriter,
  decodeEvent,
  encodeEvent,
  messageAt,
  packEvents,
  packMessages,
  selectEvents,
  walkBatch,
} from "../../src/events/index.ts";
import { errorOf } from "./errors.ts";

const LIMITS = { maxEvents: 100, maxEventBytes: 100_000 };

function encodedBatch(events: Event[]): Uint8Array {
  return EventBatch.encode({ events }).finish();
}

function events(count: number, size = 0): Event[] {
  return Array.from({ length: count }, (_, index) =>
    Event.create({ id: `id-${index}`, source: "s", type: "t", data: Buffer.alloc(size, index) }),
  );
}

describe("walkBatch", () => {
  it("finds in an encoder's batch the very events that went in", () => {
    fc.assert(
      fc.property(fc.array(eventArbitrary(), { maxLength: 5 }), (list) => {
        const batch = walkBatch(encodedBatch(list), LIMITS);
        expect(batch.count).toBe(list.length);
        expect(list.map((_, index) => decodeEvent(messageAt(batch, index)))).toEqual(list);
      }),
      { numRuns: 50 },
    );
  });

  it("takes batches that outgrow its first guess of their number", () => {
    const batch = walkBatch(encodedBatch(events(300)), { maxEvents: 300, maxEventBytes: 1000 });
    expect(decodeEvent(messageAt(batch, 299)).id).toBe("id-299");
    expect(batch.bounds).toHaveLength(600);
  });

  it("takes up to maxEvents events and no more", () => {
    for (const count of [99, 100]) expect(walkBatch(encodedBatch(events(count)), LIMITS).count).toBe(count);
    const error = errorOf(() => walkBatch(encodedBatch(events(101)), LIMITS));
    expect(error).toEqual({ at: "batch_too_large events", message: expect.stringContaining("100") });
  });

  it("takes events of up to maxEventBytes and no more", () => {
    const bytes = encodedBatch(events(2, 20));
    const size = messageAt(walkBatch(bytes, LIMITS), 1).length;
    for (const limit of [size, size + 1]) {
      expect(walkBatch(bytes, { maxEvents: 2, maxEventBytes: limit }).count).toBe(2);
    }
    const second = Buffer.concat([encodedBatch(events(1)), encodedBatch(events(1, 20))]);
    const error = errorOf(() => walkBatch(second, { maxEvents: 2, maxEventBytes: size - 1 }));
    expect(error).toEqual({ at: "event_too_large events[1]", message: expect.stringContaining(String(size - 1)) });
  });

  it("refuses a batch of a gigabyte before it reads it", () => {
    const huge = Object.defineProperty(new Uint8Array(0), "length", { value: 2 ** 30 });
    expect(errorOf(() => walkBatch(huge, LIMITS)).at).toBe("batch_too_large events");
  });

  const one = encodedBatch(events(1));
  it.each([
    ["a field that no batch has", [...one, 0x12, 0]],
    ["an event as a number", [...one, 0x08, 0]],
    ["a length beyond the end", [...one, 0x0a, 5, 1]],
    ["a length of more than 32 bits", [...one, 0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 1]],
    ["a truncated length", [...one, 0x0a, 0x80]],
    ["a tag without a length", [...one, 0x0a]],
    ["field number 0", [...one, 0x02, 0]],
    ["a field number over 32 bits", [...one, 0x8a, 0x80, 0x80, 0x80, 0x80, 0x01]],
    ["a tag that never ends", [...one, 0xff]],
  ])("refuses %s, naming the event", (_, bytes) => {
    expect(errorOf(() => walkBatch(new Uint8Array(bytes), LIMITS)).at).toBe("invalid_event events[1]");
  });

  it("takes no bytes for no events", () => {
    expect(walkBatch(new Uint8Array(0), LIMITS)).toMatchObject({ count: 0, bounds: new Uint32Array(0) });
  });
});

describe("packing", () => {
  it("makes the bytes that a protobuf encoder makes", () => {
    const list = [...events(2), ...events(1, 200), ...events(1, 20_000)];
    const batch = packEvents(list);
    expect(Buffer.from(batch.bytes)).toEqual(Buffer.from(encodedBatch(list)));
    expect(walkBatch(batch.bytes, LIMITS).bounds).toEqual(batch.bounds);
  });

  it("selects events into a batch of its own", () => {
    const batch = packEvents(events(4));
    const selected = selectEvents(batch, [3, 1]);
    expect([0, 1].map((index) => decodeEvent(messageAt(selected, index)).id)).toEqual(["id-3", "id-1"]);
    expect(selected.bytes.buffer).not.toBe(batch.bytes.buffer);
  });

  it("gives a message as a view, and none that is not there", () => {
    const batch = packMessages([new Uint8Array([1, 2])]);
    expect(messageAt(batch, 0).buffer).toBe(batch.bytes.buffer);
    for (const index of [1, -1]) expect(() => messageAt(batch, index)).toThrow(RangeError);
  });

  it("names the event whose number does not fit", () => {
    const bad = Event.create({ id: "x", time: 2n ** 63n });
    expect(errorOf(() => packEvents([...events(1), bad])).at).toBe("invalid_event events[1]");
    expect(errorOf(() => encodeEvent(bad)).at).toBe("invalid_event event");
  });
});

describe("decodeEvent", () => {
  it.each([
    ["truncated bytes", [0x0a, 9, 65]],
    ["invalid UTF-8", [0x0a, 20, ...new Array(20).fill(0xff)]],
  ])("refuses %s", (_, bytes) => {
    expect(errorOf(() => decodeEvent(new Uint8Array(bytes), 7)).at).toBe("invalid_event events[7]");
  });
});

describe("BatchWriter", () => {
  it("stamps every event and keeps the rest of it as it was", () => {
    fc.assert(
      fc.property(
        fc.array(eventArbitrary(), { maxLength: 5 }),
        fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
        (list, now) => {
          const writer = new BatchWriter({ initialBytes: 64 });
          const source = packEvents(list);
          for (let index = 0; index < source.count; index++) {
            writer.append(source.bytes, source.bounds[2 * index]!, source.bounds[2 * index + 1]!, now);
          }
          const batch = writer.finish();
          expect(walkBatch(batch.bytes, LIMITS).bounds).toEqual(batch.bounds);
          const stamped = list.map((_, index) => decodeEvent(messageAt(batch, index)));
          expect(stamped).toEqual(list.map((event) => ({ ...event, ingested: now })));
        },
      ),
      { numRuns: 100 },
    );
  });

  it("replaces a stamp rather than adding another", () => {
    const writer = new BatchWriter();
    const once = encodeEvent(Event.create({ id: "a", ingested: 5n, priority: 3 }));
    writer.append(once, 0, once.length, 7n);
    const message = messageAt(writer.finish(), 0);
    expect(message).toHaveLength(once.length);
    expect(decodeEvent(message)).toMatchObject({ ingested: 7n, priority: 3 });
  });

  it("wins over a stamp that it was told not to look for", () => {
    const writer = new BatchWriter();
    const forged = encodeEvent(Event.create({ id: "a", ingested: 5n }));
    writer.append(forged, 0, forged.length, 7n, false);
    expect(decodeEvent(messageAt(writer.finish(), 0)).ingested).toBe(7n);
  });

  it("gives batches that share no memory with what it writes next", () => {
    for (const initialBytes of [64, 8192]) {
      const writer = new BatchWriter({ initialBytes });
      const first = encodeEvent(Event.create({ id: "first", data: Buffer.alloc(40, 1) }));
      const second = encodeEvent(Event.create({ id: "other", data: Buffer.alloc(40, 2) }));
      writer.append(first, 0, first.length, 1n, false);
      expect([writer.count, writer.size]).toEqual([1, first.length + 4]);
      const batch = writer.finish();
      const kept = Buffer.from(batch.bytes);
      writer.append(second, 0, second.length, 1n, false);
      expect(Buffer.from(batch.bytes)).toEqual(kept);
      expect(decodeEvent(messageAt(writer.finish(), 0)).id).toBe("other");
    }
  });

  it("holds on to little more memory than the batch has", () => {
    const writer = new BatchWriter({ initialBytes: 1_000_000 });
    const message = encodeEvent(Event.create({ id: "a" }));
    writer.append(message, 0, message.length, 1n);
    const batch = writer.finish();
    expect(batch.bytes.buffer.byteLength).toBeLessThan(100);
  });

  it("takes any number of events", () => {
    const writer = new BatchWriter();
    const message = encodeEvent(Event.create({ id: "a" }));
    for (let index = 0; index < 200; index++) writer.append(message, 0, message.length, 1n);
    expect(writer.finish().count).toBe(200);
    expect(writer.finish().count).toBe(0);
  });

  it("is as it was before an event that is no protobuf", () => {
    const writer = new BatchWriter();
    const message = encodeEvent(Event.create({ id: "a" }));
    writer.append(message, 0, message.length, 1n);
    expect(errorOf(() => writer.append(new Uint8Array([0x0b]), 0, 1, 1n)).at).toBe("invalid_event events[1]");
    expect(writer.finish().count).toBe(1);
  });
});
