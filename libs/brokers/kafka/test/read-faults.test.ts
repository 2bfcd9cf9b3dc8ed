/** Everything that a cluster can answer to a reader, and what comes of it. */
import { createKafkaBroker, type KafkaBrokerOptions } from "@distribution/broker-kafka";
import type { Broker, ReadFrom } from "@distribution/core/brokers";
import { batchOf, readEvents } from "@distribution/testkit/broker";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { CODE } from "../src/connection/failures.ts";
import { KEY } from "./support/fake/answer.ts";
import { type FakeCluster, startFakeCluster } from "./support/fake/cluster.ts";

let cluster: FakeCluster;
let broker: Broker;
const TOPIC = "read.faults";

const open = (options: Partial<KafkaBrokerOptions> = {}): Promise<Broker> =>
  createKafkaBroker({ brokers: cluster.brokers, requestTimeoutMs: 1000, fetchWaitMs: 50, ...options });

beforeEach(async () => {
  cluster = await startFakeCluster(2);
  broker = await open();
  await broker.admin.ensureTopic({ name: TOPIC, partitions: 2, retention: {}, compaction: false });
  for (const id of ["a", "b", "c"]) await append([id]);
});
afterEach(async () => {
  await broker.close();
  cluster.stop();
});

const append = async (ids: readonly string[], partition = 0): Promise<void> => {
  await broker.append([{ topic: TOPIC, partition, batch: batchOf(ids.map((id) => ({ id, key: "k" }))) }]);
};

const readIds = async (count: number, from: ReadFrom = { at: "earliest" }, by = broker): Promise<string[]> => {
  const reader = await by.read(TOPIC, 0, from);
  const ids = (await readEvents(reader, count)).map(({ id }) => id);
  await reader.close();
  return ids;
};

test.each([
  "NOT_LEADER_OR_FOLLOWER",
  "FENCED_LEADER_EPOCH",
  "UNKNOWN_TOPIC_ID",
  "OFFSET_NOT_AVAILABLE",
  "KAFKA_STORAGE_ERROR",
] as const)("%s is asked again", async (name) => {
  cluster.say(KEY.FETCH, CODE[name], { times: 2 });
  expect(await readIds(3)).toEqual(["a", "b", "c"]);
});

test.each([
  ["TOPIC_AUTHORIZATION_FAILED", "unavailable", "grant Read"],
  ["INVALID_REQUEST", "unavailable", "cannot read"],
  ["OFFSET_OUT_OF_RANGE", "position_gone", "not in the log any more"],
] as const)("%s ends the reader, with the reason", async (name, code, message) => {
  const reader = await broker.read(TOPIC, 0, { at: "earliest" });
  cluster.say(KEY.FETCH, name === "INVALID_REQUEST" ? 42 : CODE[name]);
  await expect(reader.next(1000)).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
  expect(await reader.next(1000)).toEqual([]);
});

test("connections that are lost and leaders that move cost a reader nothing", async () => {
  const reader = await broker.read(TOPIC, 0, { at: "earliest" });
  await readEvents(reader, 3);
  const next = readEvents(reader, 2);
  for (const node of cluster.nodes) node.cut();
  await append(["d"]);
  cluster.lose(KEY.FETCH, "answer");
  cluster.moveLeader(TOPIC, 0, 1);
  await append(["e"]);
  expect((await next).map(({ id }) => id)).toEqual(["d", "e"]);
  await reader.close();
});

test("a log that was cut back under a reader is another history", async () => {
  const reader = await broker.read(TOPIC, 0, { at: "earliest" });
  await readEvents(reader, 3);
  const told = expect(reader.next(1000)).rejects.toMatchObject({
    code: "position_gone",
    message: expect.stringContaining("another history"),
  });
  cluster.topics.get(TOPIC)!.logs[0]!.cutBack(1n);
  cluster.wake();
  await told;
});

test("a position behind the end is refused, and so is one that is none", async () => {
  const [{ epoch } = { epoch: "" }] = await broker.admin.partitions(TOPIC);
  for (const offset of ["3", "3.0", "17"]) {
    await expect(broker.read(TOPIC, 0, { after: { epoch, offset } })).rejects.toMatchObject({ code: "position_gone" });
  }
  await expect(broker.read(TOPIC, 0, { after: { epoch, offset: "x" } })).rejects.toMatchObject({
    code: "invalid_request",
  });
  await expect(broker.read(TOPIC, 0, { at: "now" } as unknown as ReadFrom)).rejects.toThrow("from.at");
  await expect(broker.read(TOPIC, 0, { time: 5 } as unknown as ReadFrom)).rejects.toThrow("from.time");
  expect(await readIds(1, { after: { epoch, offset: "1" } })).toEqual(["c"]);
});

test("a damaged record is told by its place, after what lies before it", async () => {
  cluster.topics.get(TOPIC)!.logs[0]!.damage(1n);
  const reader = await broker.read(TOPIC, 0, { at: "earliest" });
  expect((await readEvents(reader, 1))[0]!.id).toBe("a");
  await expect(reader.next(1000)).rejects.toMatchObject({
    code: "record_damaged",
    message: expect.stringMatching(/read\.faults\/0 epoch .* offset 1 fails its checksum/),
  });
});

test("a record batch that is larger than what is asked for is read", async () => {
  const small = await open({ fetchBytes: 100 });
  await broker.append([
    { topic: TOPIC, partition: 0, batch: batchOf([{ id: "large", key: "k", data: new Uint8Array(5000) }]) },
  ]);
  expect(await readIds(4, { at: "earliest" }, small)).toEqual(["a", "b", "c", "large"]);
  await small.close();
});

test("more quiet readers than there are lanes do not hold up a busy one, nor two of one partition each other", async () => {
  const name = "read.many";
  await broker.admin.ensureTopic({ name, partitions: 12, retention: {}, compaction: false });
  const slow = await open({ fetchWaitMs: 60_000 });
  const readers = [];
  for (let at = 0; at < 24; at += 1) readers.push(await slow.read(name, at % 12, { at: "latest" }));
  const given = readers.map((reader) => reader.next(1000).then((batches) => batches.length));
  for (let partition = 11; partition >= 0; partition -= 1) {
    await slow.append([{ topic: name, partition, batch: batchOf([{ id: `e${partition}`, key: "k" }]) }]);
  }
  expect(await Promise.all(given)).toEqual(readers.map(() => 1));
  await slow.close();
});

test("a reader that is behind is not held up by one that waits at the head of the same partition", async () => {
  const slow = await open({ fetchWaitMs: 60_000 });
  const waiting = await slow.read(TOPIC, 0, { at: "latest" });
  const behind = await slow.read(TOPIC, 0, { at: "earliest" });
  const both = [waiting.next(1000), behind.next(100_000)] as const;
  expect(await both[1]).toHaveLength(3);
  await slow.close();
  expect(await both[0]).toEqual([]);
});

test("when every lane is held, the next reader is not held up", async () => {
  const name = "read.held";
  await broker.admin.ensureTopic({ name, partitions: 16, retention: {}, compaction: false });
  const slow = await open({ fetchWaitMs: 60_000 });
  const asks = () => cluster.asked.filter((key) => key === KEY.FETCH).length;
  const given = [];
  // All led by one node, and each asked for before the next comes.
  for (let partition = 0; partition < 16; partition += 2) {
    const reader = await slow.read(name, partition, { at: "latest" });
    const before = asks();
    given.push(reader.next(1000).then((batches) => batches.length));
    await expect.poll(asks).toBeGreaterThan(before);
  }
  for (let partition = 14; partition >= 0; partition -= 2) {
    await slow.append([{ topic: name, partition, batch: batchOf([{ id: "e", key: "k" }]) }]);
    expect(await given[partition / 2]).toBe(1);
  }
  await slow.close();
});

test("a reader refuses what is no bound, and two calls at a time", async () => {
  const reader = await broker.read(TOPIC, 0, { at: "latest" });
  for (const bad of [0, -1, 1.5]) await expect(reader.next(bad)).rejects.toThrow("maxBytes");
  const next = reader.next(1000);
  await expect(reader.next(1000)).rejects.toThrow("one call at a time");
  await reader.close();
  expect(await next).toEqual([]);
});

test("a reader reads no further ahead than one answer", async () => {
  const asks = () => cluster.asked.filter((key) => key === KEY.FETCH).length;
  const reader = await broker.read(TOPIC, 0, { at: "earliest" });
  expect(asks()).toBe(0);
  await reader.next(1);
  // Time enough for another question to be heard.
  await broker.admin.partitions(TOPIC);
  await broker.admin.partitions(TOPIC);
  expect(asks()).toBe(1);
  await reader.close();
});

test("what a closed reader waited for is not waited for any more, also while the cluster is away", async () => {
  const reader = await broker.read(TOPIC, 0, { at: "latest" });
  const next = reader.next(1000);
  for (const node of cluster.nodes) node.stop();
  await expect.poll(() => broker.health().ready).toBe(false);
  await reader.close();
  expect(await next).toEqual([]);
});

test("a record that others wrote has its own time and place, wherever reading begins", async () => {
  const clock = vi.spyOn(Date, "now");
  for (const ms of [9_000_000, 5_000_000]) {
    clock.mockReturnValue(ms);
    await append([`at ${ms}`], 1);
  }
  clock.mockRestore();
  const read = async (from: ReadFrom) => {
    const reader = await broker.foreign!.read(TOPIC, 1, from);
    const { start } = reader;
    const records = await reader.next(10);
    await reader.close();
    return { start, times: records.map(({ time }) => time) };
  };
  const all = await read({ at: "earliest" });
  expect(all).toMatchObject({ start: { offset: "-1" }, times: [9_000_000_000_000n, 5_000_000_000_000n] });
  const { epoch } = all.start;
  expect(await read({ after: { epoch, offset: "0" } })).toEqual({
    start: { epoch, offset: "0" },
    times: [5_000_000_000_000n],
  });
});
