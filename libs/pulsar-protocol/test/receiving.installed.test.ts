/** Subscriptions and readers on a real broker: every type, acknowledgements, redelivery, seeks, places, partitions. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Consumer, Message, MessageId, Producer, PulsarClient } from "../src/index.ts";
import { numbered, type RealBroker, receiveAll, startBroker, texts, until } from "./support/real-broker.ts";

let broker: RealBroker;
let client: PulsarClient;

beforeAll(async () => {
  broker = await startBroker({ properties: { activeConsumerFailoverDelayTimeMillis: 0 } });
  client = broker.client();
  await broker.admin("POST", "namespaces/public/default/retention", {
    retentionTimeInMinutes: -1,
    retentionSizeInMB: -1,
  });
}, 240_000);
afterAll(() => broker[Symbol.asyncDispose]());

const path = (topic: string): string => topic.replace("://", "/");

/** Sends them in batches of `size`. */
async function send(producer: Producer, all: readonly string[], size = 1): Promise<MessageId[]> {
  const ids: MessageId[] = [];
  for (let at = 0; at < all.length; at += size) {
    const sent = all.slice(at, at + size).map((text) => producer.send({ data: Buffer.from(text), key: text }));
    ids.push(...(await Promise.all(sent)));
  }
  return ids;
}

const places = (messages: readonly Message[]): string[] =>
  messages.map(({ id, data }) => `${id.entryId}:${id.batchIndex}=${data}`);

describe("readers", () => {
  it("start anywhere: ends, ids, times, in and out of batches", async () => {
    const topic = await broker.topic();
    const producer = await client.createProducer({ topic });
    const ids = await send(producer, numbered(0, 6), 3);
    await new Promise((resolve) => setTimeout(resolve, 5));
    const between = BigInt(Date.now());
    ids.push(...(await send(producer, numbered(6, 8))));
    const from = async (
      start: Parameters<PulsarClient["createReader"]>[0]["from"],
      count: number,
    ): Promise<string[]> => {
      const reader = await client.createReader({ topic, from: start });
      const got = await texts(reader, count);
      expect(await reader.receive({ waitMs: 0 })).toEqual([]);
      await reader.close();
      return got;
    };
    expect(await from({ at: "earliest" }, 8)).toEqual(numbered(0, 8));
    for (const [i, id] of ids.entries()) {
      if (i < 7) expect(await from({ id }, 7 - i)).toEqual(numbered(i + 1, 8));
      expect(await from({ id, inclusive: true }, 8 - i)).toEqual(numbered(i, 8));
    }
    expect(await from({ time: between }, 2)).toEqual(numbered(6, 8));
    expect(await from({ time: 0n }, 8)).toEqual(numbered(0, 8));
    const latest = await client.createReader({ topic, from: { at: "latest" } });
    expect(latest.position).toMatchObject({ ledgerId: ids[7]!.ledgerId, entryId: ids[7]!.entryId });
    await send(producer, ["message-8"]);
    expect(await texts(latest, 1)).toEqual(["message-8"]);
    expect(await client.lastMessageId(topic)).toEqual(latest.position);
    await latest.seek({ id: ids[4]! });
    expect(await texts(latest, 2)).toEqual(numbered(4, 6));
    await latest.seek({ time: between });
    expect(await texts(latest, 3)).toEqual(numbered(6, 9));
    await latest.seek({ at: "latest" });
    await send(producer, ["message-9"]);
    expect(await texts(latest, 1)).toEqual(["message-9"]);
    expect(await client.lastMessageId(await emptyTopic())).toMatchObject({ entryId: -1n });
  });

  const emptyTopic = async (): Promise<string> => {
    const topic = await broker.topic();
    await broker.admin("PUT", path(topic));
    return topic;
  };

  it("hold nothing back and leave nothing behind", async () => {
    const topic = await broker.topic();
    const producer = await client.createProducer({ topic });
    await send(producer, numbered(0, 3));
    const reader = await client.createReader({ topic, from: { at: "earliest" } });
    await texts(reader, 3);
    await reader.close();
    await until(
      async () =>
        Object.keys(((await broker.admin("GET", `${path(topic)}/stats`)) as { subscriptions: object }).subscriptions)
          .length === 0,
    );
  });

  it("read of a compacted topic the newest of each key, and no tombstones' keys", async () => {
    const topic = await broker.topic();
    const producer = await client.createProducer({ topic });
    const put = (key: string, text: string | null): Promise<MessageId> =>
      producer.send({ key, data: text === null ? null : Buffer.from(text) });
    await Promise.all([put("a", "a1"), put("b", "b1"), put("a", "a2"), put("c", "c1")]);
    await put("b", null);
    await broker.admin("PUT", `${path(topic)}/compaction`);
    await until(
      async () => ((await broker.admin("GET", `${path(topic)}/compaction`)) as { status: string }).status === "SUCCESS",
    );
    const compacted = await client.createReader({ topic, from: { at: "earliest" }, readCompacted: true });
    expect(await texts(compacted, 2)).toEqual(["a2", "c1"]);
    const whole = await client.createReader({ topic, from: { at: "earliest" } });
    const all = await receiveAll(whole, 5);
    expect(all.map(({ tombstone }) => tombstone)).toEqual([false, false, false, false, true]);
  });
});

describe("consumers", () => {
  it("exclusive: one at a time, with cumulative acknowledgements within batches, and redelivery in order", async () => {
    const topic = await broker.topic();
    const producer = await client.createProducer({ topic });
    const options = { topic, subscription: "s", initialPosition: "earliest", batchIndexAcks: true } as const;
    const consumer = await client.subscribe(options);
    await expect(client.subscribe(options)).rejects.toMatchObject({ code: "consumer_busy" });
    await send(producer, numbered(0, 9), 3);
    const got = await receiveAll(consumer, 9);
    await consumer.ackCumulative(got[4]!.id);
    consumer.redeliver();
    expect(await texts(consumer, 4)).toEqual(numbered(5, 9));
    await consumer.close();
    const next = await client.subscribe(options);
    expect(await texts(next, 4)).toEqual(numbered(5, 9));
    await next.ackCumulative(got[8]!.id);
    await next.unsubscribe();
    const anew = await client.subscribe({ ...options, initialPosition: "latest" });
    await send(producer, ["message-9"]);
    expect(await texts(anew, 1)).toEqual(["message-9"]);
    await anew.close();
  });

  it("shared: the work is split, what one gives back the others get with its count, what one leaves behind too", async () => {
    const topic = await broker.topic();
    const producer = await client.createProducer({ topic });
    const options = {
      topic,
      subscription: "s",
      type: "shared",
      initialPosition: "earliest",
      queueMessages: 1,
    } as const;
    const first = await client.subscribe(options);
    const second = await client.subscribe(options);
    await send(producer, numbered(0, 4));
    const [mine] = await receiveAll(first, 1);
    const [other] = await receiveAll(second, 1);
    await second.ack(other!.id);
    first.redeliver([mine!.id]);
    await first.close();
    const rest = await receiveAll(second, 3);
    await second.ack(rest.map(({ id }) => id));
    expect([...rest, other!].map(({ data }) => data.toString()).sort()).toEqual(numbered(0, 4));
    expect(rest.find(({ id }) => id.entryId === mine!.id.entryId)?.redeliveryCount).toBe(1);
    await second.close();
  });

  it("acknowledge parts of batches over reconnects, and whole batches only where they are told to", async () => {
    for (const batchIndexAcks of [true, false]) {
      const topic = await broker.topic();
      const producer = await client.createProducer({ topic });
      const options = {
        topic,
        subscription: "s",
        type: "shared",
        initialPosition: "earliest",
        batchIndexAcks,
      } as const;
      const first = await client.subscribe(options);
      await send(producer, numbered(0, 6), 3);
      const got = await receiveAll(first, 6);
      await first.ack([got[1]!.id, got[3]!.id, got[4]!.id, got[5]!.id]);
      await first.close();
      const second = await client.subscribe(options);
      const again = batchIndexAcks ? ["message-0", "message-2"] : numbered(0, 3);
      expect(await texts(second, again.length)).toEqual(again);
      await second.close();
    }
  });

  it("key_shared: a key stays with one consumer, in order, when batches are by key", async () => {
    const topic = await broker.topic();
    const producer = await client.createProducer({ topic, batching: "by_key" });
    const options = { topic, subscription: "s", type: "key_shared", initialPosition: "earliest" } as const;
    const consumers = [await client.subscribe(options), await client.subscribe(options)];
    const sent: Promise<unknown>[] = [];
    for (let n = 0; n < 2_000; n++) sent.push(producer.send({ data: Buffer.from(`${n}`), key: `key-${n % 40}` }));
    await Promise.all(sent);
    const got: { consumer: Consumer; message: Message }[] = [];
    while (got.length < 2_000) {
      for (const consumer of consumers) {
        const messages = await consumer.receive({ waitMs: 20 });
        for (const message of messages) got.push({ consumer, message });
        if (messages.length > 0) await consumer.ack(messages.map(({ id }) => id));
      }
    }
    const owners = new Map<string, Consumer>();
    const last = new Map<string, number>();
    for (const { consumer, message } of got) {
      const key = message.key!;
      expect(owners.get(key) ?? consumer).toBe(consumer);
      owners.set(key, consumer);
      expect(Number(message.data.toString())).toBeGreaterThan(last.get(key) ?? -1);
      last.set(key, Number(message.data.toString()));
    }
    expect(new Set(owners.values()).size).toBe(2);
    for (const consumer of consumers) await consumer.close();
  });

  it("failover: one is active, and when it goes the next is told and gets what was not acknowledged", async () => {
    const topic = `${await broker.topic(1)}-partition-0`;
    const producer = await client.createProducer({ topic });
    const changes: string[] = [];
    const member = (name: string): Promise<Consumer> =>
      client.subscribe({
        topic,
        subscription: "s",
        type: "failover",
        name,
        initialPosition: "earliest",
        onActiveChange: (active) => changes.push(`${name} ${active}`),
      });
    const a = await member("a");
    await until(() => a.active);
    const b = await member("b");
    await send(producer, numbered(0, 4));
    const got = await receiveAll(a, 2);
    await a.ack(got[0]!.id);
    expect(await b.receive({ waitMs: 50 })).toEqual([]);
    expect(b.active).toBe(false);
    await a.close();
    expect(await texts(b, 3)).toEqual(numbered(1, 4));
    expect(b.active).toBe(true);
    expect(changes).toEqual(["a true", "b true"]);
    await b.close();
  });

  it("seek the subscription by id and time, and receive nothing of before", async () => {
    const topic = await broker.topic();
    const producer = await client.createProducer({ topic });
    const consumer = await client.subscribe({
      topic,
      subscription: "s",
      initialPosition: "earliest",
      batchIndexAcks: true,
    });
    const ids = await send(producer, numbered(0, 6), 3);
    await new Promise((resolve) => setTimeout(resolve, 5));
    const between = BigInt(Date.now());
    await send(producer, numbered(6, 8));
    await texts(consumer, 8);
    await consumer.seek({ id: ids[4]! });
    expect(places(await receiveAll(consumer, 4))).toEqual([
      "1:1=message-4",
      "1:2=message-5",
      "2:-1=message-6",
      "3:-1=message-7",
    ]);
    await consumer.seek({ time: between });
    expect(await texts(consumer, 2)).toEqual(numbered(6, 8));
    await consumer.seek({ at: "earliest" });
    expect(await texts(consumer, 8)).toEqual(numbered(0, 8));
    await consumer.seek({ at: "latest" });
    await send(producer, ["message-8"]);
    expect(await texts(consumer, 1)).toEqual(["message-8"]);
    await consumer.close();
  });

  it("are given no more permits than their window, however often they come and go", async () => {
    const topic = await broker.topic();
    const producer = await client.createProducer({ topic });
    const consumer = await client.subscribe({
      topic,
      subscription: "s",
      initialPosition: "earliest",
      queueMessages: 100,
    });
    for (let round = 0; round < 10; round++) {
      await send(producer, numbered(0, 200), 7);
      const got = await receiveAll(consumer, 200);
      await consumer.ackCumulative(got.at(-1)!.id);
      consumer.redeliver();
    }
    const stats = (await broker.admin("GET", `${path(topic)}/stats`)) as {
      subscriptions: { s: { consumers: { availablePermits: number }[] } };
    };
    const permits = stats.subscriptions.s.consumers[0]!.availablePermits;
    expect(permits).toBeGreaterThan(0);
    expect(permits).toBeLessThanOrEqual(100);
    await consumer.close();
  });
});

describe("topics", () => {
  it("with partitions are used partition by partition, also those that come later", async () => {
    const topic = await broker.topic(2);
    expect(await client.partitions(topic)).toBe(2);
    await expect(client.createProducer({ topic })).rejects.toMatchObject({ code: "partitioned_topic" });
    const old = await client.createProducer({ topic: `${topic}-partition-1` });
    const sending = send(old, numbered(0, 50));
    await broker.admin("POST", `${path(topic)}/partitions`, 4);
    await until(async () => (await client.partitions(topic)) === 4);
    await sending;
    const added = await client.createProducer({ topic: `${topic}-partition-3` });
    expect(await added.send({ data: Buffer.from("x") })).toMatchObject({ partition: 3 });
    const reader = await client.createReader({ topic: `${topic}-partition-1`, from: { at: "earliest" } });
    expect(await texts(reader, 50)).toEqual(numbered(0, 50));
    await expect(client.partitions(await broker.topic())).rejects.toMatchObject({ code: "topic_not_found" });
    const alone = await broker.topic();
    await broker.admin("PUT", path(alone));
    expect(await client.partitions(alone)).toBe(0);
  });

  it("that are not there are refused where they are not to be created", async () => {
    const topic = await broker.topic();
    await expect(client.createReader({ topic, from: { at: "earliest" } })).rejects.toMatchObject({
      code: "topic_not_found",
    });
    await expect(client.subscribe({ topic, subscription: "s", createTopic: false })).rejects.toMatchObject({
      code: "topic_not_found",
    });
    await expect(client.createProducer({ topic: "none/such/topic" })).rejects.toMatchObject({
      code: "topic_not_found",
    });
  });

  it("that are terminated take no more", async () => {
    const topic = await broker.topic();
    const producer = await client.createProducer({ topic });
    await send(producer, ["message-0"]);
    await broker.admin("POST", `${path(topic)}/terminate`);
    await expect(producer.send({ data: Buffer.from("x") })).rejects.toMatchObject({ code: "topic_terminated" });
  });
});

describe("producers", () => {
  it("compress, and refuse what the broker would close the connection for", async () => {
    const topic = await broker.topic();
    const { maxMessageSize } = await client.ready();
    for (const compression of ["none", "zlib", "zstd"] as const) {
      const producer = await client.createProducer({ topic, compression, batching: "none" });
      const data =
        compression === "none" ? Buffer.alloc(maxMessageSize - 200, "x") : Buffer.alloc(3 * maxMessageSize, "x");
      await producer.send({ data, properties: { compression } });
      await producer.close();
    }
    const reader = await client.createReader({ topic, from: { at: "earliest" } });
    for (const compression of ["none", "zlib", "zstd"]) {
      const [message] = await receiveAll(reader, 1);
      expect(message!.property("compression")).toBe(compression);
      expect(message!.data.every((byte) => byte === 120)).toBe(true);
    }
    const producer = await client.createProducer({ topic });
    await expect(producer.send({ data: Buffer.alloc(maxMessageSize) })).rejects.toMatchObject({
      code: "message_too_large",
    });
    await producer.send({ data: Buffer.from("goes on") });
    expect(await texts(reader, 1)).toEqual(["goes on"]);
  });

  it("of one name, or exclusive, are one at a time", async () => {
    const topic = await broker.topic();
    const first = await client.createProducer({ topic, name: "n", access: "exclusive" });
    await expect(client.createProducer({ topic, name: "n" })).rejects.toMatchObject({ code: "producer_busy" });
    await expect(client.createProducer({ topic })).rejects.toMatchObject({ code: "producer_busy" });
    await first.close();
    const next = await client.createProducer({ topic, name: "n" });
    await next.close();
  });

  it("delay what is to be delivered later, on shared subscriptions", async () => {
    const topic = await broker.topic();
    const consumer = await client.subscribe({ topic, subscription: "s", type: "shared" });
    const producer = await client.createProducer({ topic });
    const deliverAt = BigInt(Date.now() + 1_500);
    await producer.send({ data: Buffer.from("later"), deliverAt });
    await producer.send({ data: Buffer.from("now") });
    expect(await texts(consumer, 2)).toEqual(["now", "later"]);
    // The broker's clock for this has ticks of a second.
    expect(BigInt(Date.now())).toBeGreaterThan(deliverAt - 1_000n);
    await consumer.close();
  });
});
