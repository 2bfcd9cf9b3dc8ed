/** Python systems (librdkafka) and our broker on the same topics, both ways. */
import { join } from "node:path";
import { createKafkaBroker } from "@distribution/broker-kafka";
import { type Kafka, type Python, preparePython, startKafka } from "@distribution/brokers";
import type { Broker } from "@distribution/core/brokers";
import { decodeEvent, messageAt, packEvents, walkBatch } from "@distribution/core/events";
import { Event, EventClass } from "@distribution/proto-types/distribution/v1/event";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const CLIENT = join(import.meta.dirname, "interop/client.py");
const COMPRESSIONS = ["none", "gzip", "snappy", "lz4", "zstd"] as const;

let kafka: Kafka;
let python: Python;
let topics = 0;

beforeAll(async () => {
  [kafka, python] = await Promise.all([startKafka(), preparePython(["confluent-kafka==2.12.2"])]);
}, 300_000);
afterAll(async () => {
  await kafka.remove();
});

interface PythonRecord {
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: readonly (readonly [string, string | null])[];
}

const text = (base64: string | null | undefined): string => Buffer.from(base64 ?? "", "base64").toString();

const eventOf = (number: number): Event =>
  Event.create({
    ...{ id: `e${number}`, source: "/oms/zürich", type: "execution.fill.v1", key: `k${number % 3}` },
    ...{ class: EventClass.TRADE, time: 1_700_000_000_123_456_789n, sequence: 9_007_199_254_740_993n },
    ...{ contentType: "application/json", data: Buffer.from(`{"price":"${number}.25","note":"größer"}`) },
    extensions: { desk: { value: { $case: "text", value: "Zürich ⚖" } } },
  });

async function using<T>(
  options: Partial<Parameters<typeof createKafkaBroker>[0]>,
  use: (broker: Broker, topic: string) => Promise<T>,
): Promise<T> {
  const broker = await createKafkaBroker({ brokers: [kafka.bootstrap], ...options });
  try {
    topics += 1;
    const topic = `interop.t-${topics}`;
    await broker.admin.ensureTopic({ name: topic, partitions: 1, retention: {}, compaction: false });
    return await use(broker, topic);
  } finally {
    await broker.close();
  }
}

async function eventsOf(broker: Broker, topic: string, count: number): Promise<Event[]> {
  const reader = await broker.read(topic, 0, { at: "earliest" });
  const events: Event[] = [];
  while (events.length < count) {
    for (const { batch } of await reader.next(1 << 20)) {
      for (let at = 0; at < batch.count; at += 1) events.push(decodeEvent(messageAt(batch, at)));
    }
  }
  await reader.close();
  return events;
}

describe.each(COMPRESSIONS)("with compression %s", (compression) => {
  const events = Array.from({ length: 40 }, (_, at) => eventOf(at));

  test("Python reads the CloudEvents that our broker wrote", async () => {
    await using({ compression, recordsOf: () => "cloudevents" }, async (broker, topic) => {
      await broker.append([{ topic, partition: 0, batch: packEvents(events) }]);
      const read = (await python(CLIENT, {
        do: "read",
        bootstrap: kafka.bootstrap,
        topic,
        count: 40,
      })) as PythonRecord[];
      expect(read.map(({ key, value }) => [text(key), text(value)])).toEqual(
        events.map(({ key, data }) => [key, Buffer.from(data!).toString()]),
      );
      expect(Object.fromEntries(read[7]!.headers.map(([name, value]) => [name, text(value)]))).toMatchObject({
        ...{ ce_specversion: "1.0", ce_id: "e7", ce_source: "/oms/zürich", ce_type: "execution.fill.v1" },
        ...{ ce_time: "2023-11-14T22:13:20.123456789Z", ce_sequence: "9007199254740993", ce_desk: "Zürich ⚖" },
        "content-type": "application/json",
      });
    });
  });

  test("Python reads the packed batch that our broker wrote", async () => {
    await using({ compression }, async (broker, topic) => {
      await broker.append([{ topic, partition: 0, batch: packEvents(events) }]);
      const [record] = (await python(CLIENT, {
        ...{ do: "read", bootstrap: kafka.bootstrap, topic, count: 1 },
      })) as PythonRecord[];
      const headers = new Map(record!.headers.map(([name, value]) => [name, text(value)]));
      expect(headers.get("content-type")).toBe("application/vnd.distribution.event-batch+protobuf");
      expect(headers.get("distribution-events")).toBe("40");
      const batch = walkBatch(Buffer.from(record!.value!, "base64"), { maxEvents: 100, maxEventBytes: 10_000 });
      expect(Array.from({ length: 40 }, (_, at) => decodeEvent(messageAt(batch, at)))).toEqual(events);
    });
  });

  test("our broker reads the CloudEvents, binary and structured, that Python wrote in batches", async () => {
    const structured = { specversion: "1.0", id: "s", source: "/py", type: "t.v1", data: { a: 1 }, partitionkey: "k" };
    const binary = Array.from({ length: 100 }, (_, at) => ({
      key: `k${at % 5}`,
      value: Buffer.from(`{"n":${at}}`).toString("base64"),
      headers: [
        ...[
          ["ce_specversion", "1.0"],
          ["ce_id", `p${at}`],
          ["ce_source", "/py/ü"],
          ["ce_type", "t.v1"],
        ],
        ...[
          ["ce_time", "2026-01-31T09:30:00.5Z"],
          ["content-type", "application/json"],
          ["ce_desk", "東京"],
        ],
      ],
    }));
    const records = [
      ...binary,
      {
        headers: [["content-type", "application/cloudevents+json; charset=UTF-8"]],
        value: Buffer.from(JSON.stringify(structured)).toString("base64"),
      },
    ];
    await using({}, async (broker, topic) => {
      const written = await python(CLIENT, { do: "write", bootstrap: kafka.bootstrap, topic, records, compression });
      expect(written).toEqual({ failures: [], unsent: 0 });
      const read = await eventsOf(broker, topic, 101);
      expect(read.map(({ id }) => id)).toEqual([...binary.map((_, at) => `p${at}`), "s"]);
      expect(read[42]).toMatchObject({
        ...{ source: "/py/ü", type: "t.v1", time: 1_769_851_800_500_000_000n, contentType: "application/json" },
        extensions: { desk: { value: { $case: "text", value: "東京" } } },
      });
      expect(Buffer.from(read[42]!.data!).toString()).toBe('{"n":42}');
      expect(read[100]).toMatchObject({ id: "s", key: "k", contentType: "application/json" });
    });
  });
});
