/** Runs of records, against what is made of each record alone. */
import { encodeEvent, packMessages } from "@distribution/core/events";
import { Event } from "@distribution/proto-types/distribution/v1/event";
import { bytesOf } from "@distribution/testkit/broker";
import { eventArbitrary } from "@distribution/testkit/events";
import fc from "fast-check";
import { expect, test } from "vitest";
import { EventRun, fromRecord, KAFKA_BINDING, type LyingRecord, PACKED_TYPE, toRecords } from "../src/index.ts";

interface Given {
  readonly headers: readonly (readonly [name: string, value: Uint8Array | null])[];
  readonly value: Uint8Array | null;
}

/** Among other bytes, as records lie in a log. */
function lay({ headers, value }: Given): LyingRecord {
  const parts: Uint8Array[] = [Buffer.from("before")];
  const places: number[] = [];
  let size = 6;
  const put = (bytes: Uint8Array | null): void => {
    places.push(bytes === null ? -1 : size, size + (bytes?.length ?? 0));
    parts.push(bytes ?? new Uint8Array(0));
    size += bytes?.length ?? 0;
  };
  for (const [name, said] of headers) {
    put(Buffer.from(name));
    put(said);
  }
  const headersSize = size - 6;
  put(value);
  return {
    bytes: Buffer.concat([...parts, Buffer.from("behind")]),
    ...{ headersSize, valueFrom: places.at(-2)!, valueTo: places.at(-1)! },
    layHeaders(into) {
      if (4 * headers.length > into.length) return -1;
      into.set(places.slice(0, -2));
      return headers.length;
    },
  };
}

/** Every record through one run; those that it does not take, alone. */
function throughRun(records: readonly Given[]): string[] {
  const run = new EventRun(KAFKA_BINDING);
  const events: string[] = [];
  const take = (): void => void (run.count > 0 && events.push(...bytesOf(run.take())));
  for (const record of records) {
    let added = run.add(lay(record));
    if (added === "full") {
      take();
      added = run.add(lay(record));
      expect(added).not.toBe("full");
    }
    if (added === "added") continue;
    take();
    events.push(...bytesOf(fromRecord(record, KAFKA_BINDING)));
  }
  take();
  return events;
}

const EVENT = Event.create({ id: "i", source: "/s", type: "t", key: "k", data: Buffer.from("x") });
const events = fc.array(eventArbitrary(), { minLength: 1, maxLength: 20 });
const dates = { time: 1_770_000_000_123_456_789n, ingested: 1_770_000_000_123_000_000n };

test("what records of many kinds of events hold comes out of a run byte for byte", () => {
  fc.assert(
    fc.property(events, fc.boolean(), (some, isDated) => {
      const batch = packMessages(some.map((event) => encodeEvent({ ...event, ...(isDated && dates) })));
      expect(throughRun(toRecords(batch, "cloudevents", KAFKA_BINDING))).toEqual(bytesOf(batch));
    }),
    { numRuns: 300 },
  );
});

test("headers in any order, twice, without a value, and of others are read as in a record alone", () => {
  const names = ["specversion", "id", "source", "type", "time", "sequence", "priority", "datacontenttype", "own"];
  const name = fc.oneof(
    fc.constantFrom("content-type", "other", "ce_UPPER", "distribution-types"),
    fc.constantFrom(...names).map((attribute) => `ce_${attribute}`),
  );
  const value = fc.constantFrom("1.0", "1", "0", "", "2026-01-01T00:00:00Z", "own=integer", PACKED_TYPE, "text/plain");
  const bytes = fc.option(value.map((said): Uint8Array => Buffer.from(said)));
  const required = ["specversion", "id", "source", "type"].map(
    (attribute) => [`ce_${attribute}`, Buffer.from("1.0")] as const,
  );
  const record = fc.record({
    headers: fc
      .array(fc.tuple(name, bytes), { maxLength: 6 })
      .chain((more) => fc.shuffledSubarray([...required, ...more], { minLength: required.length })),
    value: fc.option(fc.uint8Array({ maxLength: 100 })),
  });
  const readable = record.filter((one) => {
    try {
      return fromRecord(one, KAFKA_BINDING).count > 0;
    } catch {
      return false;
    }
  });
  fc.assert(
    fc.property(fc.array(readable, { minLength: 1, maxLength: 10 }), (records) => {
      expect(throughRun(records)).toEqual(records.flatMap((one) => bytesOf(fromRecord(one, KAFKA_BINDING))));
    }),
    { numRuns: 300 },
  );
});

test("what is no event in binary mode is left to whoever reads records alone, and the run goes on", () => {
  const good = toRecords(packMessages([encodeEvent(EVENT)]), "cloudevents", KAFKA_BINDING)[0]!;
  const run = new EventRun(KAFKA_BINDING);
  const add = (given: Given) => run.add(lay(given));
  const many = Array.from({ length: 33 }, (_, at) => [`h${at}`, Buffer.from("x")] as const);
  expect(add(good)).toBe("added");
  expect(add({ headers: [["content-type", Buffer.from(PACKED_TYPE)]], value: Buffer.from("x") })).toBe("other");
  expect(add({ headers: [], value: null })).toBe("other");
  expect(add({ ...good, headers: [...good.headers, ["ce_time", Buffer.from("no time")]] })).toBe("other");
  expect(add({ ...good, headers: [...good.headers, ...many] })).toBe("other");
  expect(add(good)).toBe("added");
  expect(bytesOf(run.take())).toEqual([good, good].flatMap((one) => bytesOf(fromRecord(one, KAFKA_BINDING))));
});

test("a run that has no room is taken first; an event larger than any run is one of its own", () => {
  const of = (size: number): Given => ({
    headers: toRecords(packMessages([encodeEvent(EVENT)]), "cloudevents", KAFKA_BINDING)[0]!.headers,
    value: Buffer.alloc(size, "x"),
  });
  const run = new EventRun(KAFKA_BINDING);
  for (const size of [10, 100_000]) {
    let added = 0;
    while (run.add(lay(of(size))) === "added") added += 1;
    expect(added).toBe(size === 10 ? run.count : 1);
    expect(bytesOf(run.take())).toHaveLength(added);
  }
});
