/** What networks do between the client and a real broker: cut, stall, slow, and lose answers. */
import { createFaultProxy, type FaultProxy } from "@distribution/brokers";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { ClientEvent, MessageId } from "../src/index.ts";
import { numbered, type RealBroker, receiveAll, startBroker, until } from "./support/real-broker.ts";

let proxy: FaultProxy;
let broker: RealBroker;

beforeAll(async () => {
  proxy = await createFaultProxy();
  broker = await startBroker({ proxy });
  await broker.admin("POST", "namespaces/public/default/deduplication", true);
}, 240_000);
afterAll(async () => {
  await broker[Symbol.asyncDispose]();
  await proxy.close();
});

it("gives each message its place in the log, once and in order, though connections are cut and answers are lost", async () => {
  const topic = await broker.topic();
  const client = broker.client();
  const producer = await client.createProducer({ topic, name: "steady", maxBatchMessages: 3 });
  const reader = await client.createReader({ topic, from: { at: "earliest" } });
  const ids: Promise<MessageId>[] = [];
  for (const [n, text] of numbered(0, 3_000).entries()) {
    const sent = producer.send({ data: Buffer.from(text) });
    // Looked at below: until then a failure is not to end the process.
    sent.catch(() => undefined);
    ids.push(sent);
    if (n % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    if (n % 500 === 250) proxy.cut();
    // Stored, and the receipts are lost: what was sent is looked up in the log.
    if (n % 500 === 499) await proxy.swallow(1);
  }
  const confirmed = await Promise.all(ids);
  const stored = await receiveAll(reader, 3_000);
  expect(stored.map(({ data }) => data.toString())).toEqual(numbered(0, 3_000));
  expect(confirmed).toEqual(stored.map(({ id }) => id));
  expect(await reader.receive({ waitMs: 50 })).toEqual([]);
});

it("finds what was stored before the topic was terminated, and refuses what was not", async () => {
  for (const [first, unloaded] of [
    [true, false],
    [false, false],
    [false, true],
  ]) {
    const topic = await broker.topic();
    const producer = await broker.client().createProducer({ topic, batching: "none", sendTimeoutMs: 0 });
    if (!first) await producer.send({ data: Buffer.from("before") });
    // Stored, and the receipt is lost with the connection.
    const losing = proxy.swallow(1, (request) => request.includes("stored"));
    const stored = producer.send({ data: Buffer.from("stored") });
    await losing;
    proxy.refuse();
    proxy.cut();
    // Begins a ledger that stays empty: a topic that is terminated then does not tell its end.
    if (unloaded) await broker.admin("PUT", `${topic.replace("://", "/")}/unload`);
    await broker.admin("POST", `${topic.replace("://", "/")}/terminate`);
    const late = expect(producer.send({ data: Buffer.from("late") })).rejects.toMatchObject({
      code: "topic_terminated",
    });
    await proxy.accept();
    await late;
    const reader = await broker.client().createReader({ topic, from: { at: "earliest" } });
    const log = await receiveAll(reader, first ? 1 : 2);
    expect(await stored).toEqual(log.at(-1)!.id);
    await producer.close();
  }
});

it("closes what hangs and goes on when it can, and is patient with what is slow", async () => {
  const topic = await broker.topic();
  const events: ClientEvent[] = [];
  const client = broker.client({ keepAliveMs: 1_000, onEvent: (event) => events.push(event) });
  const producer = await client.createProducer({ topic });
  const consumer = await client.subscribe({ topic, subscription: "s" });
  proxy.stall();
  await until(() => events.some(({ type }) => type === "disconnected"));
  const sent = producer.send({ data: Buffer.from("message-0") });
  proxy.flow();
  await sent;
  const [message] = await receiveAll(consumer, 1);
  expect(message?.data.toString()).toBe("message-0");
  await consumer.ack(message!.id);
  proxy.slow(1_000_000);
  const disconnects = (): number => events.filter(({ type }) => type === "disconnected").length;
  const before = disconnects();
  await producer.send({ data: Buffer.alloc(500_000) });
  expect((await receiveAll(consumer, 1))[0]?.data.length).toBe(500_000);
  expect(disconnects()).toBe(before);
  proxy.slow(Number.POSITIVE_INFINITY);
});

it("asks a broker that refuses connections ever less often, however many topics wait for it", async () => {
  const events: ClientEvent[] = [];
  const client = broker.client({ backoff: { minMs: 20, maxMs: 1_000 }, onEvent: (event) => events.push(event) });
  const topic = await broker.topic(30);
  const producers = await Promise.all(
    Array.from({ length: 30 }, (_, n) => client.createProducer({ topic: `${topic}-partition-${n}` })),
  );
  proxy.refuse();
  proxy.cut();
  const attempts = (): number => events.filter(({ type }) => type === "connect_failed").length;
  const started = Date.now();
  await until(() => attempts() >= 5);
  const sent = producers.map((producer) => producer.send({ data: Buffer.from("x") }));
  await proxy.accept();
  await Promise.all(sent);
  // One attempt for all thirty at a time, each after a pause: not thirty for each.
  expect(attempts()).toBeLessThan(10 + (Date.now() - started) / 20);
});
