/** Topics that other processes change, on a Pulsar in memory. */
import { describe, expect, test } from "vitest";
import { ids, open, put, TOPIC } from "./fake/support.ts";

describe("other processes", () => {
  test("what another process truncated is refused here once it is known, and its readers are told", async () => {
    const fake = await open({ topicRefreshMs: 100 });
    const { broker: other } = await fake.another();
    await put(fake.broker, ["a", "b"]);
    await put(fake.broker, ["c"]);
    const reader = await fake.broker.read(TOPIC, 0, { at: "earliest" });
    const [appended] = await put(other, ["d"]);
    await other.admin.truncate({ topic: TOPIC, partition: 0, epoch: appended!.epoch, offset: appended!.offsetAt(0) });
    await other.admin.truncate({ topic: TOPIC, partition: 0, epoch: appended!.epoch, offset: appended!.offsetAt(0) });
    const [info] = await fake.broker.admin.partitions(TOPIC);
    expect(info).toMatchObject({ start: appended!.offsetAt(0), end: appended!.offsetAt(0), events: 0, bytes: 0 });
    await expect(reader.next(1000)).rejects.toMatchObject({ code: "position_gone" });
    await put(fake.broker, ["e"]);
    expect(await ids(await fake.broker.read(TOPIC, 0, { at: "earliest" }), 1)).toEqual(["e"]);
    expect(await ids(await fake.broker.read(TOPIC, 0, { time: 1n }), 1)).toEqual(["e"]);
  });

  test("a position that is not there is not truncated", async () => {
    const fake = await open();
    const [a] = await put(fake.broker, ["a"]);
    const position = { topic: TOPIC, partition: 0, epoch: a!.epoch, offset: a!.offsetAt(0) };
    const bad = [{ epoch: "another" }, { offset: "99999.0.1" }];
    for (const one of bad) {
      const refused = fake.broker.admin.truncate({ ...position, ...one });
      await expect(refused).rejects.toMatchObject({ code: "position_gone" });
    }
  });

  test("a topic that was deleted and created again by another is appended to with its new epoch", async () => {
    const fake = await open({ topicRefreshMs: 3_600_000 });
    const { broker: other } = await fake.another();
    const [old] = await put(fake.broker, ["old"]);
    await other.admin.deleteTopic(TOPIC);
    await other.admin.ensureTopic({ name: TOPIC, partitions: 1, retention: {}, compaction: false });
    // The client in memory goes on with the name, as one does that found the topic there again.
    await expect(put(fake.broker, ["lost"])).rejects.toMatchObject({ code: "unknown_topic" });
    const [now] = await put(fake.broker, ["new"]);
    expect(now!.epoch).not.toBe(old!.epoch);
  });

  test("a topic that was deleted by another refuses its publishers and readers", async () => {
    const fake = await open({ topicRefreshMs: 3_600_000 });
    const { broker: other } = await fake.another();
    await put(fake.broker, ["a"]);
    const reader = await fake.broker.read(TOPIC, 0, { at: "latest" });
    const told = expect(reader.next(1000)).rejects.toMatchObject({ code: "unknown_topic" });
    await other.admin.deleteTopic(TOPIC);
    await told;
    await expect(put(fake.broker, ["b"])).rejects.toMatchObject({ code: "unknown_topic" });
    await expect(put(fake.broker, ["b"])).rejects.toMatchObject({ code: "unknown_topic" });
  });

  test("a topic that another created is taken over with its events, and not said to be whole", async () => {
    const fake = await open();
    const { pulsar, broker } = fake;
    const topic = pulsar.topics.get(TOPIC)!;
    topic.properties = { owner: "somebody" };
    expect(await broker.admin.topics()).toEqual([]);
    await expect(broker.admin.partitions(TOPIC)).rejects.toMatchObject({ code: "unknown_topic" });
    await broker.admin.ensureTopic({ name: TOPIC, partitions: 1, retention: {}, compaction: true });
    expect(topic.properties).toMatchObject({ owner: "somebody", "distribution.epoch": expect.any(String) });
    expect(topic.policies.get("compactionThreshold")).toBe(16 * 1024 * 1024);
    await broker.admin.ensureTopic({ name: TOPIC, partitions: 1, retention: {}, compaction: false });
    expect(topic.policies.has("compactionThreshold")).toBe(false);
    expect((await broker.admin.partitions(TOPIC))[0]).not.toHaveProperty("whole");
  });

  test("a compaction that Pulsar cannot do is told, with its reason, and keeps no other from it", async () => {
    const { pulsar, broker } = await open({}, { compaction: true });
    await broker.admin.ensureTopic({ name: "faults.z", partitions: 20, retention: {}, compaction: true });
    await broker.admin.maintain();
    const failed = { status: "ERROR", lastError: "Not enough non-faulty bookies available" };
    const compacted = new Set<string>();
    pulsar.intercept = (method, path) => {
      if (!path.endsWith("/compaction")) return undefined;
      compacted.add(path);
      return method === "GET" && !path.includes("partition-17") ? { status: 200, body: failed } : undefined;
    };
    await expect(broker.admin.maintain()).rejects.toMatchObject({
      ...{ code: "unavailable", message: expect.stringContaining(`compact ${TOPIC}/0: ${failed.lastError}`) },
    });
    expect(compacted.size).toBe(21);
  });

  test("a compaction that a broker lost with its partition is told", async () => {
    const { pulsar, broker } = await open({}, { compaction: true });
    pulsar.intercept = (method, path) =>
      method === "GET" && path.endsWith("/compaction") ? { status: 200, body: { status: "NOT_RUN" } } : undefined;
    await expect(broker.admin.maintain()).rejects.toMatchObject({
      ...{ code: "unavailable", message: expect.stringContaining(`compact ${TOPIC}/0: another of its brokers`) },
    });
  });

  test("a name that Pulsar takes for a partition is refused", async () => {
    const { broker } = await open();
    const config = { name: "a-partition-0", partitions: 1, retention: {}, compaction: false };
    await expect(broker.admin.ensureTopic(config)).rejects.toMatchObject({ code: "invalid_request" });
  });

  test("retention is rounded up to what Pulsar counts in", async () => {
    const { pulsar, broker } = await open();
    const policy = () => pulsar.topics.get(TOPIC)!.policies.get("retention");
    expect(policy()).toEqual({ retentionTimeInMinutes: -1, retentionSizeInMB: -1 });
    const retention = { ms: 60_001, bytes: 1 };
    await broker.admin.ensureTopic({ name: TOPIC, partitions: 1, retention, compaction: false });
    expect(policy()).toEqual({ retentionTimeInMinutes: 2, retentionSizeInMB: 1 });
    await broker.admin.ensureTopic({ name: TOPIC, partitions: 1, retention: { ms: 2 ** 50 }, compaction: false });
    expect(policy()).toEqual({ retentionTimeInMinutes: -1, retentionSizeInMB: -1 });
    await broker.admin.ensureTopic({ name: TOPIC, partitions: 1, retention, compaction: true });
    expect(policy(), "a compacted topic").toEqual({ retentionTimeInMinutes: -1, retentionSizeInMB: 1 });
  });
});
