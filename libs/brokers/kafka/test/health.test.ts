/** What health says while something does not go on, and that it stops saying so. */
import { createKafkaBroker } from "@distribution/broker-kafka";
import type { Broker } from "@distribution/core/brokers";
import { type Runtime, systemRuntime } from "@distribution/core/runtime";
import { batchOf } from "@distribution/testkit/broker";
import { afterEach, beforeEach, expect, test } from "vitest";
import { CODE } from "../src/connection/failures.ts";
import { KEY } from "./support/fake/answer.ts";
import { type FakeCluster, startFakeCluster } from "./support/fake/cluster.ts";

let cluster: FakeCluster;
let broker: Broker;
let later = 0;
const TOPIC = "health.events";
const clock = { ...systemRuntime.clock, monotonicMs: () => systemRuntime.clock.monotonicMs() + later };
const runtime: Runtime = { ...systemRuntime, clock };

beforeEach(async () => {
  later = 0;
  cluster = await startFakeCluster();
  broker = await createKafkaBroker({ brokers: cluster.brokers, runtime, requestTimeoutMs: 1000, fetchWaitMs: 20 });
  await broker.admin.ensureTopic({ name: TOPIC, partitions: 1, retention: {}, compaction: false });
});
afterEach(async () => {
  await broker.close();
  cluster.stop();
});

test("an append that waits for long is said, with what it waits for", async () => {
  cluster.say(KEY.PRODUCE, CODE.NOT_ENOUGH_REPLICAS, { times: 1000 });
  const append = broker.append([{ topic: TOPIC, partition: 0, batch: batchOf([{ id: "a", key: "k" }]) }]);
  later = 4_000;
  expect(broker.health().reasons).toEqual([]);
  later = 6_000;
  await expect.poll(() => broker.health().reasons).toEqual(["Appends wait for 6 s: NOT_ENOUGH_REPLICAS."]);
  expect(broker.health().ready).toBe(true);
  cluster.clear();
  await append;
  expect(broker.health()).toEqual({ ready: true, reasons: [] });
});

test("a partition that a reader does not get on with is said, until it does", async () => {
  const reader = await broker.read(TOPIC, 0, { at: "latest" });
  const next = reader.next(1000);
  cluster.moveLeader(TOPIC, 0, -1);
  await expect
    .poll(() => broker.health().reasons, { timeout: 20_000 })
    .toEqual([expect.stringMatching(/^health\.events\/0 cannot be read for now: .*\.$/)]);
  cluster.moveLeader(TOPIC, 0, 0);
  await broker.append([{ topic: TOPIC, partition: 0, batch: batchOf([{ id: "a", key: "k" }]) }]);
  expect(await next).toHaveLength(1);
  expect(broker.health().reasons).toEqual([]);
  await reader.close();
});

test("a partition that can be read again is not said to be in trouble any more, though nothing is appended to it", async () => {
  const reader = await broker.read(TOPIC, 0, { at: "latest" });
  const next = reader.next(1000);
  cluster.moveLeader(TOPIC, 0, -1);
  await expect.poll(() => broker.health().reasons, { timeout: 20_000 }).toHaveLength(1);
  cluster.moveLeader(TOPIC, 0, 0);
  await expect.poll(() => broker.health().reasons, { timeout: 20_000 }).toEqual([]);
  await broker.append([{ topic: TOPIC, partition: 0, batch: batchOf([{ id: "a", key: "k" }]) }]);
  expect(await next).toHaveLength(1);
  await reader.close();
});
