/** What a cluster can answer to the admin face, and what comes of it. */
import { createKafkaBroker, type KafkaBrokerOptions } from "@distribution/broker-kafka";
import type { Broker } from "@distribution/core/brokers";
import { batchOf } from "@distribution/testkit/broker";
import { afterEach, beforeEach, expect, test } from "vitest";
import { kafkaConfig } from "../src/admin/topic-config.ts";
import { CODE } from "../src/connection/failures.ts";
import { createDensity } from "../src/density.ts";
import { settingsOf } from "../src/options.ts";
import { KEY } from "./support/fake/answer.ts";
import { type FakeCluster, startFakeCluster } from "./support/fake/cluster.ts";

let cluster: FakeCluster;
let broker: Broker;
const CONFIG = { name: "admin.faults", partitions: 2, retention: {}, compaction: false };

const open = (options: Partial<KafkaBrokerOptions> = {}): Promise<Broker> =>
  createKafkaBroker({ brokers: cluster.brokers, requestTimeoutMs: 500, ...options });

beforeEach(async () => {
  cluster = await startFakeCluster(2);
  broker = await open();
});
afterEach(async () => {
  await broker.close();
  cluster.stop();
});

test("a topic is made with the settings of its log, and the copies that are wanted", async () => {
  const settings = { replicationFactor: 3, minInsyncReplicas: 2, maxBatchBytes: 100_000 };
  const configs = kafkaConfig(
    { ...CONFIG, retention: { ms: 3_600_000, bytes: 1 << 30 }, compaction: true },
    settingsOf({ brokers: ["a:1"], ...settings }),
  );
  expect(configs).toEqual({
    "cleanup.policy": "compact,delete",
    "retention.ms": "3600000",
    "retention.bytes": String(1 << 30),
    "segment.ms": "900000",
    "segment.bytes": String(1 << 28),
    "message.timestamp.type": "LogAppendTime",
    "max.message.bytes": String(100_000 + 65_536),
    "unclean.leader.election.enable": "false",
    "min.insync.replicas": "2",
  });
  const plain = kafkaConfig({ ...CONFIG, retention: { ms: 1, bytes: 1 } }, settingsOf({ brokers: ["a:1"] }));
  expect(plain).toMatchObject({ "cleanup.policy": "delete", "segment.ms": "60000" });
  expect(Number(plain["segment.bytes"])).toBeGreaterThanOrEqual(Number(plain["max.message.bytes"]));
});

test("a topic takes the largest batch of those who ensured it", async () => {
  const largest = () => cluster.topics.get(CONFIG.name)!.configs.get("max.message.bytes");
  await broker.admin.ensureTopic(CONFIG);
  const larger = await open({ maxBatchBytes: 2 * 1024 * 1024 });
  await larger.admin.ensureTopic(CONFIG);
  expect(largest()).toBe(String(2 * 1024 * 1024 + 65_536));
  await broker.admin.ensureTopic({ ...CONFIG, retention: { ms: 5000 } });
  expect(largest()).toBe(String(2 * 1024 * 1024 + 65_536));
  await larger.close();
});

test("a topic that another process makes at the same moment is taken as it is, and changed to what is wanted", async () => {
  await (await open()).admin.ensureTopic(CONFIG);
  cluster.say(KEY.METADATA, CODE.UNKNOWN_TOPIC_OR_PARTITION, { place: CONFIG.name });
  await broker.admin.ensureTopic({ ...CONFIG, retention: { ms: 5000 } });
  expect(await broker.admin.topics()).toEqual([{ ...CONFIG, retention: { ms: 5000 } }]);
});

test.each([
  [CODE.INVALID_PARTITIONS, "invalid_request", "Kafka refuses the topic admin.faults: it says no"],
  [CODE.TOPIC_AUTHORIZATION_FAILED, "unavailable", "does not let us change the topic"],
] as const)("a topic that the cluster refuses with %d is told so", async (code, ours, message) => {
  cluster.say(KEY.CREATE_TOPICS, code);
  await expect(broker.admin.ensureTopic(CONFIG)).rejects.toMatchObject({
    code: ours,
    message: expect.stringContaining(message),
  });
});

test("retention out of range is refused by name", async () => {
  for (const retention of [{ ms: 0 }, { ms: 0.5 }, { bytes: -1 }]) {
    await expect(broker.admin.ensureTopic({ ...CONFIG, retention })).rejects.toMatchObject({
      code: "invalid_request",
      message: expect.stringContaining("retention."),
    });
  }
});

test("topics whose names are not ours, and the cluster's own, are not listed", async () => {
  await broker.admin.ensureTopic(CONFIG);
  const { FakeTopic } = await import("./support/fake/topic.ts");
  cluster.topics.set("Foreign_Topic", new FakeTopic("Foreign_Topic", 1, new Map(), () => 0));
  expect((await broker.admin.topics()).map(({ name }) => name)).toEqual([CONFIG.name]);
});

test("deleting what lies before a position asks the leader, also after it moved", async () => {
  await broker.admin.ensureTopic(CONFIG);
  for (const id of ["a", "b", "c"]) {
    await broker.append([{ topic: CONFIG.name, partition: 0, batch: batchOf([{ id, key: "k" }]) }]);
  }
  const [{ epoch } = { epoch: "" }] = await broker.admin.partitions(CONFIG.name);
  const position = { topic: CONFIG.name, partition: 0, epoch };
  cluster.moveLeader(CONFIG.name, 0, 1);
  await broker.admin.truncate({ ...position, offset: "0" });
  await broker.admin.truncate({ ...position, offset: "0" });
  expect((await broker.admin.partitions(CONFIG.name))[0]).toMatchObject({
    start: "0",
    end: "2",
    whole: false,
    events: 2,
  });
  for (const bad of [
    { ...position, offset: "3" },
    { ...position, epoch: "other", offset: "1" },
  ]) {
    await expect(broker.admin.truncate(bad)).rejects.toMatchObject({ code: "position_gone" });
  }
  cluster.say(KEY.DELETE_RECORDS, CODE.POLICY_VIOLATION);
  await expect(broker.admin.truncate({ ...position, offset: "1" })).rejects.toMatchObject({ code: "invalid_request" });
  cluster.say(KEY.DELETE_RECORDS, CODE.TOPIC_AUTHORIZATION_FAILED);
  await expect(broker.admin.truncate({ ...position, offset: "1" })).rejects.toMatchObject({ code: "unavailable" });
  cluster.say(KEY.DELETE_RECORDS, CODE.INVALID_PARTITIONS);
  await expect(broker.admin.truncate({ ...position, offset: "1" })).rejects.toMatchObject({ code: "unavailable" });
});

test("partitions without a leader are waited for, not longer than a request may take", async () => {
  await broker.admin.ensureTopic(CONFIG);
  cluster.moveLeader(CONFIG.name, 0, -1);
  await expect(broker.admin.partitions(CONFIG.name)).rejects.toMatchObject({
    code: "unavailable",
    message: expect.stringContaining("no leader"),
  });
  cluster.say(KEY.LIST_OFFSETS, CODE.OFFSET_NOT_AVAILABLE, { times: 2 });
  const found = broker.admin.partitions(CONFIG.name);
  cluster.moveLeader(CONFIG.name, 0, 1);
  expect(await found).toHaveLength(2);
});

test("a leader that has not heard of a new topic yet is asked again; of one that is gone, that is said", async () => {
  await broker.admin.ensureTopic(CONFIG);
  cluster.say(KEY.LIST_OFFSETS, CODE.UNKNOWN_TOPIC_OR_PARTITION, { times: 3 });
  expect(await broker.admin.partitions(CONFIG.name)).toHaveLength(2);
  cluster.topics.delete(CONFIG.name);
  await expect(broker.admin.partitions(CONFIG.name)).rejects.toMatchObject({ code: "unknown_topic" });
});

test("away it says why and answers nothing; back it is ready by itself", async () => {
  await broker.admin.ensureTopic(CONFIG);
  const told: string[] = [];
  const tell = (_: object, message: string): void => void told.push(message);
  const watched = await open({ logger: { debug: tell, info: tell, warn: tell, error: tell } });
  for (const node of cluster.nodes) node.stop();
  await expect.poll(() => watched.health().ready).toBe(false);
  expect(watched.health().reasons).toEqual([expect.stringMatching(/^Kafka is away: .*/)]);
  await expect(watched.admin.topics()).rejects.toMatchObject({ code: "unavailable" });
  for (const node of cluster.nodes) await node.start();
  await expect.poll(() => watched.health().ready).toBe(true);
  expect(told.filter((message) => message.startsWith("Kafka is away"))).toHaveLength(1);
  await watched.close();
  expect(watched.health()).toEqual({ ready: false, reasons: ["The broker is closed."] });
});

test("a cluster that is away is asked again with growing pauses, by one connection at a time", async () => {
  for (const node of cluster.nodes) node.stop();
  await expect.poll(() => broker.health().ready).toBe(false);
  for (const node of cluster.nodes) await node.start();
  const before = cluster.connections;
  await expect.poll(() => broker.health().ready).toBe(true);
  expect(cluster.connections - before).toBeLessThanOrEqual(2);
});

test("events in records are estimated by what was seen, newer more than older", () => {
  const density = createDensity();
  expect(density.estimate("e", 0, 50n)).toBe(50);
  density.note("e", 0, 10, 100);
  expect(density.estimate("e", 0, 50n)).toBe(500);
  density.note("e", 0, 100_000, 100_000);
  density.note("e", 0, 100_000, 2_000_000);
  expect(density.estimate("e", 0, 10n)).toBeGreaterThan(100);
  for (let partition = 1; partition <= 10_000; partition += 1) density.note("e", partition, 1, 3);
  expect(density.estimate("e", 0, 10n)).toBe(10);
});
