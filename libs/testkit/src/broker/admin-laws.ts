/** Laws of the admin face: topics, partitions, truncation, retention, compaction. */
import type { ReadFrom, TopicConfig } from "@distribution/core/brokers";
import { expect, test } from "vitest";
import { type LawContext, needs } from "./law-context.ts";
import { batchOf, readEvents } from "./support.ts";

export function adminLaws(context: LawContext): void {
  const append = (topic: string, ids: readonly string[], partition = 0) =>
    context.broker.append([{ topic, partition, batch: batchOf(ids.map((id) => ({ id, key: id.slice(0, 1) }))) }]);

  const read = async (topic: string, count: number, from: ReadFrom = { at: "earliest" }) => {
    const reader = await context.broker.read(topic, 0, from);
    const events = await readEvents(reader, count);
    await reader.close();
    return events;
  };

  test("a topic is created once, however often it is asked for, and keeps its events", async () => {
    const topic = await context.topic();
    const [before] = await context.broker.admin.partitions(topic);
    await append(topic, ["a"]);
    await context.broker.admin.ensureTopic({ name: topic, partitions: 1, retention: {}, compaction: false });
    const [after] = await context.broker.admin.partitions(topic);
    expect(after!.epoch).toBe(before!.epoch);
    expect(await read(topic, 1)).toHaveLength(1);
  });

  test("topics lists what was ensured, as it was last changed", async () => {
    const name = await context.topic();
    const changed: TopicConfig = { name, partitions: 2, retention: { ms: 3_600_000 }, compaction: false };
    await context.broker.admin.ensureTopic(changed);
    expect((await context.broker.admin.topics()).find((topic) => topic.name === name)).toEqual(changed);
  });

  test("a topic grows, and its old partitions keep their events", async () => {
    const name = await context.topic();
    await append(name, ["a"]);
    await context.broker.admin.ensureTopic({ name, partitions: 3, retention: {}, compaction: false });
    await append(name, ["b"], 2);
    expect((await context.broker.admin.partitions(name)).map(({ partition }) => partition)).toEqual([0, 1, 2]);
    expect((await read(name, 1))[0]?.id).toBe("a");
  });

  test("a topic never shrinks: fewer partitions are refused with invalid_request and nothing changes", async () => {
    const name = await context.topic({ partitions: 3 });
    const refused = context.broker.admin.ensureTopic({ name, partitions: 2, retention: {}, compaction: false });
    await expect(refused).rejects.toMatchObject({ code: "invalid_request" });
    expect(await context.broker.admin.partitions(name)).toHaveLength(3);
  });

  test("names and partition counts outside their bounds are refused with invalid_request", async () => {
    const standard = { name: "conformance.bounds", partitions: 1, retention: {}, compaction: false };
    const names = ["", "Upper", "a..b", ".a", "a.", "a b", "ä", "a*", "x".repeat(201)];
    const bad = [...names.map((name) => ({ name })), ...[0, -1, 1.5, 1025].map((partitions) => ({ partitions }))];
    for (const one of bad) {
      const refused = context.broker.admin.ensureTopic({ ...standard, ...one });
      await expect(refused, JSON.stringify(one)).rejects.toMatchObject({ code: "invalid_request" });
    }
  });

  test("a name of exactly 200 characters is taken", async () => {
    const name = `conformance.${Date.now()}-`.padEnd(200, "x");
    await context.broker.admin.ensureTopic({ name, partitions: 1, retention: {}, compaction: false });
    await append(name, ["a"]);
    expect(await read(name, 1)).toHaveLength(1);
    await context.broker.admin.deleteTopic(name);
  });

  test("what is asked of an unknown topic is refused with unknown_topic", async () => {
    const { admin } = context.broker;
    await expect(admin.partitions("conformance.no-such")).rejects.toMatchObject({ code: "unknown_topic" });
    await expect(admin.deleteTopic("conformance.no-such")).rejects.toMatchObject({ code: "unknown_topic" });
  });

  test("truncate deletes up to and including the position; later events keep their positions", async () => {
    const topic = await context.topic();
    for (const ids of [["a", "b"], ["c"], ["d", "e"]]) await append(topic, ids);
    const all = await read(topic, 5);
    await context.broker.admin.truncate({ topic, partition: 0, epoch: all[1]!.epoch, offset: all[1]!.offset });
    expect(await read(topic, 3)).toEqual(all.slice(2));
    const [info] = await context.broker.admin.partitions(topic);
    expect(info).toMatchObject({ start: all[1]!.offset, end: all[4]!.offset });
  });

  test("truncate cuts within a batch, or else keeps the whole batch", async () => {
    const topic = await context.topic();
    await append(topic, ["a", "b", "c"]);
    await append(topic, ["d"]);
    const all = await read(topic, 4);
    await context.broker.admin.truncate({ topic, partition: 0, epoch: all[1]!.epoch, offset: all[1]!.offset });
    const kept = context.broker.capabilities.exactTruncation ? all.slice(2) : all;
    expect(await read(topic, kept.length)).toEqual(kept);
    const after = { epoch: all[1]!.epoch, offset: all[1]!.offset };
    expect(await read(topic, 2, { after })).toEqual(all.slice(2));
  });

  test("a partition that was truncated to its end is empty, and its offsets go on rising", async () => {
    const topic = await context.topic();
    await append(topic, ["a"]);
    const [a] = await read(topic, 1);
    await context.broker.admin.truncate({ topic, partition: 0, epoch: a!.epoch, offset: a!.offset });
    const [info] = await context.broker.admin.partitions(topic);
    expect(info!.end).toBe(info!.start);
    await append(topic, ["b"]);
    const [b] = await read(topic, 1);
    expect(context.broker.compareOffsets(b!.offset, a!.offset)).toBeGreaterThan(0);
  });

  test("a deleted topic is gone, and one of the same name begins anew with another epoch", async () => {
    const topic = await context.topic();
    await append(topic, ["old"]);
    const [before] = await context.broker.admin.partitions(topic);
    await context.broker.admin.deleteTopic(topic);
    await expect(context.broker.admin.partitions(topic)).rejects.toMatchObject({ code: "unknown_topic" });
    await expect(append(topic, ["lost"])).rejects.toMatchObject({ code: "unknown_topic" });
    await context.broker.admin.ensureTopic({ name: topic, partitions: 1, retention: {}, compaction: false });
    const [after] = await context.broker.admin.partitions(topic);
    expect(after!.epoch).not.toBe(before!.epoch);
    await append(topic, ["new"]);
    expect((await read(topic, 1))[0]?.id).toBe("new");
  });

  test("retention keeps what it must keep", async () => {
    const topic = await context.topic({ retention: { ms: 3_600_000, bytes: 1 << 30 } });
    await append(topic, ["a", "b"]);
    await context.broker.admin.maintain();
    expect(await read(topic, 2)).toHaveLength(2);
  });

  test("compaction keeps the latest event of every key at its position, and events in log order", async (test) => {
    needs(test, context, "compaction");
    const topic = await context.topic({ compaction: true });
    for (let round = 0; round < 5; round += 1)
      await append(
        topic,
        ["a", "b", "c"].map((key) => `${key}${round}`),
      );
    await append(topic, ["d0"]);
    const before = await read(topic, 16);
    await context.broker.admin.maintain();
    const latest = before.slice(12);
    const reader = await context.broker.read(topic, 0, { at: "earliest" });
    const after = [];
    while (after.at(-1)?.id !== "d0") after.push(...(await readEvents(reader, 1)));
    await reader.close();
    for (const event of latest) expect(after).toContainEqual(event);
    const order = new Map(before.map(({ offset }, at) => [offset, at]));
    const places = after.map(({ offset }) => order.get(offset) ?? -1);
    expect(places).toEqual([...new Set(places)].sort((a, b) => a - b));
  });
}
