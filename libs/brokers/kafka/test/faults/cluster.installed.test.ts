/**
 * A cluster of three that keeps three copies of everything, of which two have to have an append: one may end at any time, and
 * with two away nothing is taken.
 *
 * KILL_CYCLES sets how often the leader is killed; the default is 3.
 */
import { createKafkaBroker } from "@distribution/broker-kafka";
import { type Kafka, type KafkaCluster, startKafkaCluster } from "@distribution/brokers";
import type { Broker } from "@distribution/core/brokers";
import { batchOf, logOf } from "@distribution/testkit/broker";
import { underLoad } from "@distribution/testkit/load";
import { Admin } from "@platformatic/kafka";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";

const CYCLES = Number(process.env["KILL_CYCLES"] ?? 3);
const PARTITIONS = 3;
const START_MS = 120_000;

let cluster: KafkaCluster;
beforeAll(async () => {
  cluster = await startKafkaCluster(3);
}, START_MS);
afterAll(() => cluster.remove());

const open = async (options: Partial<Parameters<typeof createKafkaBroker>[0]> = {}): Promise<Broker> => {
  const broker = await createKafkaBroker({ brokers: cluster.bootstrap, sessionTimeoutMs: 3_000, ...options });
  onTestFinished(() => broker.close());
  return broker;
};

const ensure = (broker: Broker, name: string, partitions: number): Promise<void> =>
  broker.admin.ensureTopic({ name, partitions, retention: {}, compaction: false });

/** The broker that leads the partition now. */
async function leaderOf(topic: string, partition: number): Promise<Kafka> {
  const admin = new Admin({ clientId: "who-leads", bootstrapBrokers: [...cluster.bootstrap] });
  try {
    const { topics } = await admin.metadata({ topics: [topic], forceUpdate: true });
    return cluster.brokers[topics.get(topic)!.partitions[partition]!.leader - 1]!;
  } finally {
    await admin.close();
  }
}

test(`its leader killed ${CYCLES} times under load, another goes on: nothing is lost, doubled or reordered, and positions stay what they are`, {
  timeout: CYCLES * 40_000 + 60_000,
}, async () => {
  const topic = "cluster.leader";
  const broker = await open();
  const epochs = async () => (await broker.admin.partitions(topic)).map(({ epoch }) => epoch);
  await ensure(broker, topic, PARTITIONS);
  const before = await epochs();
  const { report, refusals } = await underLoad(broker, { topic, partitions: PARTITIONS }, async (load) => {
    for (let cycle = 0; cycle < CYCLES; cycle += 1) {
      await load.more(200 + 100 * cycle);
      const leader = await leaderOf(topic, cycle % PARTITIONS);
      await leader.kill();
      // Every partition has its share: what that one led, another leads now.
      await load.more(300);
      expect(await leaderOf(topic, cycle % PARTITIONS)).not.toBe(leader);
      await leader.start();
      await load.more(100);
    }
  });
  expect(await epochs()).toEqual(before);
  await expect.poll(() => broker.health(), { timeout: 10_000 }).toEqual({ ready: true, reasons: [] });
  expect(refusals).toEqual([]);
  expect(report.acknowledged).toBe(report.published);
});

test("with two of three away appends are refused with the reason, and go on when one is back", {
  timeout: START_MS,
}, async () => {
  const topic = "cluster.copies";
  const broker = await open({ appendTimeoutMs: 4_000, requestTimeoutMs: 2_000 });
  await ensure(broker, topic, 1);
  const append = (id: string) => broker.append([{ topic, partition: 0, batch: batchOf([{ id, key: "k" }]) }]);
  await append("with three");
  const [first, second] = cluster.brokers;
  await first!.stop();
  await append("with two");
  await second!.stop();
  await expect(append("with one")).rejects.toMatchObject({
    code: "unavailable",
    message: expect.stringContaining("NOT_ENOUGH_REPLICAS"),
  });
  await second!.start();
  let tries = 0;
  const taken = () => append(`with two again, ${tries++}`).then(Boolean, () => false);
  await expect.poll(taken, { timeout: 30_000 }).toBe(true);
  await first!.start();
  await expect.poll(() => broker.health(), { timeout: 30_000 }).toEqual({ ready: true, reasons: [] });
  const kept = (await logOf(broker, topic)).map(({ id }) => id);
  expect(kept.slice(0, 2)).toEqual(["with three", "with two"]);
  expect(kept).toContain(`with two again, ${tries - 1}`);
  expect(new Set(kept).size).toBe(kept.length);
});
