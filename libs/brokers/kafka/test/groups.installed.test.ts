/** A group over two processes' worth of brokers: partitions move, keys keep their order, and what is settled stays so. */
import { createKafkaBroker, type KafkaBrokerOptions } from "@distribution/broker-kafka";
import { createFaultProxy, type Kafka, startKafka } from "@distribution/brokers";
import type { Broker, GroupMember } from "@distribution/core/brokers";
import { batchOf, takeEvents, takenOf } from "@distribution/testkit/broker";
import { assertFaultless, createHistory, type Observer } from "@distribution/testkit/history";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startLoad } from "./support/load.ts";

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

interface Worker {
  readonly taken: number;
  stop(): Promise<void>;
}

/** Takes, holds for a moment and acks; checks that nobody else has a key in hand meanwhile. */
function startWorker(member: GroupMember, observer: Observer, hands: Map<string, GroupMember>): Worker {
  let taken = 0;
  let busy = false;
  let stopping = false;
  const broken: string[] = [];
  const run = (async () => {
    while (!stopping) {
      const batches = takenOf(await member.next(50));
      if (batches.length === 0) return;
      busy = true;
      for (const { id, key } of batches) {
        const other = hands.get(key);
        if (other !== undefined && other !== member) broken.push(`${id}: ${key} is in other hands`);
        hands.set(key, member);
        observer.saw(id);
      }
      taken += batches.length;
      await new Promise((resolve) => setTimeout(resolve, 1));
      for (const { key } of batches) hands.delete(key);
      // A partition that was given to another meanwhile: its events come again there.
      await member.ack(batches.map(({ position }) => position)).catch(() => undefined);
      busy = false;
    }
  })();
  return {
    get taken() {
      return taken;
    },
    async stop() {
      stopping = true;
      // What it has in hand it finishes.
      await new Promise(setImmediate);
      if (busy) await run;
      await member.close();
      await run;
      expect(broken).toEqual([]);
    },
  };
}

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
  await ensure(brokers[0], topic);
  const history = createHistory();
  const observer = history.observer("the group", { redeliveries: true });
  const hands = new Map<string, GroupMember>();
  const options = { name: topic, topics: [topic], from: "earliest", ackTimeoutMs: 30_000 } as const;
  const load = startLoad(brokers[0], history, { topic, partitions: PARTITIONS, concurrency: 4 });
  const first = startWorker(await brokers[1].group(options), observer, hands);
  await load.more(100);
  for (let round = 0; round < REBALANCES; round += 1) {
    const second = startWorker(await brokers[2].group(options), observer, hands);
    await expect.poll(() => second.taken, { timeout: 20_000 }).toBeGreaterThan(20);
    await second.stop();
    await load.more(50);
  }
  const third = startWorker(await brokers[0].group(options), observer, hands);
  await expect.poll(() => third.taken, { timeout: 20_000 }).toBeGreaterThan(20);
  await first.stop();
  await load.more(100);
  await load.stop();
  await settled(brokers[0], topic, topic);
  await third.stop();
  for (const broker of brokers) await broker.close();
  const report = history.report();
  assertFaultless(report);
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
