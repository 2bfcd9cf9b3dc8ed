/** What goes wrong with a real Pulsar: killed under load, held, topics deleted underneath, retention that passes a reader, an unload. */
import { createPulsarBroker } from "@distribution/broker-pulsar";
import { type Pulsar, startPulsar } from "@distribution/brokers";
import type { Broker, GroupBatch } from "@distribution/core/brokers";
import { batchOf, eventsOf, positionsOf, readEvents } from "@distribution/testkit/broker";
import { assertFaultless, createHistory, type History, type Observer } from "@distribution/testkit/history";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";

const START_MS = 200_000;
const LONG_MS = 180_000;

let pulsar: Pulsar;
beforeAll(async () => {
  // Retention keeps what follows the last snapshot of the sequence ids; by default there is one every 1,000 entries.
  pulsar = await startPulsar({ properties: { brokerDeduplicationEntriesInterval: 1 } });
}, START_MS);
afterAll(async () => {
  await pulsar.remove();
});

const open = async (options: Partial<Parameters<typeof createPulsarBroker>[0]> = {}): Promise<Broker> => {
  const broker = await createPulsarBroker({ serviceUrl: pulsar.serviceUrl, adminUrl: pulsar.adminUrl, ...options });
  onTestFinished(() => broker.close());
  return broker;
};

let topics = 0;
const topicOf = async (broker: Broker, partitions = 1, retention = {}): Promise<string> => {
  topics += 1;
  const name = `faults.t-${topics}`;
  await broker.admin.ensureTopic({ name, partitions, retention, compaction: false });
  return name;
};

const api = async (method: string, path: string, body?: unknown): Promise<void> => {
  const answer = await fetch(`${pulsar.adminUrl}/admin/v2/persistent/public/default/${path}`, {
    method,
    headers: { "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  expect(answer.ok, `${method} ${path}: ${answer.status}`).toBe(true);
};

/** Publishers that go on until they are told to stop; each has its own keys. */
async function publish(broker: Broker, topic: string, history: History, isOver: () => boolean): Promise<void> {
  const work = async (publisher: number): Promise<void> => {
    for (let call = 0; !isOver(); call += 1) {
      const events = [0, 1, 2].map((event) => ({
        id: `${topic}-${publisher}-${call}-${event}`,
        key: `${publisher}.${event}`,
      }));
      for (const { id, key } of events) history.publish(id, key);
      try {
        await broker.append([{ topic, partition: publisher % 2, batch: batchOf(events) }]);
        for (const { id } of events) history.settle(id, "acknowledged");
      } catch {
        // It may be stored or not: the history takes both.
      }
    }
  };
  await Promise.all(Array.from({ length: 4 }, (_, publisher) => work(publisher)));
}

async function readAll(broker: Broker, topic: string, observer: Observer): Promise<void> {
  for (const { partition, epoch, start, end } of await broker.admin.partitions(topic)) {
    const reader = await broker.read(topic, partition, { after: { epoch, offset: start } });
    let at = start;
    while (broker.compareOffsets(at, end) < 0) {
      for (const stored of await reader.next(1 << 20)) {
        for (const { id } of eventsOf(stored)) observer.saw(id);
        at = stored.offsetAt(stored.batch.count - 1);
      }
    }
    await reader.close();
  }
}

test("killed under load, over and over: nothing acknowledged is lost, nothing is there twice or in another order", {
  timeout: LONG_MS,
}, async () => {
  const broker = await open();
  const topic = await topicOf(broker, 2);
  const history = createHistory();
  const tail = history.observer("a reader that is there all the time");
  const following = (await broker.admin.partitions(topic)).map(async ({ partition }) => {
    const reader = await broker.read(topic, partition, { at: "earliest" });
    for (let batches = await reader.next(1 << 20); batches.length > 0; batches = await reader.next(1 << 20)) {
      for (const stored of batches) for (const { id } of eventsOf(stored)) tail.saw(id);
    }
  });
  let over = false;
  const publishing = publish(broker, topic, history, () => over);
  for (let round = 0; round < 3; round += 1) {
    await new Promise((resolve) => setTimeout(resolve, 300 + Math.random() * 700));
    await pulsar.kill();
    await pulsar.start();
  }
  over = true;
  await publishing;
  const fresh = history.observer("a reader from the beginning");
  await readAll(broker, topic, fresh);
  // What the tail has not seen yet is on its way.
  await expect
    .poll(() => history.report().faultless, { timeout: 30_000 })
    .toBe(true)
    .catch(() => undefined);
  const report = history.report();
  assertFaultless(report);
  expect(report.acknowledged).toBeGreaterThan(100);
  await expect.poll(() => broker.health(), { timeout: 30_000 }).toEqual({ ready: true, reasons: [] });
  await broker.close();
  await Promise.all(following);
});

test("killed under a group's work: what was settled does not come again, and nothing else is lost", {
  timeout: LONG_MS,
}, async () => {
  const broker = await open();
  const topic = await topicOf(broker, 2);
  const history = createHistory();
  const observer = history.observer("the group", { redeliveries: true });
  const member = await broker.group({ name: topic, topics: [topic], from: "earliest", ackTimeoutMs: 60_000 });
  const settled = new Set<string>();
  const again: string[] = [];
  const take = async (given: GroupBatch): Promise<void> => {
    const ids = eventsOf(given).map(({ id }) => id);
    for (const id of ids) {
      observer.saw(id);
      if (settled.has(id)) again.push(id);
    }
    await member.ack(positionsOf(given)).then(
      () => {
        for (const id of ids) settled.add(id);
      },
      () => undefined,
    );
  };
  const work = async (): Promise<void> => {
    for (let batches = await member.next(10); batches.length > 0; batches = await member.next(10)) {
      for (const given of batches) await take(given);
    }
  };
  const working = work();
  let over = false;
  const publishing = publish(broker, topic, history, () => over);
  for (let round = 0; round < 2; round += 1) {
    await new Promise((resolve) => setTimeout(resolve, 500));
    await pulsar.kill();
    await pulsar.start();
  }
  over = true;
  await publishing;
  const lag = async () => (await broker.admin.lag(topic, topic)).reduce((sum, one) => sum + one, 0);
  await expect.poll(lag, { timeout: 60_000 }).toBe(0);
  await member.close();
  await working;
  expect(again).toEqual([]);
  const report = history.report();
  assertFaultless(report);
  expect(report.acknowledged).toBeGreaterThan(10);
});

test("held for a while, it takes what was appended meanwhile when it goes on", { timeout: LONG_MS }, async () => {
  const broker = await open();
  const topic = await topicOf(broker);
  await broker.append([{ topic, partition: 0, batch: batchOf([{ id: "before", key: "k" }]) }]);
  pulsar.pause();
  const held = broker.append([{ topic, partition: 0, batch: batchOf([{ id: "meanwhile", key: "k" }]) }]);
  setTimeout(() => pulsar.resume(), 5000);
  await held;
  const reader = await broker.read(topic, 0, { at: "earliest" });
  expect((await readEvents(reader, 2)).map(({ id }) => id)).toEqual(["before", "meanwhile"]);
  await reader.close();
});

test("what is not confirmed in time is refused with unavailable", { timeout: LONG_MS }, async () => {
  const broker = await open({ appendTimeoutMs: 500 });
  const topic = await topicOf(broker);
  await broker.append([{ topic, partition: 0, batch: batchOf([{ id: "before", key: "k" }]) }]);
  pulsar.pause();
  onTestFinished(() => pulsar.resume());
  const late = broker.append([{ topic, partition: 0, batch: batchOf([{ id: "late", key: "k" }]) }]);
  await expect(late).rejects.toMatchObject({
    code: "unavailable",
    // The adapter's time and its client's are the same: either may tell.
    message: expect.stringMatching(/\/0 was not (confirmed within 500 ms|appended to)/),
  });
});

test("a topic deleted by others ends its readers, refuses its publishers, and comes again with another epoch", {
  timeout: LONG_MS,
}, async () => {
  const broker = await open({ topicRefreshMs: 200 });
  const topic = await topicOf(broker);
  await broker.append([{ topic, partition: 0, batch: batchOf([{ id: "old", key: "k" }]) }]);
  const [before] = await broker.admin.partitions(topic);
  const reader = await broker.read(topic, 0, { at: "latest" });
  const told = expect(reader.next(1000)).rejects.toMatchObject({ code: "unknown_topic" });
  await api("DELETE", `${topic}/partitions?force=true`);
  await told;
  expect(await reader.next(1000)).toEqual([]);
  const lost = broker.append([{ topic, partition: 0, batch: batchOf([{ id: "lost", key: "k" }]) }]);
  await expect(lost).rejects.toMatchObject({ code: "unknown_topic" });
  await broker.admin.ensureTopic({ name: topic, partitions: 1, retention: {}, compaction: false });
  const [appended] = await broker.append([{ topic, partition: 0, batch: batchOf([{ id: "new", key: "k" }]) }]);
  expect(appended!.epoch).not.toBe(before!.epoch);
  const stale = broker.read(topic, 0, { after: { epoch: before!.epoch, offset: before!.end } });
  await expect(stale).rejects.toMatchObject({ code: "position_gone" });
});

test("a topic that others deleted and created again is not taken for the one that was", {
  timeout: LONG_MS,
}, async () => {
  const [broker, other] = [await open({ topicRefreshMs: 3_600_000 }), await open()];
  const topic = await topicOf(broker);
  const [old] = await broker.append([{ topic, partition: 0, batch: batchOf([{ id: "old", key: "k" }]) }]);
  const reader = await broker.read(topic, 0, { at: "earliest" });
  await other.admin.deleteTopic(topic);
  await other.admin.ensureTopic({ name: topic, partitions: 1, retention: {}, compaction: false });
  let appended: Awaited<ReturnType<Broker["append"]>> | undefined;
  while (appended === undefined) {
    // Refused while this process finds out.
    const batch = batchOf([{ id: "new", key: "k" }]);
    appended = await broker.append([{ topic, partition: 0, batch }]).catch(() => undefined);
  }
  expect(appended[0]!.epoch).not.toBe(old!.epoch);
  await expect(readEvents(reader, 2)).rejects.toMatchObject({
    code: expect.stringMatching(/^(position_gone|unknown_topic)$/),
  });
});

test("readers, publishers and groups go on over an unload of the topic", { timeout: LONG_MS }, async () => {
  const broker = await open();
  const topic = await topicOf(broker);
  const reader = await broker.read(topic, 0, { at: "earliest" });
  const member = await broker.group({ name: topic, topics: [topic], from: "earliest", ackTimeoutMs: 30_000 });
  const ids: string[] = [];
  const taken: string[] = [];
  for (let round = 0; round < 3; round += 1) {
    await broker.append([{ topic, partition: 0, batch: batchOf([{ id: `e${round}`, key: "k" }]) }]);
    for (const { id } of await readEvents(reader, 1)) ids.push(id);
    for (const given of await member.next(10)) {
      for (const { id } of eventsOf(given)) taken.push(id);
      await member.ack([{ topic, partition: 0, epoch: given.epoch, offset: given.offsetAt(0) }]);
    }
    await api("PUT", `${topic}-partition-0/unload`);
  }
  expect(ids).toEqual(["e0", "e1", "e2"]);
  expect(taken).toEqual(["e0", "e1", "e2"]);
  expect(await broker.admin.lag(topic, topic)).toEqual([0]);
});

test("a reader that retention has overtaken is told so, and a position that is gone is refused", {
  timeout: LONG_MS,
}, async () => {
  const broker = await open({ readAheadBytes: 1024 });
  const topic = await topicOf(broker, 1, { bytes: 1 });
  const data = new Uint8Array(500_000);
  const reader = await broker.read(topic, 0, { at: "earliest" });
  for (let ledger = 0; ledger < 4; ledger += 1) {
    for (const event of [0, 1, 2]) {
      await broker.append([{ topic, partition: 0, batch: batchOf([{ id: `${ledger}-${event}`, key: "k", data }]) }]);
    }
    await api("PUT", `${topic}-partition-0/unload`);
  }
  const oldest = async () => {
    await broker.admin.maintain();
    return broker.compareOffsets((await broker.admin.partitions(topic))[0]!.start, reader.start.offset);
  };
  await expect.poll(oldest, { timeout: 30_000 }).toBeGreaterThan(0);
  await expect(broker.read(topic, 0, { after: reader.start })).rejects.toMatchObject({ code: "position_gone" });
  await expect(readEvents(reader, 12)).rejects.toMatchObject({ code: "position_gone" });
  const kept = await broker.read(topic, 0, { at: "earliest" });
  expect((await readEvents(kept, 1))[0]!.id).not.toBe("0-0");
  await kept.close();
});
