import { create, toBinary } from "@bufbuild/protobuf";
import { Event } from "@distribution/proto-types/distribution/v1/event";
import { eventArbitrary, jsonTextArbitrary, textArbitrary, tradeMessage } from "@distribution/testkit/events";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  cloudEventToEvent,
  createCloudEventWriter,
  createEnvelope,
  createPayloadCodec,
  encodeEvent,
  eventsToCloudEventBatch,
  eventToCloudEvent,
  formatTime,
  packEvents,
  parseCloudEvent,
  parseCloudEventBatch,
  validateEnvelope,
} from "../../src/events/index.ts";
import { errorOf } from "./errors.ts";

const REQUIRED = { specversion: "1.0", id: "i", source: "s", type: "t" };
const codec = createPayloadCodec(tradeMessage);

function toObject(event: Event, options = {}): Record<string, unknown> {
  return JSON.parse(eventToCloudEvent(encodeEvent(event), options));
}

function event(fields: Partial<Event>): Event {
  return { ...Event.create({ id: "i", source: "s", type: "t" }), ...fields };
}

describe("an event as CloudEvents JSON", () => {
  it("comes back as it was, byte for byte", () => {
    fc.assert(
      fc.property(eventArbitrary(), (sent) => {
        expect(parseCloudEvent(eventToCloudEvent(encodeEvent(sent)))).toEqual(sent);
      }),
      { numRuns: 300 },
    );
  });

  it("comes back as it was in a batch, and read from a shared buffer", () => {
    fc.assert(
      fc.property(fc.array(eventArbitrary(), { maxLength: 4 }), (sent) => {
        const text = eventsToCloudEventBatch(sent.map((one) => encodeEvent(one)));
        expect(parseCloudEventBatch(Buffer.from(text), { maxEvents: 4 })).toEqual(sent);
        const batch = packEvents(sent);
        const writer = createCloudEventWriter();
        const texts = sent.map((_, index) =>
          writer.write(batch.bytes, batch.bounds[2 * index]!, batch.bounds[2 * index + 1]!),
        );
        expect(`[${texts.join(",")}]`).toBe(text);
      }),
      { numRuns: 50 },
    );
  });

  it("has the attributes of CloudEvents and its extensions", () => {
    const full = event({
      subject: "sub",
      time: 1_700_000_000_000_000_001n,
      key: "BTC",
      class: "EVENT_CLASS_TRADE",
      contentType: "application/json",
      data: Buffer.from('{"n": 12345678901234567890.10}'),
      dataSchema: "urn:x",
      sequence: 2n ** 64n - 1n,
      ingested: 1n,
      priority: 9,
      extensions: {
        flag: { value: { $case: "boolean", value: false } },
        level: { value: { $case: "integer", value: -1 } },
      },
    });
    expect(eventToCloudEvent(encodeEvent(full))).toBe(
      '{"specversion":"1.0","id":"i","source":"s","type":"t","subject":"sub","time":"2023-11-14T22:13:20.000000001Z",' +
        '"dataschema":"urn:x","partitionkey":"BTC","sequence":"18446744073709551615","eventclass":"trade","priority":9,' +
        '"ingestedtime":"1970-01-01T00:00:00.000000001Z","flag":false,"level":-1,' +
        '"datacontenttype":"application/json","data":{"n": 12345678901234567890.10}}',
    );
  });

  it("escapes what JSON must escape", () => {
    expect(toObject(event({ id: 'a"b\\c', subject: "日本\u{1f600}" }))).toMatchObject({
      id: 'a"b\\c',
      subject: "日本\u{1f600}",
    });
  });

  it("leaves out what is not stated", () => {
    expect(toObject(event({}))).toEqual(REQUIRED);
  });

  it("tells absent, empty and null data apart", () => {
    expect(toObject(event({ data: undefined }))).not.toHaveProperty("data_base64");
    expect(toObject(event({ data: Buffer.alloc(0) }))).toMatchObject({ data_base64: "" });
    expect(toObject(event({ data: Buffer.from("null"), contentType: "application/json" }))).toMatchObject({
      data: null,
    });
    expect(parseCloudEvent(JSON.stringify(REQUIRED)).data).toBeUndefined();
    expect(parseCloudEvent(JSON.stringify({ ...REQUIRED, data_base64: "" })).data).toHaveLength(0);
    expect(parseCloudEvent(JSON.stringify({ ...REQUIRED, data_base64: null })).data).toBeUndefined();
    const data = parseCloudEvent(JSON.stringify({ ...REQUIRED, data: null }));
    expect([data.data?.toString(), data.contentType]).toEqual(["null", "application/json"]);
  });

  it("carries data that only claims to be JSON as base64", () => {
    for (const data of ['{"a":1}}', "", '{"a":1,"a":2}', "\xff"]) {
      const object = toObject(event({ contentType: "application/json", data: Buffer.from(data, "latin1") }));
      expect(Buffer.from(object["data_base64"] as string, "base64").toString("latin1")).toBe(data);
    }
  });

  it("embeds JSON unseen when told that ingest has seen it", () => {
    const message = encodeEvent(event({ contentType: "application/json", data: Buffer.from("{a}") }));
    expect(eventToCloudEvent(message, { trusted: true })).toContain('"data":{a}}');
  });

  it("turns protobuf data into JSON with the topic's codec, and says so", () => {
    const data = Buffer.from(toBinary(tradeMessage, create(tradeMessage, { symbol: "BTC", sequence: 5n } as never)));
    const trade = event({ contentType: "application/protobuf", data });
    expect(toObject(trade, { codec })).toEqual({
      ...REQUIRED,
      datacontenttype: "application/json",
      data: { symbol: "BTC", sequence: "5" },
    });
    expect(toObject(trade)).toMatchObject({
      datacontenttype: "application/protobuf",
      data_base64: data.toString("base64"),
    });
  });

  it("carries protobuf that does not fit the codec as it is", () => {
    const object = toObject(event({ contentType: "application/protobuf", data: Buffer.from([0x0a, 9]) }), { codec });
    expect(object).toMatchObject({ datacontenttype: "application/protobuf", data_base64: "Cgk=" });
  });
});

describe("CloudEvents JSON as an event", () => {
  const time = fc
    .bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
    .filter((ns) => ns !== 0n)
    .map(formatTime);
  const attributes = {
    subject: textArbitrary(1, 200),
    time,
    dataschema: textArbitrary(1, 200),
    partitionkey: textArbitrary(1, 200),
    sequence: fc.bigInt({ min: 1n, max: 2n ** 64n - 1n }).map(String),
    eventclass: fc.constantFrom("quote", "trade", "order", "alert", "state", "book"),
    priority: fc.integer({ min: 1, max: 9 }),
    ingestedtime: time,
    flag: fc.boolean(),
    level: fc.integer(),
    note: textArbitrary(0, 200),
    nothing: fc.constant(null),
  };
  const data = fc.oneof(
    fc.record({ datacontenttype: fc.constant("application/json"), data: fc.jsonValue({ maxDepth: 3 }) }),
    fc.record({ data: fc.jsonValue({ maxDepth: 3 }) }),
    fc.record({
      datacontenttype: fc.constant("text/plain"),
      data: fc.string({ unit: "binary" }).filter((t) => !t.includes("\ufffd")),
    }),
    fc.record({
      datacontenttype: fc.constantFrom("image/png", ""),
      data_base64: fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes).toString("base64")),
    }),
    fc.record({}),
  );

  it("comes back with the same meaning", () => {
    fc.assert(
      fc.property(fc.record(attributes, { requiredKeys: [] }), data, (optional, payload) => {
        fc.pre(!JSON.stringify(payload).includes("__proto__"));
        const { datacontenttype, ...rest } = payload as Record<string, unknown>;
        const type = datacontenttype === "" ? {} : { datacontenttype };
        const sent = JSON.parse(JSON.stringify({ ...REQUIRED, ...optional, ...rest, ...type }));
        const { nothing: _, ...expected } = sent;
        // No type and JSON data mean application/json.
        if ("data" in sent && !("datacontenttype" in sent)) expected.datacontenttype = "application/json";
        for (const read of [cloudEventToEvent(sent), parseCloudEvent(JSON.stringify(sent))]) {
          expect(toObject(read)).toEqual(expected);
          const bytes = encodeEvent(read);
          const envelope = createEnvelope();
          envelope.read(bytes, 0, bytes.length);
          validateEnvelope(envelope);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("keeps JSON data character for character", () => {
    fc.assert(
      fc.property(jsonTextArbitrary, (json) => {
        const text = ` {"data" : ${json} , "specversion":"1.0","id":"data\\"","source":"{","type":"]"}`;
        expect(parseCloudEvent(text).data?.toString()).toBe(json.trim());
      }),
    );
  });

  it.each([
    ["no object", [], ""],
    ["null", null, ""],
    ["no version", { id: "i", source: "s", type: "t" }, ".specversion"],
    ["version 0.3", { ...REQUIRED, specversion: "0.3" }, ".specversion"],
    ["a version that is a number", { ...REQUIRED, specversion: 1 }, ".specversion"],
    ["no id", { ...REQUIRED, id: undefined }, ".id"],
    ["an id that is null", { ...REQUIRED, id: null }, ".id"],
    ["an empty source", { ...REQUIRED, source: "" }, ".source"],
    ["a type that is a number", { ...REQUIRED, type: 5 }, ".type"],
    ["an id that is too long", { ...REQUIRED, id: "x".repeat(257) }, ".id"],
    ["a line break in an id", { ...REQUIRED, id: "a\nb" }, ".id"],
    ["a lone surrogate", { ...REQUIRED, subject: "\ud800" }, ".subject"],
    ["an empty subject", { ...REQUIRED, subject: "" }, ".subject"],
    ["a time that is none", { ...REQUIRED, time: "now" }, ".time"],
    ["a time that is a number", { ...REQUIRED, time: 5 }, ".time"],
    ["a media type beyond ASCII", { ...REQUIRED, datacontenttype: "ä/b" }, ".datacontenttype"],
    ["a sequence as a number", { ...REQUIRED, sequence: 5 }, ".sequence"],
    ["a sequence with leading zeros", { ...REQUIRED, sequence: "05" }, ".sequence"],
    ["a sequence over 64 bits", { ...REQUIRED, sequence: "18446744073709551616" }, ".sequence"],
    ["an unknown class", { ...REQUIRED, eventclass: "rumour" }, ".eventclass"],
    ["a class that is a number", { ...REQUIRED, eventclass: 1 }, ".eventclass"],
    ["priority 10", { ...REQUIRED, priority: 10 }, ".priority"],
    ["a negative priority", { ...REQUIRED, priority: -1 }, ".priority"],
    ["a priority as text", { ...REQUIRED, priority: "5" }, ".priority"],
    ["an extension with a fraction", { ...REQUIRED, level: 1.5 }, ".level"],
    ["an extension beyond 32 bits", { ...REQUIRED, level: 2 ** 31 }, ".level"],
    ["an extension that is an object", { ...REQUIRED, level: {} }, ".level"],
    ["an extension with a control character", { ...REQUIRED, note: "\u0000" }, ".note"],
    ["an extension name with a dash", { ...REQUIRED, "x-y": 1 }, '["x-y"]'],
    ["both kinds of data", { ...REQUIRED, data: 1, data_base64: "" }, ".data_base64"],
    ["base64 that is none", { ...REQUIRED, data_base64: "A" }, ".data_base64"],
    ["base64 that is a number", { ...REQUIRED, data_base64: 1 }, ".data_base64"],
    ["protobuf as JSON", { ...REQUIRED, datacontenttype: "application/protobuf", data: {} }, ".data"],
    ["text that is an object", { ...REQUIRED, datacontenttype: "text/plain", data: {} }, ".data"],
    ["text with a lone surrogate", { ...REQUIRED, datacontenttype: "text/plain", data: "\ud800" }, ".data"],
  ])("refuses %s, at its path", (_, value, path) => {
    expect(errorOf(() => cloudEventToEvent(value, 3)).at).toBe(`invalid_event events[3]${path}`);
    expect(errorOf(() => parseCloudEvent(JSON.stringify(value), 3)).at).toBe(`invalid_event events[3]${path}`);
  });

  it("takes 64 extensions and no more", () => {
    const many = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`x${index}`, index]));
    for (const count of [63, 64])
      expect(Object.keys(cloudEventToEvent({ ...REQUIRED, ...many(count) }).extensions)).toHaveLength(count);
    expect(errorOf(() => cloudEventToEvent({ ...REQUIRED, ...many(65) })).message).toContain("64");
  });

  it("takes data of 64 levels and no more, in every mode", () => {
    const text = (levels: number) =>
      `{"specversion":"1.0","id":"i","source":"s","type":"t","data":${"[".repeat(levels)}${"]".repeat(levels)}}`;
    for (const levels of [63, 64]) {
      cloudEventToEvent(JSON.parse(text(levels)));
      parseCloudEvent(text(levels));
      parseCloudEventBatch(`[${text(levels)}]`, { maxEvents: 1 });
    }
    expect(errorOf(() => cloudEventToEvent(JSON.parse(text(65)))).at).toContain("event.data[0]");
    expect(errorOf(() => parseCloudEvent(text(65))).at).toContain("event.data[0]");
    expect(errorOf(() => parseCloudEvent(text(100_000))).at).toContain("event.data[0]");
    expect(errorOf(() => parseCloudEventBatch(`[${text(65)}]`, { maxEvents: 1 })).at).toContain("events[0].data[0]");
  });

  it("refuses __proto__ as an attribute and in data", () => {
    const start = '{"specversion":"1.0","id":"i","source":"s","type":"t"';
    expect(errorOf(() => parseCloudEvent(`${start},"__proto__":"x"}`)).at).toBe("invalid_event event");
    expect(errorOf(() => cloudEventToEvent(JSON.parse(`${start},"__proto__":"x"}`))).at).toBe(
      'invalid_event event["__proto__"]',
    );
    expect(errorOf(() => cloudEventToEvent(JSON.parse(`${start},"data":{"__proto__":1}}`))).at).toBe(
      "invalid_event event.data",
    );
  });

  it("refuses an inherited version", () => {
    expect(errorOf(() => cloudEventToEvent(Object.create(REQUIRED))).at).toBe("invalid_event event.specversion");
  });

  it.each([
    ["text that is no JSON", "{", "event"],
    ["an attribute that comes twice", '{"id":"a","id":"b"}', "event.id"],
  ])("refuses %s", (_, text, path) => {
    expect(errorOf(() => parseCloudEvent(text)).at).toBe(`invalid_event ${path}`);
  });

  it("refuses bytes that are not UTF-8", () => {
    expect(errorOf(() => parseCloudEvent(new Uint8Array([0x7b, 0xff, 0x7d]))).at).toBe("invalid_event event");
  });

  it("takes batches of up to maxEvents events", () => {
    const text = (count: number) =>
      ` [ ${Array.from({ length: count }, () => JSON.stringify(REQUIRED)).join(" , ")} ] `;
    for (const count of [0, 2, 3]) expect(parseCloudEventBatch(text(count), { maxEvents: 3 })).toHaveLength(count);
    expect(errorOf(() => parseCloudEventBatch(text(4), { maxEvents: 3 }))).toEqual({
      at: "batch_too_large events",
      message: expect.stringContaining("3"),
    });
    expect(errorOf(() => parseCloudEventBatch("{}", { maxEvents: 3 })).at).toBe("invalid_event events");
    expect(errorOf(() => parseCloudEventBatch('[{"specversion":"1.0"}]', { maxEvents: 3 })).at).toBe(
      "invalid_event events[0].id",
    );
  });
});
