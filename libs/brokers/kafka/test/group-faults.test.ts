/** Everything that a group's coordinator can answer, and what comes of it. */
import { createKafkaBroker, type KafkaBrokerOptions } from "@distribution/broker-kafka";
import type { Broker, GroupMember } from "@distribution/core/brokers";
import { batchOf, idsOf, takeEvents } from "@distribution/testkit/broker";
import { afterEach, beforeEach, expect, test } from "vitest";
import { CODE } from "../src/connection/failures.ts";
import { commit, metadataOf, progressOf } from "../src/groups/commits.ts";
import type { Coordinator } from "../src/groups/coordinator.ts";
import { KEY } from "./support/fake/answer.ts";
import { type FakeCluster, startFakeCluster } from "./support/fake/cluster.ts";

let cluster: FakeCluster;
let broker: Broker;
const TOPIC = "group.faults";
const PARTITIONS = 4;
const OPTIONS = { name: "g", topics: [TOPIC], from: "earliest", ackTimeoutMs: 60_000 } as const;

const open = (options: Partial<KafkaBrokerOptions> = {}): Promise<Broker> =>
  createKafkaBroker({ brokers: cluster.brokers, requestTimeoutMs: 1000, sessionTimeoutMs: 400, ...options });

beforeEach(async () => {
  cluster = await startFakeCluster();
  broker = await open();
  await broker.admin.ensureTopic({ name: TOPIC, partitions: PARTITIONS, retention: {}, compaction: false });
});
afterEach(async () => {
  await broker.close();
  cluster.stop();
});

const publish = async (from: number, count: number, by = broker): Promise<void> => {
  for (let at = from; at < from + count; at += 1) {
    const batch = batchOf([{ id: `e${at}`, key: `k${at}` }]);
    await by.append([{ topic: TOPIC, partition: at % PARTITIONS, batch }]);
  }
};

const ids = (taken: readonly { readonly id: string }[]): string[] => taken.map(({ id }) => id).sort();
const lag = async (by = broker): Promise<number> =>
  (await by.admin.lag("g", TOPIC)).reduce((sum, events) => sum + events, 0);

const acked = async (member: GroupMember, count: number): Promise<string[]> => {
  const taken = await takeEvents(member, count);
  await member.ack(taken.map(({ position }) => position));
  return ids(taken);
};

test("a coordinator that is not there yet, or has moved, is found", async () => {
  cluster.say(KEY.FIND_COORDINATOR, CODE.COORDINATOR_NOT_AVAILABLE);
  cluster.say(KEY.JOIN_GROUP, CODE.NOT_COORDINATOR, { times: 2 });
  const member = await broker.group(OPTIONS);
  await publish(0, 4);
  cluster.say(KEY.OFFSET_COMMIT, CODE.NOT_COORDINATOR, { times: 2 });
  cluster.say(KEY.HEARTBEAT, CODE.COORDINATOR_LOAD_IN_PROGRESS, { times: 2 });
  await acked(member, 4);
  expect(await lag()).toBe(0);
  await member.close();
});

test("a group that we may not join is told so", async () => {
  cluster.say(KEY.JOIN_GROUP, CODE.GROUP_AUTHORIZATION_FAILED, { times: 10 });
  await expect(broker.group(OPTIONS)).rejects.toMatchObject({
    code: "unavailable",
    message: expect.stringContaining("grant Read on the group"),
  });
  cluster.clear();
  await (await broker.group(OPTIONS)).close();
});

test("a member that the coordinator has forgotten loses what it had, joins anew and is given what is not settled", async () => {
  const member = await broker.group(OPTIONS);
  await publish(0, 8);
  const taken = await takeEvents(member, 8);
  const half = taken.filter((_, at) => at % 2 === 0);
  await member.ack(half.map(({ position }) => position));
  cluster.group("g").expel();
  const again = await takeEvents(member, 4);
  expect(ids(again)).toEqual(ids(taken.filter((_, at) => at % 2 === 1)));
  await member.ack(again.map(({ position }) => position));
  expect(await lag()).toBe(0);
  await member.close();
});

test("an ack that the coordinator does not know us for is refused, and the events come again", async () => {
  const member = await broker.group(OPTIONS);
  await publish(0, 2);
  const taken = await takeEvents(member, 2);
  cluster.group("g").expel();
  await expect(member.ack(taken.map(({ position }) => position))).rejects.toMatchObject({ code: "unavailable" });
  expect(await acked(member, 2)).toEqual(ids(taken));
  await member.close();
});

test("an ack in the middle of a round waits for it", async () => {
  const member = await broker.group(OPTIONS);
  await publish(0, 2);
  const taken = await takeEvents(member, 2);
  cluster.say(KEY.OFFSET_COMMIT, CODE.REBALANCE_IN_PROGRESS);
  const ack = member.ack(taken.map(({ position }) => position));
  cluster.say(KEY.HEARTBEAT, CODE.REBALANCE_IN_PROGRESS);
  await ack;
  expect(await lag()).toBe(0);
  await member.close();
});

test("a refused ack says why, and may be repeated", async () => {
  const member = await broker.group(OPTIONS);
  await publish(0, 1);
  const [taken] = await takeEvents(member, 1);
  cluster.say(KEY.OFFSET_COMMIT, CODE.GROUP_AUTHORIZATION_FAILED);
  await expect(member.ack([taken!.position])).rejects.toMatchObject({ code: "unavailable" });
  await member.ack([taken!.position]);
  expect(await lag()).toBe(0);
  await member.close();
});

test("two processes share the partitions; what moves is settled first, and nothing is given twice", async () => {
  const other = await open();
  const first = await broker.group(OPTIONS);
  await publish(0, 40);
  const held = await takeEvents(first, 40);
  const second = await other.group(OPTIONS);
  expect(cluster.group("g").members).toHaveLength(2);
  await publish(40, 40);
  // What is in hand holds its partitions back; then half of them go over.
  await first.ack(held.map(({ position }) => position));
  const seen = new Map<string, number>();
  const work = async (member: GroupMember): Promise<number> => {
    let taken = 0;
    for (;;) {
      const batches = await member.next(10);
      if (batches.length === 0) return taken;
      for (const one of batches) for (const id of idsOf(one)) seen.set(id, (seen.get(id) ?? 0) + 1);
      taken += batches.reduce((sum, { batch }) => sum + batch.count, 0);
      await member.ack(
        batches.flatMap((one) =>
          Array.from({ length: one.batch.count }, (_, at) => ({
            ...{ topic: one.topic, partition: one.partition, epoch: one.epoch, offset: one.offsetAt(at) },
          })),
        ),
      );
    }
  };
  const working = [work(first), work(second)];
  await expect.poll(() => seen.size).toBe(40);
  await publish(80, 40);
  await expect.poll(() => seen.size).toBe(80);
  await expect.poll(() => lag()).toBe(0);
  await first.close();
  await publish(120, 8);
  await expect.poll(() => seen.size).toBe(88);
  await second.close();
  const [byFirst, bySecond] = await Promise.all(working);
  expect([...seen.values()].every((times) => times === 1)).toBe(true);
  expect(byFirst).toBeGreaterThan(0);
  expect(bySecond).toBeGreaterThan(0);
  await other.close();
});

test("while the cluster is away longer than a session, what is in hand is given up; it comes again", async () => {
  const member = await broker.group(OPTIONS);
  await publish(0, 4);
  const taken = await takeEvents(member, 4);
  for (const node of cluster.nodes) node.stop();
  await expect(member.ack(taken.map(({ position }) => position))).rejects.toMatchObject({ code: "unavailable" });
  for (const node of cluster.nodes) await node.start();
  expect(await acked(member, 4)).toEqual(ids(taken));
  await member.close();
});

test("a group cannot begin while the cluster is away, and says so", async () => {
  for (const node of cluster.nodes) node.stop();
  await expect(broker.group(OPTIONS)).rejects.toMatchObject({ code: "unavailable" });
});

test("partitions that others add are worked on, from their first event", async () => {
  const member = await broker.group({ ...OPTIONS, from: "latest" });
  await broker.admin.ensureTopic({ name: TOPIC, partitions: PARTITIONS + 2, retention: {}, compaction: false });
  await broker.append([{ topic: TOPIC, partition: PARTITIONS + 1, batch: batchOf([{ id: "new", key: "k" }]) }]);
  expect((await takeEvents(member, 1))[0]!.id).toBe("new");
  await member.close();
});

test("the lag of a group elsewhere is counted from its commits: exactly, within records and over ranges", async () => {
  const member = await broker.group(OPTIONS);
  const batch = batchOf(Array.from({ length: 10 }, (_, at) => ({ id: `p${at}`, key: `k${at}` })));
  await broker.append([{ topic: TOPIC, partition: 0, batch }]);
  await publish(0, 8);
  const taken = await takeEvents(member, 18);
  const settled = taken.filter(({ id }) => ["p0", "p1", "p4", "p9", "e4"].includes(id));
  await member.ack(settled.map(({ position }) => position));
  const other = await open();
  expect(await other.admin.lag("g", TOPIC)).toEqual([7, 2, 2, 2]);
  expect(await broker.admin.lag("g", TOPIC)).toEqual([7, 2, 2, 2]);
  expect(await other.admin.lag("nobody", TOPIC)).toEqual([12, 2, 2, 2]);
  await expect(other.admin.lag("g", "group.no-such")).rejects.toMatchObject({ code: "unknown_topic" });
  await member.close();
  await other.close();
});

test("the lag behind more than can be counted is an estimate by what records held so far", async () => {
  const log = cluster.topics.get(TOPIC)!.logs[0]!;
  await broker.append([
    {
      topic: TOPIC,
      partition: 0,
      batch: batchOf([
        { id: "a", key: "k" },
        { id: "b", key: "k" },
      ]),
    },
  ]);
  log.end = 20_000n;
  expect((await broker.admin.lag("nobody", TOPIC))[0]).toBe(40_000);
});

test("progress goes through a commit and back; an offset that others set is where it goes on", async () => {
  const progress = {
    ...{ epoch: "topic-id", floor: "16.2" },
    above: [
      ["16.4", "17"],
      ["20", "20"],
    ] as const,
    attempts: [["18", 2]] as const,
  };
  expect(progressOf(16n, metadataOf(progress), "topic-id")).toEqual(progress);
  const plain = { epoch: "topic-id", floor: "4", above: [], attempts: [] };
  expect(progressOf(5n, metadataOf(progress), "topic-id")).toEqual(plain);
  expect(progressOf(5n, "", "topic-id")).toEqual(plain);
  const many = {
    ...progress,
    above: Array.from({ length: 5000 }, (_, at) => [`${20 + 3 * at}`, `${20 + 3 * at}`] as const),
  };
  expect(metadataOf(many).length).toBeLessThanOrEqual(4096);
  const coordinator: Coordinator = { find: async () => 0, ask: () => Promise.reject(new Error("not asked")) };
  await expect(commit(coordinator, "g", { memberId: "m", generation: 1 }, [])).rejects.toThrow("not asked");
});

test("the lag is told also where a damaged record, or one of Kafka's own, is between the group and the end", async () => {
  await publish(0, 8);
  const log = cluster.topics.get(TOPIC)!.logs[0]!;
  log.damage(1n);
  expect((await broker.admin.lag("nobody", TOPIC))[0]).toBe(2);
  cluster.topics.get(TOPIC)!.logs[1]!.end += 1n;
  expect((await broker.admin.lag("nobody", TOPIC))[1]).toBe(3);
});
