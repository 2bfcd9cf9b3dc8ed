/** What others do to our topics, and what lies on them that is not ours. */
import { open, readdir } from "node:fs/promises";
import { join } from "node:path";
import { createKafkaBroker, type KafkaBrokerOptions } from "@distribution/broker-kafka";
import { type Kafka, startKafka } from "@distribution/brokers";
import type { Broker, TopicConfig } from "@distribution/core/brokers";
import { batchOf, bytesOf, readEvents } from "@distribution/testkit/broker";
import { Producer } from "@platformatic/kafka";
import { afterAll, beforeAll, expect, test } from "vitest";

let kafka: Kafka;
let broker: Broker;
let other: Broker;

const openBroker = (options: Partial<KafkaBrokerOptions> = {}): Promise<Broker> =>
  createKafkaBroker({ brokers: [kafka.bootstrap], ...options });

beforeAll(async () => {
  kafka = await startKafka();
  broker = await openBroker();
  other = await openBroker();
});
afterAll(async () => {
  await broker.close();
  await other.close();
  await kafka.remove();
});

const ensure = (name: string, config: Partial<TopicConfig> = {}, by = broker): Promise<void> =>
  by.admin.ensureTopic({ name, partitions: 1, retention: {}, compaction: false, ...config });

const append = async (topic: string, ids: readonly string[], partition = 0, by = broker): Promise<void> => {
  await by.append([{ topic, partition, batch: batchOf(ids.map((id) => ({ id, key: id }))) }]);
};

const readIds = async (topic: string, count: number, by = broker): Promise<string[]> => {
  const reader = await by.read(topic, 0, { at: "earliest" });
  const ids = (await readEvents(reader, count)).map(({ id }) => id);
  await reader.close();
  return ids;
};

test("partitions that somebody else adds are appended to at once", async () => {
  await ensure("others.grown");
  await append("others.grown", ["a"]);
  await ensure("others.grown", { partitions: 3 }, other);
  await append("others.grown", ["b"], 2);
  expect((await broker.admin.partitions("others.grown")).map(({ end }) => end)).toEqual(["0", "-1", "0"]);
});

test("a topic that somebody else deletes and creates again is another one, for appends and for readers", async () => {
  await ensure("others.again");
  await append("others.again", ["a", "b"]);
  await append("others.again", ["c"]);
  const [before] = await broker.append([
    { topic: "others.again", partition: 0, batch: batchOf([{ id: "d", key: "k" }]) },
  ]);
  const reader = await broker.read("others.again", 0, { at: "latest" });
  const told = expect(reader.next(1000)).rejects.toMatchObject({
    code: expect.stringMatching(/position_gone|unknown_topic/),
  });
  await other.admin.deleteTopic("others.again");
  await ensure("others.again", {}, other);
  await told;
  const [after] = await broker.append([
    { topic: "others.again", partition: 0, batch: batchOf([{ id: "new", key: "k" }]) },
  ]);
  expect(after!.epoch).not.toBe(before!.epoch);
  expect(after!.offsetAt(0)).toBe("0");
  expect(await readIds("others.again", 1)).toEqual(["new"]);
});

test("a topic that somebody else deleted is refused with unknown_topic, by appends and by a reader at its head", async () => {
  await ensure("others.deleted");
  await append("others.deleted", ["a"]);
  const reader = await broker.read("others.deleted", 0, { at: "latest" });
  const told = expect(reader.next(1000)).rejects.toMatchObject({ code: "unknown_topic" });
  await other.admin.deleteTopic("others.deleted");
  await expect(append("others.deleted", ["b"])).rejects.toMatchObject({ code: "unknown_topic" });
  await told;
  expect(await reader.next(1000)).toEqual([]);
});

test("a record whose bytes were changed on disk is refused by name, after what lies before it", async () => {
  await ensure("others.damaged");
  for (const id of ["a", "b", "c"]) await append("others.damaged", [id]);
  await kafka.stop();
  const folder = join(kafka.home, "data", "others.damaged-0");
  const [segment] = (await readdir(folder)).filter((name) => name.endsWith(".log"));
  const file = await open(join(folder, segment!), "r+");
  const { size } = await file.stat();
  const bytes = Buffer.alloc(size);
  await file.read(bytes, 0, size, 0);
  const length = bytes.readInt32BE(8) + 12;
  await file.write(Buffer.of(bytes[length + 70]! ^ 1), 0, 1, length + 70);
  await file.close();
  await kafka.start();
  const reader = await broker.read("others.damaged", 0, { at: "earliest" });
  expect((await readEvents(reader, 1))[0]!.id).toBe("a");
  await expect(reader.next(1000)).rejects.toMatchObject({
    code: "record_damaged",
    message: expect.stringMatching(/others\.damaged\/0 epoch .* offset 1 fails its checksum/),
  });
  expect(await reader.next(1000)).toEqual([]);
  const [{ epoch } = { epoch: "" }] = await broker.admin.partitions("others.damaged");
  const behind = await broker.read("others.damaged", 0, { after: { epoch, offset: "1" } });
  expect((await readEvents(behind, 1))[0]!.id).toBe("c");
  await behind.close();
});

test("a record that holds no event is refused by name", async () => {
  await ensure("others.foreign");
  await append("others.foreign", ["a"]);
  const producer = new Producer({ clientId: "foreign", bootstrapBrokers: [kafka.bootstrap] });
  await producer.send({ acks: -1, messages: [{ topic: "others.foreign", partition: 0, value: Buffer.from("hello") }] });
  await producer.close();
  const reader = await broker.read("others.foreign", 0, { at: "earliest" });
  await readEvents(reader, 1);
  await expect(reader.next(1000)).rejects.toMatchObject({
    code: "record_damaged",
    message: expect.stringContaining("offset 1 is no event"),
  });
});

test("records of transactions that were given up are not read, those of others are", async () => {
  await ensure("others.transactions");
  const headers = (id: string) =>
    new Map(
      Object.entries({ ce_specversion: "1.0", ce_id: id, ce_source: "/foreign", ce_type: "t" }).map(
        ([name, value]) => [Buffer.from(name), Buffer.from(value)] as const,
      ),
    );
  const producer = new Producer({
    ...{ clientId: "foreign", bootstrapBrokers: [kafka.bootstrap] },
    ...{ idempotent: true, transactionalId: "foreign" },
  });
  for (const [id, kept] of [
    ["x1", false],
    ["x2", false],
    ["y1", true],
    ["x3", false],
    ["y2", true],
  ] as const) {
    const transaction = await producer.beginTransaction();
    const messages = [{ topic: "others.transactions", partition: 0, value: Buffer.from("{}"), headers: headers(id) }];
    await transaction.send({ messages });
    await (kept ? transaction.commit() : transaction.abort());
  }
  await producer.close();
  expect(await readIds("others.transactions", 2)).toEqual(["y1", "y2"]);
});

for (const compression of ["none", "gzip", "snappy", "lz4", "zstd"] as const) {
  for (const form of ["packed", "cloudevents"] as const) {
    test(`events come back with their bytes: ${form}, ${compression}`, async () => {
      const topic = `others.bytes-${form}-${compression}`;
      const writer = await openBroker({ compression, recordsOf: () => form });
      await ensure(topic, {}, writer);
      const data = Uint8Array.from({ length: 3000 }, (_, at) => (at * 7) & 255);
      const batch = batchOf(Array.from({ length: 40 }, (_, at) => ({ id: `e${at}`, key: `k${at % 3}`, data })));
      const [appended] = await writer.append([{ topic, partition: 0, batch }]);
      const reader = await other.read(topic, 0, { at: "earliest" });
      const bytes: string[] = [];
      const offsets: string[] = [];
      while (bytes.length < 40) {
        for (const stored of await reader.next(10_000)) {
          bytes.push(...bytesOf(stored.batch));
          for (let at = 0; at < stored.batch.count; at += 1) offsets.push(stored.offsetAt(at));
        }
      }
      expect(bytes).toEqual(bytesOf(batch));
      expect(offsets).toEqual(Array.from({ length: 40 }, (_, at) => appended!.offsetAt(at)));
      await reader.close();
      await writer.close();
    });
  }
}

test("a batch that is larger as CloudEvents than a record batch may be goes in several", async () => {
  const writer = await openBroker({ maxBatchBytes: 25_000, recordsOf: () => "cloudevents" });
  await ensure("others.cut", {}, writer);
  const batch = batchOf(Array.from({ length: 300 }, (_, at) => ({ id: `e${at}`, key: "k" })));
  const [appended] = await writer.append([{ topic: "others.cut", partition: 0, batch }]);
  const ids = await readIds("others.cut", 300, writer);
  expect(ids).toEqual(Array.from({ length: 300 }, (_, at) => `e${at}`));
  expect(appended!.offsetAt(299)).toBe("299");
  await writer.close();
});

test("a topic that takes less in a record batch than we do is told so, and what fits goes on", async () => {
  const writer = await openBroker({ maxBatchBytes: 4 * 1024 * 1024 });
  await ensure("others.small");
  const large = batchOf([{ id: "large", key: "k", data: new Uint8Array(2 * 1024 * 1024) }]);
  const refused = writer.append([{ topic: "others.small", partition: 0, batch: large }]);
  await expect(refused).rejects.toMatchObject({
    code: "batch_too_large",
    message: expect.stringContaining("max.message.bytes"),
  });
  const halves = Array.from({ length: 4 }, (_, at) =>
    batchOf([{ id: `h${at}`, key: "k", data: new Uint8Array(500_000) }]),
  );
  await Promise.all(halves.map((batch) => writer.append([{ topic: "others.small", partition: 0, batch }])));
  expect(await readIds("others.small", 4)).toEqual(["h0", "h1", "h2", "h3"]);
  await writer.close();
});

test("retention, compaction and timestamps are as Kafka understands them", async () => {
  await ensure("others.config", { retention: { ms: 3_600_000, bytes: 1 << 26 }, compaction: true });
  const listed = (await other.admin.topics()).find(({ name }) => name === "others.config");
  expect(listed).toEqual({
    ...{ name: "others.config", partitions: 1, compaction: true },
    retention: { ms: 3_600_000, bytes: 1 << 26 },
  });
});
