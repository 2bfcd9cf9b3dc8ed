/** A group over two processes' worth of brokers: partitions move, keys keep their order, and what is settled stays so. */
import { createKafkaBroker, type KafkaBrokerOptions } from "@distribution/broker-kafka";
import { createFaultProxy, type Kafka, startKafka } from "@distribution/brokers";
import type { Broker } from "@distribution/core/brokers";
import { batchOf, takeEvents } from "@distribution/testkit/broker";
import { rebalance } from "@distribution/testkit/load";
import { afterAll, beforeAll, expect, test } from "vitest";

let kafka: Kafka;

beforeAll(async () => {
  kafka = await startKafka();
});
afterAll(async () => {
  await kafka.remove();
});

const PARTITIONS = 4;
/** Members that come and go; GROUP_REBALANCES sets it. */
const REBALANCES = Number(process.env["GROUP_REBALANCES"] ?? 3);

const openBroker = (options: Partial<KafkaBrokerOptions> = {}): Promise<Broker> =>
  createKafkaBroker({ brokers: [kafka.bootstrap], sessionTimeoutMs: 2000, ...options });

const ensure = (broker: Broker, name: string): Promise<void> =>
  broker.admin.ensureTopic({ name, partitions: PARTITIONS, retention: {}, compaction: false });

const settled = (broker: Broker, group: string, topic: string) =>
  expect
    .poll(async () => (await broker.admin.lag(group, topic)).reduce((sum, events) => sum + events, 0), {
      timeout: 30_000,
    })
    .toBe(0);

test("members of several processes come and go: nothing is lost or reordered, and settled events do not come again", {
  timeout: 60_000 + REBALANCES * 20_000,
}, async () => {
  const topic = "groups.rebalance";
  const brokers = [await openBroker(), await openBroker(), await openBroker()] as const;
  const report = await rebalance(brokers, { topic, partitions: PARTITIONS, concurrency: 4 }, REBALANCES);
  for (const broker of brokers) await broker.close();
  // Graceful moves wait for what is in hand.
  expect(report.redelivered).toBe(0);
});

test("a member whose network is gone is replaced within its session, and what it had settled stays settled", async () => {
  const topic = "groups.gone";
  await using proxy = await createFaultProxy();
  await using own = await startKafka({ proxy });
  const direct = () => createKafkaBroker({ brokers: [own.bootstrap], sessionTimeoutMs: 1500, requestTimeoutMs: 2000 });
  const broker = await direct();
  await ensure(broker, topic);
  const ids = Array.from({ length: 40 }, (_, at) => `e${at}`);
  for (const [at, id] of ids.entries()) {
    await broker.append([{ topic, partition: at % PARTITIONS, batch: batchOf([{ id, key: id }]) }]);
  }
  const options = { name: topic, topics: [topic], from: "earliest", ackTimeoutMs: 60_000 } as const;
  const member = await broker.group(options);
  const taken = await takeEvents(member, 40);
  await member.ack(taken.filter((_, at) => at % 2 === 0).map(({ position }) => position));
  proxy.refuse();
  proxy.cut();
  // While it is away it gives up what it has: others may have it.
  await expect(member.ack(taken.map(({ position }) => position))).rejects.toMatchObject({ code: "unavailable" });
  await proxy.accept();
  const again = await takeEvents(member, 20);
  expect(again.map(({ id }) => id).sort()).toEqual(
    taken
      .filter((_, at) => at % 2 === 1)
      .map(({ id }) => id)
      .sort(),
  );
  await member.ack(again.map(({ position }) => position));
  await settled(broker, topic, topic);
  await broker.close();
});

test("a member that leaves is followed by one elsewhere, which is given what is not settled, with its attempts", async () => {
  const topic = "groups.left";
  const leaving = await openBroker();
  const broker = await openBroker();
  await ensure(broker, topic);
  const ids = Array.from({ length: 40 }, (_, at) => `e${at}`);
  for (const [at, id] of ids.entries()) {
    await broker.append([{ topic, partition: at % PARTITIONS, batch: batchOf([{ id, key: id }]) }]);
  }
  const options = { name: topic, topics: [topic], from: "earliest", ackTimeoutMs: 60_000 } as const;
  const member = await leaving.group(options);
  const taken = await takeEvents(member, 40);
  await member.ack(taken.filter((_, at) => at % 2 === 0).map(({ position }) => position));
  expect((await broker.admin.lag(topic, topic)).reduce((sum, events) => sum + events, 0)).toBe(20);
  await member.close();
  const next = await broker.group(options);
  const rest = await takeEvents(next, 20);
  expect(rest.map(({ id }) => id).sort()).toEqual(
    taken
      .filter((_, at) => at % 2 === 1)
      .map(({ id }) => id)
      .sort(),
  );
  expect(rest.every(({ attempt }) => attempt === 2)).toBe(true);
  await next.close();
  await broker.close();
  await leaving.close();
});

test("partitions that are added while a group runs, from latest, are worked on from their first event", async () => {
  const topic = "groups.grown";
  const broker = await openBroker();
  await ensure(broker, topic);
  const member = await broker.group({ name: topic, topics: [topic], from: "latest", ackTimeoutMs: 30_000 });
  await broker.admin.ensureTopic({ name: topic, partitions: PARTITIONS + 1, retention: {}, compaction: false });
  await broker.append([{ topic, partition: PARTITIONS, batch: batchOf([{ id: "grown", key: "k" }]) }]);
  expect((await takeEvents(member, 1)).map(({ id }) => id)).toEqual(["grown"]);
  await member.close();
  await broker.close();
});
