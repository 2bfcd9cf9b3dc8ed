/** Several processes on a real Pulsar: they share the partitions of a group, and what one writes the others see. */
import { createPulsarBroker } from "@distribution/broker-pulsar";
import { createFaultProxy, type FaultProxy, type Pulsar, startPulsar } from "@distribution/brokers";
import type { Broker, GroupMember } from "@distribution/core/brokers";
import { batchOf, eventsOf, positionsOf } from "@distribution/testkit/broker";
import { assertFaultless, createHistory, type History, type Observer } from "@distribution/testkit/history";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { loseReceipt } from "./support/lost-receipt.ts";

const START_MS = 200_000;
const LONG_MS = 120_000;
const PARTITIONS = 4;

let proxy: FaultProxy;
let pulsar: Pulsar;
beforeAll(async () => {
  proxy = await createFaultProxy();
  pulsar = await startPulsar({ proxy });
}, START_MS);
afterAll(async () => {
  await pulsar.remove();
  await proxy.close();
});

const open = async (): Promise<Broker> => {
  const broker = await createPulsarBroker({ serviceUrl: pulsar.serviceUrl, adminUrl: pulsar.adminUrl });
  onTestFinished(() => broker.close());
  return broker;
};

const publish = async (broker: Broker, topic: string, history: History, from: number, count: number): Promise<void> => {
  for (let at = from; at < from + count; at += 1) {
    const partition = at % PARTITIONS;
    const [id, key] = [`e${at}`, `k${partition}.${at % 3}`];
    history.publish(id, key);
    await broker.append([{ topic, partition, batch: batchOf([{ id, key }]) }]);
    history.settle(id, "acknowledged");
  }
};

/** Works until it is closed; what another process was given meanwhile cannot be settled here, and comes there. */
async function work(member: GroupMember, observer: Observer, settled: Set<string>): Promise<void> {
  for (let batches = await member.next(20); batches.length > 0; batches = await member.next(20)) {
    for (const given of batches) {
      for (const { id } of eventsOf(given)) observer.saw(id);
      const ids = eventsOf(given).map(({ id }) => id);
      await member.ack(positionsOf(given)).then(
        () => {
          for (const id of ids) settled.add(id);
        },
        () => undefined,
      );
    }
  }
}

test("a group's partitions go to the processes that are there, and no event is lost when they come and go", {
  timeout: LONG_MS,
}, async () => {
  const first = await open();
  const topic = "processes.group";
  await first.admin.ensureTopic({ name: topic, partitions: PARTITIONS, retention: {}, compaction: false });
  const history = createHistory();
  const observer = history.observer("the group", { redeliveries: true });
  const settled = new Set<string>();
  const options = { name: "workers", topics: [topic], from: "earliest", ackTimeoutMs: 30_000 } as const;
  const members = [await first.group(options)];
  const working = [work(members[0]!, observer, settled)];
  await publish(first, topic, history, 0, 100);
  const second = await open();
  members.push(await second.group(options));
  working.push(work(members[1]!, observer, settled));
  await publish(first, topic, history, 100, 100);
  await expect.poll(() => settled.size, { timeout: 60_000 }).toBe(200);
  await second.close();
  await publish(first, topic, history, 200, 100);
  await expect.poll(() => settled.size, { timeout: 60_000 }).toBe(300);
  await expect.poll(() => first.admin.lag(options.name, topic), { timeout: 30_000 }).toEqual([0, 0, 0, 0]);
  await first.close();
  await Promise.all(working);
  assertFaultless(history.report());
});

test("a group goes on over connections that are cut, and nothing comes again", { timeout: LONG_MS }, async () => {
  const broker = await open();
  const topic = "processes.group-cut";
  await broker.admin.ensureTopic({ name: topic, partitions: PARTITIONS, retention: {}, compaction: false });
  const history = createHistory();
  const settled = new Set<string>();
  const member = await broker.group({ name: "workers", topics: [topic], from: "earliest", ackTimeoutMs: 60_000 });
  const working = work(member, history.observer("the group"), settled);
  for (let round = 0; round < 3; round += 1) {
    const publishing = publish(broker, topic, history, 40 * round, 40);
    proxy.cut();
    await publishing;
  }
  await expect.poll(() => settled.size, { timeout: 60_000 }).toBe(120);
  await member.close();
  await working;
  assertFaultless(history.report());
});

test("an append whose receipt was lost is stored once, and its position is found", { timeout: LONG_MS }, async () => {
  await loseReceipt(await open(), proxy, "processes.receipt");
});

test("connections that are cut under a tail and its publisher lose and double nothing", {
  timeout: LONG_MS,
}, async () => {
  const broker = await open();
  const topic = "processes.cut";
  await broker.admin.ensureTopic({ name: topic, partitions: PARTITIONS, retention: {}, compaction: false });
  const history = createHistory();
  const tail = history.observer("the tail");
  let seen = 0;
  const following = Array.from({ length: PARTITIONS }, async (_, partition) => {
    const reader = await broker.read(topic, partition, { at: "earliest" });
    for (let batches = await reader.next(1 << 20); batches.length > 0; batches = await reader.next(1 << 20)) {
      for (const stored of batches) {
        for (const { id } of eventsOf(stored)) {
          tail.saw(id);
          seen += 1;
        }
      }
    }
  });
  for (let round = 0; round < 5; round += 1) {
    const publishing = publish(broker, topic, history, 100 * round, 100);
    proxy.cut();
    await publishing;
  }
  await expect.poll(() => seen, { timeout: 30_000 }).toBe(500);
  await broker.close();
  await Promise.all(following);
  assertFaultless(history.report());
});
