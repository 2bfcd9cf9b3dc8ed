/** What a real Pulsar lets go of, and when: at low rates, of empty partitions, behind compaction, under readers. */
import { createPulsarBroker } from "@distribution/broker-pulsar";
import { type Pulsar, startPulsar } from "@distribution/brokers";
import type { Broker, PartitionReader, Position } from "@distribution/core/brokers";
import { batchOf, readEvents } from "@distribution/testkit/broker";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";

const START_MS = 200_000;
const LONG_MS = 180_000;

let pulsar: Pulsar;
beforeAll(async () => {
  // Rounds every second. By itself, this Pulsar takes no snapshots of sequence ids but by count: one every 1,000 entries.
  const properties = {
    brokerDeduplicationSnapshotFrequencyInSeconds: 1,
    brokerDeduplicationSnapshotIntervalSeconds: 0,
    retentionCheckIntervalInSeconds: 1,
  };
  pulsar = await startPulsar({ properties });
}, START_MS);
afterAll(async () => {
  await pulsar.remove();
});

const open = async (): Promise<Broker> => {
  const { serviceUrl, adminUrl } = pulsar;
  const broker = await createPulsarBroker({ serviceUrl, adminUrl, readAheadBytes: 1024 });
  onTestFinished(() => broker.close());
  return broker;
};

let topics = 0;
const topicOf = async (broker: Broker, config: { retention?: object; compaction?: boolean }): Promise<string> => {
  topics += 1;
  const name = `retention.t-${topics}`;
  await broker.admin.ensureTopic({ name, partitions: 1, retention: {}, compaction: false, ...config });
  return name;
};

const infoOf = async (broker: Broker, topic: string) => (await broker.admin.partitions(topic))[0]!;

const put = async (broker: Broker, topic: string, id: string, key = id): Promise<Position> => {
  const data = new Uint8Array(200_000);
  const [stored] = await broker.append([{ topic, partition: 0, batch: batchOf([{ id, key, data }]) }]);
  return { topic, partition: 0, epoch: stored!.epoch, offset: stored!.offsetAt(0) };
};

/** A new ledger: those before it may go. */
const roll = async (topic: string): Promise<void> => {
  const path = `persistent/public/default/${topic}-partition-0/unload`;
  const answer = await fetch(`${pulsar.adminUrl}/admin/v2/${path}`, { method: "PUT" });
  expect(answer.ok).toBe(true);
};

/** A broker under load may fail to compact, and says so. */
async function maintained(broker: Broker): Promise<void> {
  const trouble = () =>
    broker.admin.maintain().then(
      () => "",
      ({ message }: Error) => message,
    );
  await expect.poll(trouble, { timeout: 60_000, interval: 500 }).toBe("");
}

/** A few large events in each of some ledgers: more than the least that can be kept, 1 MB. */
async function fill(broker: Broker, topic: string, prefix: string, key?: string): Promise<void> {
  for (let ledger = 0; ledger < 3; ledger += 1) {
    for (let event = 0; event < 6; event += 1) await put(broker, topic, `${prefix}${ledger}.${event}`, key);
    await roll(topic);
  }
}

const idsUpTo = async (reader: PartitionReader, last: string): Promise<string[]> => {
  const ids: string[] = [];
  while (ids.at(-1) !== last) ids.push(...(await readEvents(reader, 1)).map(({ id }) => id));
  await reader.close();
  return ids;
};

test("a few events an hour are let go of by retention as well", { timeout: LONG_MS }, async () => {
  const broker = await open();
  const topic = await topicOf(broker, { retention: { bytes: 1 } });
  await fill(broker, topic, "e");
  await expect.poll(async () => (await infoOf(broker, topic)).events, { timeout: 60_000 }).toBeLessThanOrEqual(6);
});

test("the place before a partition's first event stays good over restarts past retention, until that event is gone", {
  timeout: LONG_MS,
}, async () => {
  const broker = await open();
  const topic = await topicOf(broker, { retention: { bytes: 1 } });
  const { epoch, end } = await infoOf(broker, topic);
  const from = { after: { epoch, offset: end } };
  await pulsar.kill();
  await pulsar.start();
  const reader = await broker.read(topic, 0, from);
  await put(broker, topic, "first");
  expect(await idsUpTo(reader, "first")).toEqual(["first"]);
  await roll(topic);
  expect(await idsUpTo(await broker.read(topic, 0, from), "first")).toEqual(["first"]);
  await fill(broker, topic, "e");
  const cut = async () => broker.compareOffsets((await infoOf(broker, topic)).start, end);
  await expect.poll(cut, { timeout: 60_000 }).toBeGreaterThan(0);
  await expect(broker.read(topic, 0, from)).rejects.toMatchObject({ code: "position_gone" });
});

test("a compacted topic takes no more room than its keys, and is read whole from any place, also after a restart", {
  timeout: LONG_MS,
}, async () => {
  const broker = await open();
  const topic = await topicOf(broker, { compaction: true });
  const old = await put(broker, topic, "old1");
  await put(broker, topic, "old2");
  await roll(topic);
  await put(broker, topic, "old3");
  const slow = await broker.read(topic, 0, { at: "earliest" });
  expect((await readEvents(slow, 1))[0]!.id).toBe("old1");
  for (const round of ["a", "b", "c"]) {
    await fill(broker, topic, round, "k");
    await put(broker, topic, `${round}-last`, "last");
    // Done once: Pulsar keeps where the compacted ledger is once a second, and does not open a topic whose last one was gone before that.
    await maintained(broker);
    const size = async () => (await infoOf(broker, topic)).bytes;
    // Five keys of 200 kB, and a ledger of six events.
    await expect.poll(size, { timeout: 60_000, interval: 500 }).toBeLessThan(2_800_000);
  }
  const kept = ["old1", "old2", "old3", "c2.5", "c-last"];
  expect(await idsUpTo(await broker.read(topic, 0, { at: "earliest" }), "c-last")).toEqual(kept);
  expect((await infoOf(broker, topic)).events).toBe(kept.length);
  // Ahead of who reads lie a few events, which compaction did not take any more.
  const rest = await idsUpTo(slow, "c-last");
  expect(rest.filter((id) => kept.includes(id))).toEqual(kept.slice(1));
  await pulsar.kill();
  await pulsar.start();
  expect(await idsUpTo(await broker.read(topic, 0, { at: "earliest" }), "c-last")).toEqual(kept);
  expect(await idsUpTo(await broker.read(topic, 0, { after: old }), "c-last")).toEqual(kept.slice(1));
  expect(await idsUpTo(await broker.read(topic, 0, { time: 1n }), "c-last")).toEqual(kept);
  await broker.admin.ensureTopic({ name: topic, partitions: 1, retention: {}, compaction: false });
  const before = await broker.read(topic, 0, { at: "earliest" });
  expect(await idsUpTo(before, "c-last"), "compacted no longer").toEqual(kept);
});
