/** What a real broker does to its clients: dies, moves topics, closes, hangs. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { MessageId, Producer, PulsarClient } from "../src/index.ts";
import { compareMessageIds, PulsarError } from "../src/index.ts";
import { numbered, type RealBroker, receiveAll, startBroker, texts, until } from "./support/real-broker.ts";

let broker: RealBroker;

beforeAll(async () => {
  broker = await startBroker();
  await broker.admin("POST", "namespaces/public/default/deduplication", true);
  await broker.admin("POST", "namespaces/public/default/retention", {
    retentionTimeInMinutes: -1,
    retentionSizeInMB: -1,
  });
}, 240_000);
afterAll(() => broker[Symbol.asyncDispose]());

const path = (topic: string): string => topic.replace("://", "/");

/** Sends until told to stop; every message that was confirmed, with its id. */
function produce(producer: Producer): { stop(): Promise<Map<string, MessageId>>; confirmed: Map<string, MessageId> } {
  const confirmed = new Map<string, MessageId>();
  let going = true;
  let errors: unknown;
  const run = async (): Promise<void> => {
    for (let n = 0; going; ) {
      for (let i = 0; i < 20; i++, n++) {
        const text = `message-${n}`;
        producer.send({ data: Buffer.from(text) }).then(
          (id) => confirmed.set(text, id),
          (error: unknown) => {
            errors ??= error;
          },
        );
      }
      // Some are under way at any time, not all that fit.
      do await new Promise((resolve) => setTimeout(resolve, 1));
      while (producer.pending.messages > 500);
    }
    await producer.flush();
    if (errors !== undefined) throw errors;
  };
  const running = run();
  return {
    confirmed,
    async stop() {
      going = false;
      await running;
      return confirmed;
    },
  };
}

/** All messages of the topic, each with its id, by a reader from the beginning. */
async function everything(client: PulsarClient, topic: string): Promise<{ text: string; id: MessageId }[]> {
  const reader = await client.createReader({ topic, from: { at: "earliest" } });
  const end = await reader.lastMessageId();
  const found: { text: string; id: MessageId }[] = [];
  while (compareMessageIds(reader.position, end) < 0) {
    for (const message of await reader.receive()) found.push({ text: message.data.toString(), id: message.id });
  }
  await reader.close();
  return found;
}

/** Nothing confirmed is missing, nothing is there twice, the order is that of the calls, and the ids are where they say. */
function expectWhole(stored: { text: string; id: MessageId }[], confirmed: Map<string, MessageId>): void {
  const numbers = stored.map(({ text }) => Number(text.slice("message-".length)));
  expect(numbers).toEqual(numbers.map((_, i) => i));
  const ids = new Map(stored.map(({ text, id }) => [text, id]));
  expect([...confirmed.keys()].filter((text) => !ids.has(text))).toEqual([]);
  for (const [text, id] of confirmed) expect(id, text).toEqual(ids.get(text));
}

describe("producing", () => {
  it("loses, doubles and reorders nothing when the broker is killed again and again", async () => {
    const topic = await broker.topic();
    const client = broker.client();
    const producer = await client.createProducer({
      topic,
      name: "steady",
      maxBatchMessages: 7,
      sendTimeoutMs: 120_000,
    });
    const work = produce(producer);
    for (let round = 1; round <= 3; round++) {
      const before = work.confirmed.size;
      await until(() => work.confirmed.size > before + 500);
      await broker.pulsar.kill();
      await broker.pulsar.start();
    }
    const before = work.confirmed.size;
    await until(() => work.confirmed.size > before + 100);
    const confirmed = await work.stop();
    expectWhole(await everything(client, topic), confirmed);
    await producer.close();
  }, 240_000);

  it("goes on over unloads of the topic, and gives the ids of what was stored before them", async () => {
    const topic = await broker.topic();
    const client = broker.client();
    const producer = await client.createProducer({ topic, maxBatchMessages: 5 });
    const work = produce(producer);
    for (let round = 1; round <= 8; round++) {
      const before = work.confirmed.size;
      await until(() => work.confirmed.size > before + 200);
      await broker.admin("PUT", `${path(topic)}/unload`);
    }
    const confirmed = await work.stop();
    expectWhole(await everything(client, topic), confirmed);
    await producer.close();
  }, 120_000);

  it("is told by its name what a former process stored", async () => {
    const topic = await broker.topic();
    const first = await broker.client().createProducer({ topic, name: "heir" });
    await Promise.all(numbered(0, 10).map((text) => first.send({ data: Buffer.from(text) })));
    await first.close();
    const second = await broker.client().createProducer({ topic, name: "heir" });
    expect(second.lastSequenceId).toBe(9n);
    await second.close();
    const third = await broker.client().createProducer({ topic, name: "heir", initialSequenceId: 5n });
    const again = await Promise.all(numbered(5, 12).map((text) => third.send({ data: Buffer.from(text) })));
    expect(again.length).toBe(7);
    await third.close();
  });

  it("rejects with its last error what is not confirmed in time", async () => {
    const topic = await broker.topic();
    const producer = await broker.client().createProducer({ topic, sendTimeoutMs: 300 });
    broker.pulsar.pause();
    await expect(producer.send({ data: Buffer.from("late") })).rejects.toMatchObject({
      code: "timeout",
      retriable: true,
    });
    broker.pulsar.resume();
    await producer.close();
  });
});

describe("receiving", () => {
  it("reads on over unloads and kills, every message once and in order", async () => {
    const topic = await broker.topic();
    const client = broker.client();
    const producer = await client.createProducer({
      topic,
      name: "source",
      maxBatchMessages: 3,
      sendTimeoutMs: 120_000,
    });
    const reader = await client.createReader({ topic, from: { at: "latest" }, queueMessages: 50 });
    const work = produce(producer);
    const got: string[] = [];
    const more = async (count: number): Promise<void> => void got.push(...(await texts(reader, count)));
    await more(300);
    await broker.admin("PUT", `${path(topic)}/unload`);
    await more(1000);
    await broker.pulsar.kill();
    await broker.pulsar.start();
    await more(1000);
    expect(got).toEqual(numbered(0, 2300));
    await work.stop();
    await reader.close();
    await producer.close();
  }, 120_000);

  it("gives a consumer again, after an unload, what it had not acknowledged", async () => {
    const topic = await broker.topic();
    const client = broker.client();
    const producer = await client.createProducer({ topic });
    let reattached = 0;
    const consumer = await client.subscribe({
      topic,
      subscription: "work",
      initialPosition: "earliest",
      batchIndexAcks: true,
      onReattached: () => reattached++,
    });
    for (const text of numbered(0, 10)) await producer.send({ data: Buffer.from(text) });
    const first = await receiveAll(consumer, 4);
    await consumer.ack(first.filter((_, i) => i !== 1).map(({ id }) => id));
    await broker.admin("PUT", `${path(topic)}/unload`);
    expect(await texts(consumer, 7)).toEqual(["message-1", ...numbered(4, 10)]);
    expect(reattached).toBe(1);
    await expect(consumer.ack(first[1]!.id)).resolves.toBeUndefined();
    await consumer.close();
  });

  it("survives a broker that hangs", async () => {
    const topic = await broker.topic();
    const client = broker.client({ keepAliveMs: 200 });
    const producer = await client.createProducer({ topic, name: "hung" });
    await producer.send({ data: Buffer.from("message-0") });
    broker.pulsar.pause();
    const sent = producer.send({ data: Buffer.from("message-1") });
    await until(() => !producer.attached);
    broker.pulsar.resume();
    await sent;
    const reader = await client.createReader({ topic, from: { at: "earliest" } });
    expect(await texts(reader, 2)).toEqual(numbered(0, 2));
    await producer.close();
  });

  it("ends with topic_not_found when the topic is deleted and not to be created", async () => {
    const topic = await broker.topic();
    await broker.admin("PUT", path(topic));
    const reader = await broker.client().createReader({ topic, from: { at: "latest" } });
    const waiting = reader.receive();
    waiting.catch(() => undefined);
    await broker.admin("DELETE", `${path(topic)}?force=true`);
    await expect(waiting).rejects.toMatchObject({ code: "topic_not_found" });
    expect(reader.closed).toBe(true);
  });
});

describe("a broker that is away", () => {
  it("is waited for at start, and says so when it does not come", async () => {
    const topic = await broker.topic();
    await broker.pulsar.kill();
    const hasty = broker.client({ operationTimeoutMs: 300 });
    const refused = await hasty.createProducer({ topic }).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(PulsarError);
    expect(refused).toMatchObject({ code: "unavailable", retriable: true });
    const patient = broker.client({ operationTimeoutMs: 120_000 }).createProducer({ topic });
    await broker.pulsar.start();
    const producer = await patient;
    await producer.send({ data: Buffer.from("there") });
    await producer.close();
  }, 120_000);
});
