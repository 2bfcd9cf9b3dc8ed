/** Everything that a cluster can answer to an append, and what comes of it. */
import type { KafkaBrokerOptions } from "@distribution/broker-kafka";
import { AppendUnsettled, type Broker } from "@distribution/core/brokers";
import { batchOf } from "@distribution/testkit/broker";
import { afterEach, beforeEach, expect, test } from "vitest";
import { CODE } from "../src/connection/failures.ts";
import { appendTo, eventually, openOn, readIdsOf, settled, startWithTopic, TOPIC } from "./support/appends.ts";
import { KEY } from "./support/fake/answer.ts";
import type { FakeCluster } from "./support/fake/cluster.ts";

let cluster: FakeCluster;
let broker: Broker;

const open = (options: Partial<KafkaBrokerOptions> = {}): Promise<Broker> => openOn(cluster, options);

beforeEach(async () => {
  ({ cluster, broker } = await startWithTopic());
});
afterEach(async () => {
  await broker.close();
  cluster.stop();
});

const append = (id: string, partition = 0, by = broker): Promise<string> => appendTo(by, id, partition);
const readIds = (partition = 0): Promise<string[]> => readIdsOf(broker, partition);

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

const writesOf = (id: string, data = new Uint8Array()) =>
  [0, 1].map((partition) => ({ topic: TOPIC, partition, batch: batchOf([{ id, key: "k", data }]) }));

test("an append that was given up while its outcome is not known goes on, and what is behind it waits", async () => {
  const hasty = await open({ appendTimeoutMs: 100 });
  await eventually("warm", hasty);
  cluster.lose(KEY.PRODUCE, "answer", 10_000);
  const unknown = append("unknown", 0, hasty);
  await expect(unknown).rejects.toBeInstanceOf(AppendUnsettled);
  const behind = await append("behind", 0, hasty).catch((error: unknown) => error);
  expect(behind).toMatchObject({ code: "unavailable" });
  expect(behind).not.toBeInstanceOf(AppendUnsettled);
  expect(hasty.health().reasons.join()).toContain("1 refused appends may be in the log");
  // At once, and only there.
  expect((behind as Error).message).toContain(`has not answered for ${TOPIC}/0`);
  cluster.clear();
  expect(await settled(unknown)).toEqual([true]);
  await eventually("after", hasty);
  expect(await readIds()).toEqual(["warm", "unknown", "after"]);
  await hasty.close();
});

test("an append that Kafka has not taken for sure is nowhere once it was given up", async () => {
  const hasty = await open({ appendTimeoutMs: 100 });
  await eventually("warm", hasty);
  cluster.say(KEY.PRODUCE, CODE.NOT_ENOUGH_REPLICAS, { times: 10_000 });
  const failure = await append("nowhere", 0, hasty).catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: "unavailable" });
  expect(failure).not.toBeInstanceOf(AppendUnsettled);
  cluster.clear();
  await eventually("after", hasty);
  expect(await readIds()).toEqual(["warm", "after"]);
  await hasty.close();
});

test("an append of which one partition has its part goes on with the others after it was given up", async () => {
  const hasty = await open({ appendTimeoutMs: 150 });
  for (const partition of [0, 1]) await append("warm", partition, hasty);
  cluster.say(KEY.PRODUCE, CODE.NOT_ENOUGH_REPLICAS, { place: `${TOPIC}/1`, times: 10_000 });
  const both = hasty.append(writesOf("both"));
  await expect(both).rejects.toMatchObject({ code: "unavailable" });
  await expect(append("given up", 1, hasty)).rejects.toMatchObject({ code: "unavailable" });
  expect([await readIds(0), await readIds(1)]).toEqual([["warm", "both"], ["warm"]]);
  cluster.clear();
  expect(await settled(both)).toEqual([true, true]);
  expect([await readIds(0), await readIds(1)]).toEqual([
    ["warm", "both"],
    ["warm", "both"],
  ]);
  await hasty.close();
});

test("of an append that one partition refuses for good, it is told which part is in the log", async () => {
  await append("warm", 1);
  cluster.say(KEY.PRODUCE, CODE.INVALID_RECORD, { place: `${TOPIC}/1` });
  const both = broker.append(writesOf("both"));
  await expect(both).rejects.toMatchObject({ code: "invalid_request" });
  expect(await settled(both)).toEqual([true, false]);
  expect([await readIds(0), await readIds(1)]).toEqual([["both"], ["warm"]]);
});

test("of events in records of their own, those in the log are told when the rest is refused", async () => {
  const small = await open({ maxBatchBytes: 4000, recordsOf: () => "cloudevents" });
  cluster.topics.get(TOPIC)!.configs.set("max.message.bytes", "2500");
  const sizes = [10, 10, 10, 10, 10, 2900, 10];
  const events = sizes.map((size, at) => ({ id: `e${at}`, key: "k", data: new Uint8Array(size) }));
  const refused = small.append([{ topic: TOPIC, partition: 0, batch: batchOf(events) }]);
  const failure = await refused.catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: "batch_too_large", message: expect.stringContaining("max.message.bytes") });
  const [stored] = await (failure as AppendUnsettled).settled;
  expect(events.map((_, at) => stored!.has(at))).toEqual([true, true, true, true, true, false, false]);
  expect(stored!.offsetAt(4)).toBe("4");
  expect(await readIds()).toEqual(["e0", "e1", "e2", "e3", "e4"]);
  await small.close();
});

test("an append to a partition that we lost the right to is refused, and is nowhere unless it was there before", async () => {
  await append("before");
  cluster.lose(KEY.PRODUCE, "answer");
  cluster.say(KEY.PRODUCE, CODE.TOPIC_AUTHORIZATION_FAILED, { after: 1, times: 3 });
  const refused = append("unknown");
  await expect(refused).rejects.toMatchObject({ code: "unavailable", message: expect.stringContaining("grant Write") });
  expect(await settled(refused)).toEqual([true]);
  await append("after");
  expect(await readIds()).toEqual(["before", "unknown", "after"]);
});

test.each(["MESSAGE_TOO_LARGE", "INVALID_RECORD"] as const)(
  "%s says nothing of the tries before: what may be in the log is neither sent anew nor called refused",
  async (name) => {
    await append("before");
    cluster.lose(KEY.PRODUCE, "answer");
    cluster.say(KEY.PRODUCE, CODE[name], { after: 1, times: 2 });
    expect(await Promise.all(["a", "b"].map((id) => append(id)))).toEqual(["1.0", "1"]);
    expect(await readIds()).toEqual(["before", "a", "b"]);
  },
);

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
