import { eventClassToNumber } from "@distribution/proto-types/distribution/v1/event";
import { eventArbitrary } from "@distribution/testkit/events";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createEnvelope, EVENT_FIELD, encodeEvent, readExtensions } from "../../src/events/index.ts";
import { errorOf } from "./errors.ts";

function scan(bytes: Uint8Array) {
  const envelope = createEnvelope();
  envelope.read(bytes, 0, bytes.length, 3);
  return envelope;
}

describe("an envelope", () => {
  it("reads every field as the decoder does, wherever the message lies", () => {
    const envelope = createEnvelope();
    fc.assert(
      fc.property(eventArbitrary(), fc.nat({ max: 20 }), (event, before) => {
        const message = encodeEvent(event);
        const bytes = Buffer.concat([Buffer.alloc(before, 0xff), message, Buffer.alloc(3, 0xff)]);
        envelope.read(bytes, before, before + message.length);
        expect({
          id: envelope.text(EVENT_FIELD.id),
          source: envelope.text(EVENT_FIELD.source),
          type: envelope.text(EVENT_FIELD.type),
          subject: envelope.text(EVENT_FIELD.subject),
          time: envelope.time,
          key: envelope.text(EVENT_FIELD.key),
          class: envelope.class,
          contentType: envelope.contentType,
          data: envelope.hasData ? Buffer.from(envelope.data()) : undefined,
          dataSchema: envelope.text(EVENT_FIELD.dataSchema),
          sequence: envelope.sequence,
          ingested: envelope.ingested,
          priority: envelope.priority,
          extensions: Object.fromEntries(readExtensions(envelope)),
        }).toEqual({
          ...event,
          class: eventClassToNumber(event.class),
          extensions: Object.fromEntries(
            Object.entries(event.extensions).map(([name, { value }]) => [name, value?.value]),
          ),
        });
      }),
      { numRuns: 200 },
    );
  });

  it("lets the last of several values count, as protobuf does", () => {
    const envelope = scan(new Uint8Array([0x0a, 1, 65, 0x68, 4, 0x0a, 2, 66, 67, 0x68, 5]));
    expect(envelope.text(EVENT_FIELD.id)).toBe("BC");
    expect(envelope.priority).toBe(5);
    expect([envelope.startOf(EVENT_FIELD.id), envelope.endOf(EVENT_FIELD.id)]).toEqual([7, 9]);
  });

  it("forgets the event before", () => {
    const envelope = scan(new Uint8Array([0x0a, 1, 65, 0x4a, 0, 0x60, 0, 0x58, 9, 0x28, 1, 0x38, 2, 0x72, 0]));
    expect(envelope).toMatchObject({ hasData: true, hasIngested: true, extensionCount: 1, sequence: 9n, class: 2 });
    envelope.read(new Uint8Array(0), 0, 0);
    expect(envelope).toMatchObject({ hasData: false, hasIngested: false, extensionCount: 0, sequence: 0n, class: 0 });
    expect([envelope.time, envelope.text(EVENT_FIELD.id), envelope.data().length]).toEqual([0n, "", 0]);
  });

  it("steps over fields of a newer publisher, whatever their wire type", () => {
    const unknown = [0x78, 1, 0x82, 1, 1, 7, 0x81, 1, ...new Array(8).fill(1), 0x85, 1, 1, 1, 1, 1];
    expect(scan(new Uint8Array([...unknown, 0x0a, 1, 65])).text(EVENT_FIELD.id)).toBe("A");
  });

  it("tells other media types of the same length apart from the usual two", () => {
    for (const type of ["application/protobuF", "application/jsoN", "text/plain", ""]) {
      const bytes = new Uint8Array([0x42, type.length, ...Buffer.from(type)]);
      expect(scan(bytes).contentType).toBe(type);
    }
  });

  it("reads numbers of any length, and tells those that end too early from those that are too long", () => {
    for (let bits = 0n; bits <= 64n; bits += 1n) {
      const number = (1n << bits) - 1n;
      const digits = varint(number);
      expect(scan(new Uint8Array([0x58, ...digits, 0x0a, 1, 65])).sequence).toBe(number);
      for (let cut = 1; cut < digits.length; cut += 1) {
        const { message } = errorOf(() => scan(new Uint8Array([0x58, ...digits.slice(0, cut)])));
        expect(message).toContain("ends within a number");
      }
    }
    for (const last of [2, 0x7f, 0x80, 0xff]) {
      const { message } = errorOf(() => scan(new Uint8Array([0x58, ...new Array(9).fill(0xff), last])));
      expect(message).toContain("has a number over 64 bits");
    }
  });

  it.each([
    ["text as a number", [0x08, 1]],
    ["a number as text", [0x2a, 1, 65]],
    ["extensions as a number", [0x70, 1]],
    ["a 32-bit id", [0x0d, 1, 1, 1, 1]],
    ["a group", [0x7b]],
    ["a truncated text", [0x0a, 2, 65]],
    ["a truncated number", [0x28, 0x80]],
    ["a number of eleven bytes", [0x28, ...new Array(10).fill(0x80), 1]],
    ["a number over 64 bits", [0x28, ...new Array(9).fill(0x80), 2]],
    ["a truncated 32-bit number", [0x7d, 1, 1]],
    ["a truncated 64-bit number", [0x79, 1, 1, 1, 1]],
  ])("refuses %s, naming the event", (_, bytes) => {
    expect(errorOf(() => scan(new Uint8Array(bytes))).at).toBe("invalid_event events[3]");
  });
});

describe("readExtensions", () => {
  it("lets the last value of a name count and steps over unknown fields", () => {
    const entry = (value: number) => [0x72, 9, 0x0a, 1, 97, 0x12, 2, 0x10, value, 0x18, 0];
    expect([...readExtensions(scan(new Uint8Array([0x0a, 1, 65, ...entry(2), ...entry(3)])))]).toEqual([["a", -2]]);
    const text = [0x72, 8, 0x0a, 1, 97, 0x12, 3, 0x20, 1, 0x0a];
    expect(errorOf(() => readExtensions(scan(new Uint8Array(text)))).at).toBe("invalid_event event");
  });

  it.each([
    ["an entry without a value", [0x72, 3, 0x0a, 1, 97]],
    ["an attribute without a value", [0x72, 5, 0x0a, 1, 97, 0x12, 0]],
    ["text that is not UTF-8", [0x72, 8, 0x0a, 1, 97, 0x12, 3, 0x0a, 1, 0xff]],
    ["a name that is not UTF-8", [0x72, 3, 0x0a, 1, 0xff]],
  ])("refuses %s", (_, bytes) => {
    expect(errorOf(() => readExtensions(scan(new Uint8Array(bytes)), 2)).at).toBe("invalid_event events[2].extensions");
  });
});

function varint(number: bigint): number[] {
  return number < 0x80n ? [Number(number)] : [Number(number & 0x7fn) | 0x80, ...varint(number >> 7n)];
}
