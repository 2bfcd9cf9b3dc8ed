/** What the embedded broker promises of appends beyond the contract. */
import type { ReadFrom } from "@distribution/core/brokers";
import type { PackedBatch } from "@distribution/core/events";
import { batchOf, readEvents } from "@distribution/testkit/broker";
import { describe, expect, test } from "vitest";
import { clockAt, folder, idsOfEvents, openBroker, put, readAll, topicOf } from "./support.ts";

const SECOND = 1_000_000_000n;

test("offsets are whole numbers from 1, without a gap", async () => {
  const broker = await openBroker();
  const topic = await topicOf(broker, "dense");
  await put(broker, topic, ["a", "b", "c"]);
  await put(broker, topic, ["d"]);
  expect((await readAll(broker, topic)).map(({ offset }) => offset)).toEqual(["1", "2", "3", "4"]);
});

test("the time of appending never decreases, though the clock jumps back, also over a restart", async () => {
  const directory = folder();
  const runtime = clockAt(1000n * SECOND);
  const first = await openBroker({ directory, runtime });
  const topic = await topicOf(first, "times");
  await put(first, topic, ["a"]);
  runtime.wall = 900n * SECOND;
  await put(first, topic, ["b"]);
  await first.close();
  const second = await openBroker({ directory, runtime });
  await put(second, topic, ["c"]);
  runtime.wall = 1001n * SECOND;
  await put(second, topic, ["d"]);
  const times = (await readAll(second, topic)).map(({ appendedAt }) => appendedAt / SECOND);
  expect(times).toEqual([1000n, 1000n, 1000n, 1001n]);
});

test("a reader at the head is given the very batch that was appended", async () => {
  const broker = await openBroker();
  const topic = await topicOf(broker, "same");
  const reader = await broker.read(topic, 0, { at: "latest" });
  const batch = batchOf([{ id: "a", key: "k" }]);
  const next = reader.next(1000);
  await broker.append([{ topic, partition: 0, batch }]);
  expect((await next)[0]?.batch).toBe(batch);
});

test("newest batches beyond recentBytes are read from the log, whole and in order", async () => {
  const broker = await openBroker({ recentBytes: 2500 });
  const topic = await topicOf(broker, "recent");
  const reader = await broker.read(topic, 0, { at: "latest" });
  for (let at = 0; at < 8; at += 1) await put(broker, topic, [`e${at}`], 1000);
  const ids = idsOfEvents(await readEvents(reader, 8, 1500));
  expect(ids).toEqual(["e0", "e1", "e2", "e3", "e4", "e5", "e6", "e7"]);
});

describe("a batch whose parts do not fit together is refused", () => {
  const good = batchOf([{ id: "a", key: "k" }]);
  const bad: [string, PackedBatch][] = [
    ["no events", { bytes: new Uint8Array(), count: 0, bounds: new Uint32Array() }],
    ["a count that is not whole", { ...good, count: 0.5 }],
    ["more events than bounds", { ...good, count: 2 }],
    ["bounds that end elsewhere", { ...good, bounds: Uint32Array.of(2, good.bytes.length - 1) }],
  ];
  test.each(bad)("%s", async (_, batch) => {
    const broker = await openBroker();
    const topic = await topicOf(broker, "bad");
    const refused = broker.append([{ topic, partition: 0, batch }]);
    await expect(refused).rejects.toMatchObject({ code: "invalid_request", errors: [{ path: "writes[0].batch" }] });
  });
});

test("more than maxQueuedBytes on the way to disk is refused as unavailable, with a time to try again", async () => {
  const broker = await openBroker({ maxQueuedBytes: 10_000 });
  const topic = await topicOf(broker, "queue");
  const answers = await Promise.allSettled(["a", "b", "c", "d"].map((id) => put(broker, topic, [id], 3000)));
  expect(answers.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected", "rejected"]);
  expect((answers[2] as PromiseRejectedResult).reason).toMatchObject({ code: "unavailable", retryAfterMs: 50 });
  await put(broker, topic, ["e"], 20_000);
  expect(idsOfEvents(await readAll(broker, topic))).toEqual(["a", "b", "e"]);
});

test("what does not fit one transaction goes into the next, in order", async () => {
  const broker = await openBroker({ maxTransactionBytes: 5000 });
  const topic = await topicOf(broker, "transactions");
  const ids = Array.from({ length: 12 }, (_, at) => `e${at}`);
  await Promise.all(ids.map((id) => put(broker, topic, [id], 3000)));
  expect(idsOfEvents(await readAll(broker, topic))).toEqual(ids);
});

test("an append whose topic is deleted while it waits is refused, and the others of its transaction are kept", async () => {
  const broker = await openBroker();
  const [gone, kept] = [await topicOf(broker, "gone"), await topicOf(broker, "kept")];
  const deletion = broker.admin.deleteTopic(gone);
  const answers = await Promise.allSettled([put(broker, gone, ["a"]), put(broker, kept, ["b"])]);
  await deletion;
  expect(answers[1]!.status).toBe("fulfilled");
  expect(idsOfEvents(await readAll(broker, kept))).toEqual(["b"]);
});

describe("a reader refuses", () => {
  test.each([0, -1, 1.5, Number.NaN])("maxBytes %s", async (maxBytes) => {
    const broker = await openBroker();
    const reader = await broker.read(await topicOf(broker, "t"), 0, { at: "earliest" });
    await expect(reader.next(maxBytes)).rejects.toMatchObject({
      code: "invalid_request",
      errors: [{ path: "maxBytes" }],
    });
  });

  test("a second call while one waits", async () => {
    const broker = await openBroker();
    const reader = await broker.read(await topicOf(broker, "t"), 0, { at: "earliest" });
    const next = reader.next(1);
    await expect(reader.next(1)).rejects.toMatchObject({ code: "invalid_request", errors: [{ path: "next" }] });
    await reader.close();
    expect(await next).toEqual([]);
  });

  test.each([
    ["from.at", { at: "middle" }],
    ["from.time", { time: 5 }],
    ["from.after.offset", { after: { epoch: "e", offset: "one" } }],
  ])("%s: %j", async (path, from) => {
    const broker = await openBroker();
    const refused = broker.read(await topicOf(broker, "t"), 0, from as unknown as ReadFrom);
    await expect(refused).rejects.toMatchObject({ code: "invalid_request", errors: [{ path }] });
  });

  test("a position beyond the end: it was never given", async () => {
    const broker = await openBroker();
    const topic = await topicOf(broker, "t");
    await put(broker, topic, ["a"]);
    const { epoch } = (await broker.admin.partitions(topic))[0]!;
    await expect(broker.read(topic, 0, { after: { epoch, offset: "2" } })).rejects.toMatchObject({
      code: "position_gone",
    });
  });
});

test("readers that wait are told when their topic is deleted", async () => {
  const broker = await openBroker();
  const topic = await topicOf(broker, "deleted");
  const reader = await broker.read(topic, 0, { at: "latest" });
  const told = expect(reader.next(1)).rejects.toMatchObject({ code: "unknown_topic" });
  await broker.admin.deleteTopic(topic);
  await told;
});

test("a time among many batches is found, and one before them is their beginning", async () => {
  const runtime = clockAt(1000n * SECOND);
  const broker = await openBroker({ runtime });
  const topic = await topicOf(broker, "times");
  for (let at = 0; at < 60; at += 1) {
    await put(broker, topic, [`e${at}`, `f${at}`]);
    runtime.wall += SECOND;
  }
  for (const seconds of [0, 1, 31, 59]) {
    const reader = await broker.read(topic, 0, { time: (1000n + BigInt(seconds)) * SECOND - 1n });
    expect(idsOfEvents(await readEvents(reader, 1))[0]).toBe(`e${seconds}`);
    await reader.close();
  }
});

test("retention that is no whole number is refused with the field", async () => {
  const broker = await openBroker();
  for (const [path, retention] of [
    ["retention.ms", { ms: 0 }],
    ["retention.bytes", { bytes: 1.5 }],
  ] as const) {
    await expect(topicOf(broker, "t", { retention })).rejects.toMatchObject({
      code: "invalid_request",
      errors: [{ path }],
    });
  }
});
