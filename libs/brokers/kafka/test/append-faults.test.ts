/** Everything that a cluster can answer to an append, and what comes of it. */
import { createKafkaBroker, type KafkaBrokerOptions } from "@distribution/broker-kafka";
import type { Broker } from "@distribution/core/brokers";
import { batchOf, readEvents } from "@distribution/testkit/broker";
import { afterEach, beforeEach, expect, test } from "vitest";
import { CODE } from "../src/connection/failures.ts";
import { KEY } from "./support/fake/answer.ts";
import { type FakeCluster, startFakeCluster } from "./support/fake/cluster.ts";

let cluster: FakeCluster;
let broker: Broker;
const TOPIC = "append.faults";

const open = (options: Partial<KafkaBrokerOptions> = {}): Promise<Broker> =>
  createKafkaBroker({ brokers: cluster.brokers, requestTimeoutMs: 1000, ...options });

beforeEach(async () => {
  cluster = await startFakeCluster(2);
  broker = await open();
  await broker.admin.ensureTopic({ name: TOPIC, partitions: 2, retention: {}, compaction: false });
});
afterEach(async () => {
  await broker.close();
  cluster.stop();
});

const append = async (id: string, partition = 0, by = broker): Promise<string> => {
  const [appended] = await by.append([{ topic: TOPIC, partition, batch: batchOf([{ id, key: "k" }]) }]);
  return appended!.offsetAt(0);
};

/** Tries once more after each refusal: the pause between two tries may be longer than a short time to wait. */
const eventually = async (id: string, by: Broker): Promise<void> => {
  await append(id, 0, by).catch(() => eventually(id, by));
};

const readIds = async (partition = 0): Promise<string[]> => {
  const { end } = (await broker.admin.partitions(TOPIC))[partition]!;
  const reader = await broker.read(TOPIC, partition, { at: "earliest" });
  const ids: string[] = [];
  for (let at = "-1"; broker.compareOffsets(at, end) < 0; ) {
    for (const { id, offset } of await readEvents(reader, 1, 1)) {
      ids.push(id);
      at = offset;
    }
  }
  await reader.close();
  return ids;
};

test.each([
  "NOT_ENOUGH_REPLICAS",
  "NOT_ENOUGH_REPLICAS_AFTER_APPEND",
  "REQUEST_TIMED_OUT",
  "KAFKA_STORAGE_ERROR",
  "NOT_LEADER_OR_FOLLOWER",
  "LEADER_NOT_AVAILABLE",
  "UNKNOWN_TOPIC_OR_PARTITION",
  "OUT_OF_ORDER_SEQUENCE",
  "UNKNOWN_PRODUCER_ID",
  "INVALID_PRODUCER_EPOCH",
] as const)("%s is tried again, in order", async (name) => {
  await append("before");
  cluster.say(KEY.PRODUCE, CODE[name], { place: `${TOPIC}/0`, times: 2 });
  expect(await Promise.all(["a", "b", "c"].map((id) => append(id)))).toEqual(["1.0", "1.1", "1"]);
  expect(await readIds()).toEqual(["before", "a", "b", "c"]);
});

test.each([
  ["TOPIC_AUTHORIZATION_FAILED", "unavailable", "grant Write"],
  ["INVALID_RECORD", "invalid_request", "refuses it: INVALID_RECORD"],
  ["UNSUPPORTED_FOR_MESSAGE_FORMAT", "invalid_request", "refuses it"],
] as const)("%s is told at once, and what follows goes on", async (name, code, message) => {
  cluster.say(KEY.PRODUCE, CODE[name], { place: `${TOPIC}/0` });
  await expect(append("refused")).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
  expect(await append("taken")).toBe("0");
});

test("an answer that is lost does not write twice; a request that is lost is sent again", async () => {
  await append("before");
  for (const what of ["answer", "request", "answer"] as const) {
    cluster.lose(KEY.PRODUCE, what);
    await Promise.all([append(`${what} lost`), append(`after ${what}`)]);
  }
  const lost = ["answer lost", "after answer"];
  expect(await readIds()).toEqual(["before", ...lost, "request lost", "after request", ...lost]);
});

test("a leader that moves is followed, and one that nobody knows yet is waited for", async () => {
  await append("a");
  cluster.moveLeader(TOPIC, 0, 1);
  await append("b");
  cluster.moveLeader(TOPIC, 0, -1);
  const waiting = append("c");
  await expect.poll(() => cluster.asked.filter((key) => key === KEY.METADATA).length).toBeGreaterThan(5);
  cluster.moveLeader(TOPIC, 0, 0);
  await waiting;
  expect(await readIds()).toEqual(["a", "b", "c"]);
});

test("of several partitions in one request, each is answered for itself", async () => {
  const [both, first] = [
    broker.append([0, 1].map((partition) => ({ topic: TOPIC, partition, batch: batchOf([{ id: "x", key: "k" }]) }))),
    append("y", 0),
  ];
  cluster.say(KEY.PRODUCE, CODE.NOT_ENOUGH_REPLICAS, { place: `${TOPIC}/1`, times: 3 });
  expect((await both).map((one) => one.offsetAt(0))).toEqual(["0.0", "0"]);
  expect(await first).toBe("0");
});

test("a batch that is too large for the topic is cut at its writes; a single write that is, is refused", async () => {
  const largest = 3000;
  cluster.topics.get(TOPIC)!.configs.set("max.message.bytes", String(largest));
  const data = new Uint8Array(1000);
  const sized = (id: string) =>
    broker.append([{ topic: TOPIC, partition: 0, batch: batchOf([{ id, key: "k", data }]) }]);
  await Promise.all(["a", "b", "c", "d", "e"].map(sized));
  expect(await readIds()).toEqual(["a", "b", "c", "d", "e"]);
  const large = batchOf([{ id: "large", key: "k", data: new Uint8Array(4000) }]);
  await expect(broker.append([{ topic: TOPIC, partition: 0, batch: large }])).rejects.toMatchObject({
    code: "batch_too_large",
    message: expect.stringContaining("max.message.bytes"),
  });
  await sized("f");
});

test("time that is over is told, with the reason; a disk that is full by its name; and what follows is in order", async () => {
  const hasty = await open({ appendTimeoutMs: 150 });
  await eventually("warm", hasty);
  for (const [name, code] of [
    ["NOT_ENOUGH_REPLICAS", "unavailable"],
    ["KAFKA_STORAGE_ERROR", "storage_full"],
  ] as const) {
    cluster.say(KEY.PRODUCE, CODE[name], { times: 10_000 });
    await expect(append("late", 0, hasty)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(new RegExp(`within 150 ms \\(appendTimeoutMs\\): ${name}`)),
    });
    cluster.clear();
    await eventually("after", hasty);
  }
  expect((await readIds()).at(-1)).toBe("after");
  await hasty.close();
});

test("an append that was given up is fenced: its producer has a later epoch in that partition", async () => {
  const hasty = await open({ appendTimeoutMs: 100 });
  await eventually("warm", hasty);
  cluster.lose(KEY.PRODUCE, "answer", 10_000);
  await expect(append("unknown", 0, hasty)).rejects.toMatchObject({ code: "unavailable" });
  cluster.clear();
  await eventually("after", hasty);
  const [log] = cluster.topics.get(TOPIC)!.logs;
  expect(Math.max(...[...log!.producers.values()].map(({ epoch }) => epoch))).toBeGreaterThanOrEqual(1);
  await hasty.close();
});

test("a topic that is gone under way is told, to all that wait for it", async () => {
  await append("a");
  cluster.say(KEY.PRODUCE, CODE.NOT_ENOUGH_REPLICAS, { times: 3 });
  const told = ["b", "c"].map((id) => expect(append(id)).rejects.toMatchObject({ code: "unknown_topic" }));
  cluster.topics.delete(TOPIC);
  await Promise.all(told);
});

test("a topic deleted and created again by others is known by its offsets, which begin anew", async () => {
  for (const id of ["a", "b", "c"]) await append(id);
  const before = cluster.topics.get(TOPIC)!;
  const other = await open();
  await other.admin.deleteTopic(TOPIC);
  await other.admin.ensureTopic({ name: TOPIC, partitions: 2, retention: {}, compaction: false });
  const [appended] = await broker.append([{ topic: TOPIC, partition: 0, batch: batchOf([{ id: "new", key: "k" }]) }]);
  expect(appended!.epoch).toBe(cluster.topics.get(TOPIC)!.id);
  expect(appended!.epoch).not.toBe(before.id);
  await other.close();
});

test("a broker that has another count than ours is begun anew with, without loss or repetition", async () => {
  await append("a");
  const [log] = cluster.topics.get(TOPIC)!.logs;
  for (const producer of log!.producers.values()) producer.next += 5;
  await Promise.all([append("b"), append("c")]);
  await append("d");
  expect(await readIds()).toEqual(["a", "b", "c", "d"]);
});

test("an append that is in the log, it is not known where, is told so; the next one is not taken for it", async () => {
  await append("a");
  cluster.say(KEY.PRODUCE, CODE.DUPLICATE_SEQUENCE);
  await expect(append("b")).rejects.toMatchObject({
    code: "unavailable",
    message: expect.stringContaining("not known where"),
  });
  await append("c");
  expect(await readIds()).toEqual(["a", "b", "c"]);
});

test("a call that waits for news of a topic holds its place before later ones", async () => {
  await broker.admin.ensureTopic({ name: "append.unknown", partitions: 1, retention: {}, compaction: false });
  const fresh = await open();
  await append("before", 0, fresh);
  const write = (topic: string, id: string) => ({ topic, partition: 0, batch: batchOf([{ id, key: "k" }]) });
  await Promise.all([
    fresh.append([write("append.unknown", "x"), write(TOPIC, "first")]),
    fresh.append([write(TOPIC, "second")]),
  ]);
  expect(await readIds()).toEqual(["before", "first", "second"]);
  await fresh.close();
});

test("more than maxQueuedBytes are refused at once, with the time to wait; a first one is always taken", async () => {
  const small = await open({ maxQueuedBytes: 100 });
  const large = { topic: TOPIC, partition: 0, batch: batchOf([{ id: "large", key: "k", data: new Uint8Array(500) }]) };
  const first = small.append([large]);
  await expect(small.append([large])).rejects.toMatchObject({
    code: "unavailable",
    message: expect.stringContaining("of 100 bytes (maxQueuedBytes) wait"),
    retryAfterMs: 50,
  });
  await first;
  await small.append([large]);
  await small.close();
});

test("without a producer id nothing is sent, and the wait for one counts against the time", async () => {
  cluster.say(KEY.INIT_PRODUCER_ID, CODE.COORDINATOR_LOAD_IN_PROGRESS, { times: 3 });
  const fresh = await open();
  expect(await append("a", 0, fresh)).toBe("0");
  await fresh.close();
  cluster.say(KEY.INIT_PRODUCER_ID, CODE.CLUSTER_AUTHORIZATION_FAILED, { times: 100 });
  const refused = await open({ appendTimeoutMs: 200 });
  await expect(append("b", 0, refused)).rejects.toMatchObject({ code: "unavailable" });
  await refused.close();
});

test("CloudEvents records that do not fit one record batch go in several, and are told where they are", async () => {
  const small = await open({ maxBatchBytes: 4000, recordsOf: () => "cloudevents" });
  const events = Array.from({ length: 40 }, (_, at) => ({ id: `e${at}`, key: "k" }));
  const [appended] = await small.append([{ topic: TOPIC, partition: 1, batch: batchOf(events) }]);
  expect(events.map((_, at) => appended!.offsetAt(at))).toEqual(events.map((_, at) => String(at)));
  expect(await readIds(1)).toEqual(events.map(({ id }) => id));
  await small.close();
});

test("an append in a closing broker is finished, one after it refused", async () => {
  const closing = await open();
  const last = append("last", 0, closing);
  const closed = closing.close();
  await expect(append("too late", 0, closing)).rejects.toMatchObject({ code: "unavailable" });
  expect(await last).toBe("0");
  await closed;
});
