import { Event } from "@distribution/proto-types/distribution/v1/event";
import { eventArbitrary } from "@distribution/testkit/events";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createEnvelope, ENVELOPE_LIMITS, encodeEvent, validateEnvelope } from "../../src/events/index.ts";
import { errorOf } from "./errors.ts";

const envelope = createEnvelope();

function validate(bytes: Uint8Array): void {
  envelope.read(bytes, 0, bytes.length);
  validateEnvelope(envelope, 4);
}

function validateEvent(fields: Partial<Event>): void {
  validate(encodeEvent({ ...Event.create({ id: "i", source: "s", type: "t" }), ...fields }));
}

describe("validateEnvelope", () => {
  it("takes every event within the bounds", () => {
    fc.assert(
      fc.property(eventArbitrary(), (event) => {
        validate(encodeEvent(event));
      }),
      { numRuns: 200 },
    );
  });

  it.each([
    ["id", "id", ENVELOPE_LIMITS.id],
    ["source", "source", ENVELOPE_LIMITS.source],
    ["type", "type", ENVELOPE_LIMITS.type],
    ["subject", "subject", ENVELOPE_LIMITS.subject],
    ["key", "key", ENVELOPE_LIMITS.key],
    ["contentType", "content_type", ENVELOPE_LIMITS.contentType],
    ["dataSchema", "data_schema", ENVELOPE_LIMITS.dataSchema],
  ])("takes %s up to its bound in bytes and no more", (field, name, limit) => {
    for (const length of [limit - 1, limit]) validateEvent({ [field]: "x".repeat(length) });
    const error = errorOf(() => validateEvent({ [field]: "x".repeat(limit + 1) }));
    expect(error).toEqual({ at: `invalid_event events[4].${name}`, message: expect.stringContaining(String(limit)) });
  });

  it("counts bytes, not characters", () => {
    validateEvent({ id: "é".repeat(128) });
    expect(errorOf(() => validateEvent({ id: `${"é".repeat(128)}x` })).at).toBe("invalid_event events[4].id");
  });

  it.each(["id", "source", "type"])("requires %s", (field) => {
    expect(errorOf(() => validateEvent({ [field]: "" })).at).toBe(`invalid_event events[4].${field}`);
  });

  it.each([
    ["a line break", "a\nb"],
    ["DEL", "a\u007f"],
    ["a C1 control character", "a\u0085"],
    ["a noncharacter", "a\ufffe"],
    ["an astral noncharacter", "a\u{1ffff}"],
  ])("refuses %s in text", (_, text) => {
    expect(errorOf(() => validateEvent({ subject: text })).at).toBe("invalid_event events[4].subject");
  });

  it.each([
    ["a lone continuation byte", [0x80]],
    ["an overlong form", [0xc0, 0xaf]],
    ["a surrogate", [0xed, 0xa0, 0x80]],
    ["a truncated character", [0xe2, 0x82]],
  ])("refuses %s", (_, bytes) => {
    const message = new Uint8Array([0x0a, bytes.length, ...bytes, 0x12, 1, 65, 0x1a, 1, 65]);
    expect(errorOf(() => validate(message)).at).toBe("invalid_event events[4].id");
  });

  it("wants a media type in ASCII", () => {
    expect(errorOf(() => validateEvent({ contentType: "text/plaïn" })).at).toBe("invalid_event events[4].content_type");
  });

  it("takes priorities 0 to 9", () => {
    for (const priority of [0, 8, 9]) validateEvent({ priority });
    expect(errorOf(() => validateEvent({ priority: 10 })).at).toBe("invalid_event events[4].priority");
  });

  it.each([7, 0xff])("refuses event class %i, which nobody knows", (number) => {
    const known = encodeEvent(Event.create({ id: "i", source: "s", type: "t" }));
    const unknown = Buffer.concat([
      known,
      new Uint8Array([0x38, (number & 0x7f) | (number > 127 ? 0x80 : 0), ...(number > 127 ? [1] : [])]),
    ]);
    expect(errorOf(() => validate(unknown)).at).toBe("invalid_event events[4].class");
  });

  const flag = { value: { $case: "boolean", value: true } } as const;

  it.each(["", "Upper", "with-dash", "with_underscore", "ä", "__proto__", "x".repeat(65)])(
    "refuses the extension name %j",
    (name) => {
      const error = errorOf(() => validateEvent({ extensions: Object.fromEntries([[name, flag]]) }));
      expect(error.at).toContain("invalid_event events[4].extensions[");
    },
  );

  it.each(["id", "time", "data", "specversion", "partitionkey", "sequence", "eventclass", "priority", "ingestedtime"])(
    "refuses an extension %s, which stands for a field",
    (name) => {
      const error = errorOf(() => validateEvent({ extensions: { [name]: flag } }));
      expect(error).toEqual({
        at: `invalid_event events[4].extensions["${name}"]`,
        message: expect.stringContaining("field"),
      });
    },
  );

  it("takes names of 64 characters, and 64 extensions", () => {
    const many = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`x${index}`, flag]));
    validateEvent({ extensions: { ["x".repeat(63)]: flag, ["x".repeat(64)]: flag } });
    for (const count of [63, 64]) validateEvent({ extensions: many(count) });
    const error = errorOf(() => validateEvent({ extensions: many(65) }));
    expect(error).toEqual({ at: "invalid_event events[4].extensions", message: expect.stringContaining("64") });
  });
});
