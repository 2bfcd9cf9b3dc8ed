/** Appends of which Kafka does not say what became of them: they are looked for in the log, and their partitions tried by one at a time. */
import type { KafkaBrokerOptions } from "@distribution/broker-kafka";
import { AppendUnsettled, type Broker } from "@distribution/core/brokers";
import { systemRuntime } from "@distribution/core/runtime";
import { afterEach, beforeEach, expect, test } from "vitest";
import { CODE } from "../src/connection/failures.ts";
import { appendTo, eventually, openOn, readIdsOf, settled, startWithTopic, TOPIC } from "./support/appends.ts";
import { KEY } from "./support/fake/answer.ts";
import type { FakeCluster } from "./support/fake/cluster.ts";

let cluster: FakeCluster;
let broker: Broker;

const open = (options: Partial<KafkaBrokerOptions> = {}): Promise<Broker> => openOn(cluster, options);

beforeEach(async () => {
  ({ cluster, broker } = await startWithTopic());
});
afterEach(async () => {
  await broker.close();
  cluster.stop();
});

const append = (id: string, partition = 0, by = broker): Promise<string> => appendTo(by, id, partition);
const readIds = (): Promise<string[]> => readIdsOf(broker);

test("a partition that let an append wait for too long is tried by one at a time; others go on", async () => {
  const hasty = await open({ appendTimeoutMs: 500 });
  await eventually("warm", hasty);
  cluster.say(KEY.PRODUCE, CODE.NOT_ENOUGH_REPLICAS, { place: `${TOPIC}/0`, times: 10_000 });
  await expect(append("late", 0, hasty)).rejects.toMatchObject({ message: expect.stringContaining("within 500 ms") });
  // Or the first is still under way, and this one is refused.
  const trying = append("tries", 0, hasty).catch(() => undefined);
  await expect(append("at once", 0, hasty)).rejects.toMatchObject({
    ...{ code: "unavailable", retryAfterMs: 1000, message: expect.stringContaining(`has not answered for ${TOPIC}/0`) },
  });
  await append("elsewhere", 1, hasty);
  cluster.clear();
  await trying;
  await eventually("after", hasty);
  await append("goes on", 0, hasty);
  await hasty.close();
});

test.each([0, 3])(
  "an append that Kafka has and does not say where is found behind %i that were acknowledged",
  async (before) => {
    for (let at = 0; at < before; at += 1) await append(`before ${at}`);
    // Of others, of one count with ours.
    const other = await open();
    const others = ["x", "y"].map((id) => append(id, 0, other));
    await Promise.all(others);
    await other.close();
    cluster.say(KEY.PRODUCE, CODE.DUPLICATE_SEQUENCE);
    const found = await append("found");
    expect(found).toBe(String(before + 1));
    await append("next");
    const ids = await readIds();
    expect(ids.slice(before)).toEqual(["x", "y", "found", "next"]);
    expect(broker.health().reasons).toEqual([]);
  },
);

test("it is found behind a transaction of others that is under way", async () => {
  await append("before");
  const log = cluster.topics.get(TOPIC)!.logs[0]!;
  log.stable = log.end;
  cluster.say(KEY.PRODUCE, CODE.DUPLICATE_SEQUENCE, { times: 10_000 });
  expect(await append("found")).toBe("1");
});

test("it is looked for again when the partition cannot be read, and gone when it is not kept any more", async () => {
  await append("before");
  cluster.say(KEY.FETCH, CODE.NOT_LEADER_OR_FOLLOWER, { times: 2 });
  cluster.say(KEY.PRODUCE, CODE.DUPLICATE_SEQUENCE, { times: 3 });
  expect(await append("again")).toBe("1");
  const hasty = await open({ appendTimeoutMs: 150 });
  await eventually("warm", hasty);
  cluster.clear();
  cluster.say(KEY.PRODUCE, CODE.DUPLICATE_SEQUENCE, { times: 10_000 });
  cluster.say(KEY.FETCH, CODE.NOT_LEADER_OR_FOLLOWER, { times: 10_000 });
  const unknown = append("trimmed", 0, hasty);
  await expect(unknown).rejects.toBeInstanceOf(AppendUnsettled);
  const log = cluster.topics.get(TOPIC)!.logs[0]!;
  log.deleteBefore(log.end);
  cluster.clear();
  cluster.say(KEY.PRODUCE, CODE.DUPLICATE_SEQUENCE);
  expect(await settled(unknown)).toEqual([false]);
  await eventually("after", hasty);
  expect(await readIds()).toEqual(["after"]);
  await hasty.close();
});

test.each(["answer", "request"] as const)(
  "a batch whose %s was lost so long ago that Kafka may have forgotten us is looked for",
  async (lost) => {
    let passed = 0;
    const { clock } = systemRuntime;
    const monotonicMs = () => clock.monotonicMs() + passed;
    const hasty = await open({ appendTimeoutMs: 100, runtime: { ...systemRuntime, clock: { ...clock, monotonicMs } } });
    await eventually("warm", hasty);
    cluster.lose(KEY.PRODUCE, lost, 10_000);
    const unknown = append("unknown", 0, hasty);
    await expect(unknown).rejects.toBeInstanceOf(AppendUnsettled);
    cluster.moveLeader(TOPIC, 0, -1);
    const asked = () => cluster.asked.filter((key) => key === KEY.METADATA).length;
    const before = asked();
    await expect.poll(asked, { timeout: 20_000 }).toBeGreaterThan(before + 1);
    passed = 12 * 3_600_000 + 1;
    cluster.topics.get(TOPIC)!.logs[0]!.producers.clear();
    cluster.clear();
    cluster.moveLeader(TOPIC, 0, 0);
    expect(await settled(unknown)).toEqual([lost === "answer"]);
    await eventually("after", hasty);
    expect(await readIds()).toEqual(lost === "answer" ? ["warm", "unknown", "after"] : ["warm", "after"]);
    await hasty.close();
  },
);
