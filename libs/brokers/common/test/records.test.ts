/** Events on a foreign log: what is written comes back byte for byte, and what others write is read as CloudEvents say. */
import {
  BatchWriter,
  decodeEvent,
  encodeEvent,
  messageAt,
  type PackedBatch,
  packMessages,
} from "@distribution/core/events";
import { Event, EventClass } from "@distribution/proto-types/distribution/v1/event";
import { batchOf, bytesOf } from "@distribution/testkit/broker";
import { eventArbitrary } from "@distribution/testkit/events";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  fromRecord,
  type IncomingRecord,
  KAFKA_BINDING,
  keyBytesOf,
  NoEventError,
  type OutgoingRecord,
  PACKED_TYPE,
  PULSAR_BINDING,
  type RecordForm,
  toRecords,
} from "../src/index.ts";

const BINDINGS = { kafka: KAFKA_BINDING, pulsar: PULSAR_BINDING };
const FORMS: readonly RecordForm[] = ["packed", "cloudevents", "compacted"];
const CASES = Object.entries(BINDINGS).flatMap(([name, binding]) => FORMS.map((form) => ({ name, form, binding })));

/** As a client that knows properties as text, and that cannot tell no value from an empty one, gives it. */
const asText = ({ headers, value }: OutgoingRecord): IncomingRecord => ({
  headers: headers.map(([name, text]) => [name, Buffer.from(text).toString()]),
  value: value ?? Buffer.alloc(0),
});

const text = (value: Uint8Array | undefined): string | undefined => value && Buffer.from(value).toString();
const headersOf = ({ headers }: OutgoingRecord) =>
  Object.fromEntries(headers.map(([name, value]) => [name, text(value)]));

const batches = fc.array(eventArbitrary(), { minLength: 1, maxLength: 5 });
const stamped = (batch: PackedBatch): PackedBatch => {
  const writer = new BatchWriter();
  for (let event = 0; event < batch.count; event += 1) {
    writer.append(batch.bytes, batch.bounds[2 * event]!, batch.bounds[2 * event + 1]!, 1_770_000_000_123_456_789n);
  }
  return writer.finish();
};

describe.each(CASES)("$name, $form", ({ form, binding }) => {
  const back = (batch: PackedBatch, change = (record: OutgoingRecord): IncomingRecord => record): string[] =>
    toRecords(batch, form, binding).flatMap((record) => {
      const read = fromRecord(change(record), binding);
      expect(read.count).toBe(record.events);
      return bytesOf(read);
    });

  test("gives events back byte for byte, as publishers encode them and as ingest stamps them", () => {
    fc.assert(
      fc.property(batches, (events) => {
        const given = packMessages(events.map((event) => encodeEvent(event)));
        for (const batch of [given, stamped(given)]) {
          expect(back(batch)).toEqual(bytesOf(batch));
          if (!binding.nullValues) expect(back(batch, asText)).toEqual(bytesOf(batch));
        }
      }),
    );
  });

  test("gives bytes back that are no event, or none that an encoder would write", () => {
    const event = encodeEvent(Event.create({ id: "i", source: "/s", type: "t", data: Buffer.from("x") }));
    const odd = [
      [],
      [0xff],
      [0x0a, 0x7f],
      [0x0a, 1, 0xff, ...event],
      [...event, ...event],
      [...event, 0x28, 0],
      [...event, 0x22, 1, 0xff],
      [...event, 0x38, 99],
      [...event, 0x68, 0x80, 0],
      [...event, 0x7a, 1, 65],
      [...event, 0x72, 4, 0x0a, 2, 105, 100],
      [...event, 0x72, 7, 0x0a, 1, 97, 0x12, 2, 0x18, 2],
      [...event, 0x72, 7, 0x0a, 1, 65, 0x12, 2, 0x0a, 0],
    ];
    const batch = packMessages(odd.map((bytes) => Uint8Array.from(bytes)));
    expect(back(batch)).toEqual(bytesOf(batch));
    if (!binding.nullValues) expect(back(batch, asText)).toEqual(bytesOf(batch));
  });

  test("refuses whatever it cannot read by the one name for it", () => {
    const names = fc.constantFrom("content-type", "distribution-events", "distribution-types", "ce_a", "other");
    const attributes = fc.constantFrom(
      "specversion",
      "id",
      "source",
      "type",
      "time",
      "sequence",
      "eventclass",
      "priority",
    );
    const name = fc.oneof(
      names,
      attributes.map((attribute) => binding.prefix + attribute),
    );
    const types = fc.constantFrom(
      PACKED_TYPE,
      "application/cloudevents+json",
      "1.0",
      "1",
      "2026-01-01T00:00:00Z",
      "a=integer",
    );
    const text = fc.oneof(types, fc.string(), fc.uint8Array(), fc.constantFrom(null, undefined));
    const headers = fc.array(fc.tuple(name, text), { maxLength: 8 });
    fc.assert(
      fc.property(headers, fc.option(fc.uint8Array()), (some, value) => {
        try {
          expect(fromRecord({ headers: some, value }, binding).count).toBeGreaterThan(0);
        } catch (failure) {
          expect(failure).toBeInstanceOf(NoEventError);
        }
      }),
      { numRuns: 1000 },
    );
  });

  test("keeps the order of events, and says of each record how many it holds", () => {
    const batch = batchOf(["a", "b", "c"].map((id) => ({ id, key: id })));
    const records = toRecords(batch, form, binding);
    expect(records.map(({ events }) => events)).toEqual(form === "packed" ? [3] : [1, 1, 1]);
  });
});

describe("packed", () => {
  const packed = (keys: readonly string[]) =>
    toRecords(batchOf(keys.map((key, at) => ({ id: `e${at}`, key }))), "packed", KAFKA_BINDING)[0]!;

  test("is the batch's own bytes under a content type, with a count", () => {
    const batch = batchOf([{ id: "a", key: "k" }]);
    const [record] = toRecords(batch, "packed", KAFKA_BINDING);
    expect(record!.value).toBe(batch.bytes);
    expect(headersOf(record!)).toEqual({ "content-type": PACKED_TYPE, "distribution-events": "1" });
    expect(fromRecord(record!, PULSAR_BINDING).bytes, "and it is read without being copied").toBe(batch.bytes);
  });

  test("has a key when all its events have the same", () => {
    expect(text(packed(["k", "k"]).key)).toBe("k");
    expect(packed(["k", "k", "l"]).key).toBeUndefined();
    expect(packed(["k", ""]).key).toBeUndefined();
    expect(packed(["", ""]).key).toBeUndefined();
  });

  test("is read without its count", () => {
    const { value } = packed(["a", "b"]);
    expect(fromRecord({ headers: [["content-type", PACKED_TYPE]], value }, KAFKA_BINDING).count).toBe(2);
  });

  test.each([
    ["another count", [["distribution-events", "2"]], batchOf([{ id: "a", key: "k" }]).bytes],
    ["a count that no memory holds", [["distribution-events", "4000000000"]], batchOf([{ id: "a", key: "k" }]).bytes],
    ["a count that is none", [["distribution-events", "x"]], batchOf([{ id: "a", key: "k" }]).bytes],
    ["no value", [], null],
    ["an empty value", [], new Uint8Array(0)],
    ["a value that is no batch", [], Uint8Array.of(0x12, 1, 1)],
  ] as const)("is refused with %s", (_, headers, value) => {
    expect(() => fromRecord({ headers: [["content-type", PACKED_TYPE], ...headers], value }, KAFKA_BINDING)).toThrow(
      NoEventError,
    );
  });
});

describe("CloudEvents", () => {
  const event = Event.create({
    ...{ id: "i", source: "/s", type: "t", subject: "süß", key: "k", time: 1_770_000_000_500_000_000n, sequence: 7n },
    ...{ class: EventClass.TRADE, contentType: "application/json", data: Buffer.from("{}"), priority: 3 },
    ...{ dataSchema: "urn:x", ingested: 1n },
    extensions: {
      a: { value: { $case: "text", value: "ä" } },
      b: { value: { $case: "integer", value: -5 } },
      c: { value: { $case: "boolean", value: true } },
    },
  });
  const one = (change: Partial<Event>, form: RecordForm, binding = KAFKA_BINDING): OutgoingRecord =>
    toRecords(packMessages([encodeEvent({ ...event, ...change })]), form, binding)[0]!;

  test.each(Object.values(BINDINGS))(
    "are headers with the prefix $prefix, the key, and the data as the value",
    (binding) => {
      const record = one({}, "cloudevents", binding);
      const { prefix } = binding;
      expect(text(record.key)).toBe("k");
      expect(text(record.value!)).toBe("{}");
      expect(headersOf(record)).toEqual({
        "distribution-types": "b=integer c=boolean",
        "content-type": "application/json",
        [`${prefix}specversion`]: "1.0",
        [`${prefix}id`]: "i",
        [`${prefix}source`]: "/s",
        [`${prefix}type`]: "t",
        [`${prefix}subject`]: "süß",
        [`${prefix}time`]: "2026-02-02T02:40:00.5Z",
        [`${prefix}partitionkey`]: "k",
        [`${prefix}eventclass`]: "trade",
        [`${prefix}dataschema`]: "urn:x",
        [`${prefix}sequence`]: "7",
        [`${prefix}ingestedtime`]: "1970-01-01T00:00:00.000000001Z",
        [`${prefix}priority`]: "3",
        [`${prefix}a`]: "ä",
        [`${prefix}b`]: "-5",
        [`${prefix}c`]: "true",
      });
    },
  );

  test("have no value without data on Kafka; where that would delete the key, or cannot be told, the event lies packed", () => {
    const type = (record: OutgoingRecord) => headersOf(record)["content-type"];
    const absent = { data: undefined };
    expect(one(absent, "cloudevents")).toMatchObject({ value: null });
    expect(type(one(absent, "compacted"))).toBe(PACKED_TYPE);
    expect(type(one(absent, "cloudevents", PULSAR_BINDING))).toBe(PACKED_TYPE);
    const empty = { data: Buffer.alloc(0) };
    expect(one(empty, "compacted").value).toHaveLength(0);
    expect(one(empty, "cloudevents", PULSAR_BINDING).value).toHaveLength(0);
    expect(type(one(empty, "compacted", PULSAR_BINDING))).toBe(PACKED_TYPE);
    expect(text(one(absent, "compacted").key), "under its key").toBe("k");
  });

  test("of compacted topics always have a key, their own where the event has none", () => {
    const key = (change: Partial<Event>) => one({ key: "", ...change }, "compacted").key;
    expect(one({ key: "" }, "cloudevents").key).toBeUndefined();
    expect(key({})).toBeDefined();
    expect(key({ id: "other" })).not.toEqual(key({}));
    expect(key({ source: "other" })).not.toEqual(key({}));
    expect(key({ subject: "other" })).toEqual(key({}));
    const broken = packMessages([Uint8Array.of(0xff)]);
    expect(toRecords(broken, "compacted", KAFKA_BINDING)[0]!.key).toEqual(Buffer.of(0, 0xff));
  });

  const foreign = (attributes: Record<string, string | null>, value: string | null = "x") => {
    const all = { ce_specversion: "1.0", ce_id: "i", ce_source: "/s", ce_type: "t", ...attributes };
    const bytes = (said: string | null) => (said === null ? null : Buffer.from(said));
    const headers = Object.entries(all).map(([name, said]): [string, Buffer | null] => [name, bytes(said)]);
    const incoming = { headers, value: bytes(value) };
    const batch = fromRecord(incoming, KAFKA_BINDING);
    expect(batch.count).toBe(1);
    return decodeEvent(messageAt(batch, 0));
  };

  test("that others write are read: unknown attributes are extensions, other headers are nothing to us", () => {
    const read = foreign({
      ce_custom: "1",
      ce_Odd: "2",
      trace: "3",
      ce_nothing: null,
      ce_datacontenttype: "text/plain",
    });
    expect(read).toMatchObject({ id: "i", source: "/s", type: "t", contentType: "text/plain", data: Buffer.from("x") });
    expect(read.extensions).toEqual({ custom: { value: { $case: "text", value: "1" } } });
    expect(foreign({}, null).data).toBeUndefined();
  });

  test("may be as long as they like", () => {
    for (const length of [100, 127, 128, 16_383, 16_384, 2_097_152]) {
      const long = "x".repeat(length);
      const read = foreign({ ce_subject: long, ce_extension: long }, long);
      expect([read.subject.length, read.data?.length]).toEqual([length, length]);
      expect(read.extensions).toEqual({ extension: { value: { $case: "text", value: long } } });
    }
  });

  test("may have many extensions", () => {
    const names = Array.from({ length: 60 }, (_, at) => `e${at}`);
    const { extensions } = foreign(Object.fromEntries(names.map((name) => [`ce_${name}`, name])), "");
    expect(Object.keys(extensions)).toEqual(names);
    expect(extensions["e59"]).toEqual({ value: { $case: "text", value: "e59" } });
  });

  test("that others write structured are read", () => {
    const json = `{"specversion":"1.0","id":"i","source":"/s","type":"t","partitionkey":"k","data":{"a":1}}`;
    const read = (type: string, value: string | null) =>
      fromRecord(
        { headers: [["content-type", type]], value: value === null ? null : Buffer.from(value) },
        KAFKA_BINDING,
      );
    const batch = read("Application/CloudEvents+JSON; charset=UTF-8", json);
    expect(text(keyBytesOf(batch, 0))).toBe("k");
    expect(decodeEvent(messageAt(batch, 0))).toMatchObject({ id: "i", data: Buffer.from(`{"a":1}`) });
    expect(() => read("application/cloudevents+avro", json)).toThrow(/only \+json/);
    expect(() => read("application/cloudevents+json", "{}")).toThrow(NoEventError);
    expect(() => read("application/cloudevents+json", null)).toThrow(NoEventError);
  });

  test.each([
    ["no headers", { ce_specversion: null, ce_id: null, ce_source: null, ce_type: null }, /lacks one of the headers/],
    ["another version", { ce_specversion: "0.3" }, /ce_specversion 1\.0/],
    ["no id", { ce_id: null }, /ce_id/],
    ["an empty type", { ce_type: "" }, /ce_type/],
    ["a time that is none", { ce_time: "yesterday" }, /RFC 3339/],
    ["the first instant of 1970, which means that none is stated", { ce_time: "1970-01-01T00:00:00Z" }, /1970/],
    ["a sequence that is none", { ce_sequence: "-1" }, /sequence is "-1"/],
    ["a sequence that is too large", { ce_sequence: "18446744073709551616" }, /sequence/],
    ["a class that is none", { ce_eventclass: "rumour" }, /eventclass/],
  ])("with %s are refused by name", (_, headers, reason) => {
    expect(() => foreign(headers)).toThrow(NoEventError);
    expect(() => foreign(headers)).toThrow(reason);
  });
});
