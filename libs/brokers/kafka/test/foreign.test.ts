/** Topics of others, shared by a group: who has which partition, what is kept of it, and what is lost with it. */
import { createKafkaBroker, type KafkaBrokerOptions } from "@distribution/broker-kafka";
import type {
  Broker,
  ForeignMember,
  ForeignPartition,
  ForeignProgress,
  ForeignRecord,
} from "@distribution/core/brokers";
import { batchOf } from "@distribution/testkit/broker";
import { afterEach, beforeEach, expect, onTestFinished, test } from "vitest";
import { CODE } from "../src/connection/failures.ts";
import { KEY } from "./support/fake/answer.ts";
import { type FakeCluster, startFakeCluster } from "./support/fake/cluster.ts";

let cluster: FakeCluster;
let broker: Broker;
const TOPIC = "oms.fills";
const PARTITIONS = 4;

const open = (options: Partial<KafkaBrokerOptions> = {}): Promise<Broker> =>
  createKafkaBroker({ brokers: cluster.brokers, requestTimeoutMs: 1000, sessionTimeoutMs: 400, ...options });

const ensure = (partitions = PARTITIONS): Promise<void> =>
  broker.admin.ensureTopic({ name: TOPIC, partitions, retention: {}, compaction: false });

beforeEach(async () => {
  cluster = await startFakeCluster();
  broker = await open();
});
afterEach(async () => {
  await broker.close();
  cluster.stop();
});

/** A member that keeps a partition until it is told that it ends. */
class Member {
  /** Newest last. */
  readonly given: ForeignPartition[] = [];
  readonly has = new Set<number>();
  face: ForeignMember | undefined;

  async join(by: Broker): Promise<this> {
    this.face = await by.foreign!.join({
      ...{ name: "test.ingress", topics: [TOPIC] },
      own: (partition) =>
        new Promise((resolve) => {
          this.given.push(partition);
          this.has.add(partition.partition);
          partition.ending.addEventListener("abort", () => {
            this.has.delete(partition.partition);
            resolve();
          });
        }),
    });
    return this;
  }

  latest(partition: number): ForeignPartition {
    return this.given.findLast((each) => each.partition === partition)!;
  }
}

const place = (epoch: string, offset: string, note = ""): ForeignProgress => ({ epoch, offset, note });

const epochOf = async (): Promise<string> => (await broker.foreign!.read(TOPIC, 0, { at: "earliest" })).start.epoch;

test("members share the partitions; what moves is ended first, and its progress goes along", async () => {
  await ensure();
  const epoch = await epochOf();
  const first = await new Member().join(broker);
  await expect.poll(() => first.has.size).toBe(PARTITIONS);
  expect(first.given.map(({ progress, begun }) => [progress, begun])).toEqual(Array(4).fill([undefined, false]));
  await Promise.all(
    first.given.map(({ partition, settle }) => settle(place(epoch, `${10 + partition}`, `begun ${partition};`))),
  );
  const other = await open();
  onTestFinished(() => other.close());
  const second = await new Member().join(other);
  await expect.poll(() => [first.has.size, second.has.size]).toEqual([2, 2]);
  expect([...first.has, ...second.has].sort()).toEqual([0, 1, 2, 3]);
  for (const { partition, progress, begun } of second.given) {
    expect(progress).toEqual(place(epoch, `${10 + partition}`, `begun ${partition};`));
    expect(begun).toBe(false);
    // Whoever had it keeps nothing of it any more.
    await expect(first.latest(partition).settle(place(epoch, "99"))).rejects.toMatchObject({ code: "unavailable" });
  }
  await second.face!.close();
  await expect.poll(() => first.has.size).toBe(PARTITIONS);
});

test("an offset that others have set for the group is where it goes on", async () => {
  await ensure(2);
  cluster.group("test.ingress").commits.set(`${TOPIC}/1`, { offset: 7n, metadata: "" });
  const member = await new Member().join(broker);
  await expect.poll(() => member.has.size).toBe(2);
  expect(member.latest(1).progress).toEqual(place(await epochOf(), "6"));
  expect(member.latest(0)).toMatchObject({ progress: undefined, begun: true });
});

test("a partition that was lost is given anew, and the one that was lost keeps nothing for ever", async () => {
  await ensure(1);
  const epoch = await epochOf();
  const member = await new Member().join(broker);
  await expect.poll(() => member.given.length).toBe(1);
  await member.latest(0).settle(place(epoch, "5"));
  cluster.group("test.ingress").expel();
  await expect.poll(() => member.given.length).toBe(2);
  const [lost, again] = member.given;
  expect(lost!.ending.aborted).toBe(true);
  await expect(lost!.settle(place(epoch, "6"))).rejects.toThrow("another member");
  expect(again!.progress).toEqual(place(epoch, "5"));
  await again!.settle(place(epoch, "7"));
});

test("a topic that is not there yet, and partitions that are added, are given when they are", async () => {
  const member = await new Member().join(broker);
  expect(member.given).toEqual([]);
  await ensure(1);
  await expect.poll(() => member.has.size, { timeout: 15_000 }).toBe(1);
  await member.latest(0).settle(place(await epochOf(), "0"));
  await ensure(2);
  await expect.poll(() => member.has.size, { timeout: 15_000 }).toBe(2);
  expect(member.latest(1)).toMatchObject({ progress: undefined, begun: true });
});

test("settlements that come together are one commit, and what cannot be kept is refused", async () => {
  await ensure();
  const epoch = await epochOf();
  const member = await new Member().join(broker);
  await expect.poll(() => member.has.size).toBe(PARTITIONS);
  cluster.say(KEY.OFFSET_COMMIT, CODE.REBALANCE_IN_PROGRESS);
  cluster.say(KEY.OFFSET_COMMIT, CODE.COORDINATOR_LOAD_IN_PROGRESS);
  await Promise.all(member.given.map(({ settle }) => settle(place(epoch, "3"))));
  await expect(member.latest(0).settle(place(epoch, "3", "ä"))).rejects.toMatchObject({
    errors: [{ path: "progress.note" }],
  });
  await expect(member.latest(0).settle(place(epoch, "three"))).rejects.toMatchObject({
    errors: [{ path: "progress.offset" }],
  });
  cluster.say(KEY.OFFSET_COMMIT, CODE.UNKNOWN_MEMBER_ID);
  const settled = member.given.map(({ settle }) => settle(place(epoch, "4")));
  expect((await Promise.allSettled(settled)).map(({ status }) => status)).toEqual(Array(4).fill("rejected"));
});

test("a group that may not be joined says so", async () => {
  await ensure();
  cluster.say(KEY.JOIN_GROUP, CODE.GROUP_AUTHORIZATION_FAILED, { times: 10 });
  await expect(new Member().join(broker)).rejects.toMatchObject({
    message: expect.stringContaining("grant Read on the group") as unknown,
  });
});

test("a record batch that is damaged is one record that says so, and what is behind it is read", async () => {
  await ensure(1);
  for (const id of ["a", "b", "c"]) {
    await broker.append([{ topic: TOPIC, partition: 0, batch: batchOf([{ id, key: "k" }]) }]);
  }
  cluster.topics.get(TOPIC)!.logs[0]!.damage(1n);
  const reader = await broker.foreign!.read(TOPIC, 0, { at: "earliest" });
  onTestFinished(() => reader.close());
  const records: ForeignRecord[] = [];
  while (records.length < 3) records.push(...(await reader.next(10)));
  expect(records.map(({ offset, damage }) => [offset, damage])).toEqual([
    ["0", undefined],
    ["1", "The record batch that ends at 1 fails its checksum."],
    ["2", undefined],
  ]);
  expect(() => records[1]!.events()).toThrow("fails its checksum");
  expect(records[1]!.value!.length).toBeGreaterThan(61);
});
