/** Retention, truncation and compaction as the embedded broker does them: at once, exactly, and while others read. */
import { takeEvents } from "@distribution/testkit/broker";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { clockAt, folder, idsOfEvents, openBroker, put, readAll, topicOf } from "./support.ts";

const SECOND = 1_000_000_000n;

describe("retention by time", () => {
  test.each([
    ["1 ns younger than it may be", 10_000_000_000n - 1n, ["a", "b"]],
    ["as old as it may be", 10_000_000_000n, ["a", "b"]],
    ["1 ns older than it may be", 10_000_000_001n, ["b"]],
  ])("an event %s", async (_, age, kept) => {
    const runtime = clockAt(1000n * SECOND);
    const broker = await openBroker({ runtime });
    const topic = await topicOf(broker, "aged", { retention: { ms: 10_000 } });
    await put(broker, topic, ["a"]);
    runtime.wall += SECOND;
    await put(broker, topic, ["b"]);
    runtime.wall = 1000n * SECOND + age;
    await broker.admin.maintain();
    expect(idsOfEvents(await readAll(broker, topic))).toEqual(kept);
  });

  test("runs by itself in rounds", async () => {
    const runtime = clockAt(1000n * SECOND);
    const broker = await openBroker({ runtime, maintenanceIntervalMs: 10 });
    const topic = await topicOf(broker, "rounds", { retention: { ms: 1000 } });
    await put(broker, topic, ["a"]);
    runtime.wall += 2n * SECOND;
    await expect.poll(async () => (await broker.admin.partitions(topic))[0]!.events).toBe(0);
  });
});

test("retention by bytes leaves at most that much, and the newest", async () => {
  const broker = await openBroker();
  const topic = await topicOf(broker, "sized");
  for (let at = 0; at < 10; at += 1) await put(broker, topic, [`e${at}`], 10_000);
  const { bytes } = (await broker.admin.partitions(topic))[0]!;
  for (const [bound, left] of [
    [bytes + 1, 10],
    [bytes, 10],
    [bytes - 1, 9],
    [bytes / 2, 5],
    [1, 0],
  ] as const) {
    await topicOf(broker, topic, { retention: { bytes: Math.floor(bound) } });
    await broker.admin.maintain();
    expect((await broker.admin.partitions(topic))[0]).toMatchObject({
      events: left,
      end: "10",
      start: String(10 - left),
    });
  }
});

test("retention of more records than one transaction deletes takes them all", async () => {
  const broker = await openBroker();
  const topic = await topicOf(broker, "many", { retention: { bytes: 1 } });
  await Promise.all(Array.from({ length: 1200 }, (_, at) => put(broker, topic, [`e${at}`])));
  await broker.admin.maintain();
  expect((await broker.admin.partitions(topic))[0]).toMatchObject({ start: "1200", end: "1200", events: 0, bytes: 0 });
});

describe("truncation", () => {
  test("within a batch keeps its later events, counts them, and holds over a restart", async () => {
    const directory = folder();
    const broker = await openBroker({ directory });
    const topic = await topicOf(broker, "cut");
    await put(broker, topic, ["a", "b", "c", "d"]);
    const { epoch } = (await broker.admin.partitions(topic))[0]!;
    for (const offset of ["1", "3", "2"]) await broker.admin.truncate({ topic, partition: 0, epoch, offset });
    await broker.close();
    const again = await openBroker({ directory });
    expect(idsOfEvents(await readAll(again, topic))).toEqual(["d"]);
    expect((await again.admin.partitions(topic))[0]).toMatchObject({ start: "3", end: "4", events: 1 });
  });

  test("beyond the end, in another epoch, or at what is no offset is refused", async () => {
    const broker = await openBroker();
    const topic = await topicOf(broker, "refused");
    await put(broker, topic, ["a"]);
    const { epoch } = (await broker.admin.partitions(topic))[0]!;
    const refused = (change: object) => broker.admin.truncate({ topic, partition: 0, epoch, offset: "1", ...change });
    await expect(refused({ offset: "2" })).rejects.toMatchObject({ code: "position_gone" });
    await expect(refused({ epoch: "other" })).rejects.toMatchObject({ code: "position_gone" });
    for (const offset of ["", "-1", "01", "1.0", "281474976710656", "9".repeat(30)]) {
      await expect(refused({ offset }), offset).rejects.toMatchObject({ code: "invalid_request" });
    }
  });
});

describe("compaction", () => {
  test("leaves of every key exactly the latest, at its offset; keyless events stay", async () => {
    const broker = await openBroker();
    const topic = await topicOf(broker, "compact", { compaction: true });
    await put(broker, topic, ["a1:a", "b1:b", "x1", "c1:c"]);
    await put(broker, topic, ["a2:a", "x2", "b2:b"]);
    await put(broker, topic, ["a3:a"]);
    await broker.admin.maintain();
    expect((await readAll(broker, topic)).map(({ id, offset }) => `${id}@${offset}`)).toEqual([
      "x1@3",
      "c1@4",
      "x2@6",
      "b2@7",
      "a3@8",
    ]);
    expect((await broker.admin.partitions(topic))[0]).toMatchObject({ events: 5, start: "0", end: "8" });
  });

  test("whatever was appended, truncated and compacted in between: what is left is what a list would have", async () => {
    const keys = fc.array(fc.constantFrom("a", "b", "c", "d"), { minLength: 1, maxLength: 6 });
    const steps = fc.array(fc.oneof(keys, fc.constant("maintain"), fc.nat({ max: 30 })), {
      minLength: 1,
      maxLength: 12,
    });
    const broker = await openBroker();
    let run = 0;
    await fc.assert(
      fc.asyncProperty(steps, async (plan) => {
        run += 1;
        const topic = await topicOf(broker, `property-${run}`, { compaction: true });
        const { epoch } = (await broker.admin.partitions(topic))[0]!;
        let model: { id: string; key: string; offset: number }[] = [];
        let end = 0;
        for (const step of plan) {
          if (Array.isArray(step)) {
            const events = step.map((key) => ({ id: `e${++end}`, key, offset: end }));
            model.push(...events);
            await put(
              broker,
              topic,
              events.map(({ id, key }) => `${id}:${key}`),
            );
          } else if (step === "maintain") {
            model = model.filter((event, at) => !model.slice(at + 1).some((later) => later.key === event.key));
            await broker.admin.maintain();
          } else if (typeof step === "number" && step <= end) {
            model = model.filter(({ offset }) => offset > step);
            await broker.admin.truncate({ topic, partition: 0, epoch, offset: String(step) });
          }
        }
        // The end may be compacted away only by truncation: the newest event of the log is the latest of its key.
        const left = model.length === 0 ? [] : await readAll(broker, topic);
        expect(left.map(({ id, key, offset }) => ({ id, key, offset: Number(offset) }))).toEqual(model);
        await broker.admin.deleteTopic(topic);
      }),
      { numRuns: 25 },
    );
  });

  test("a group behind it is given what is left, and its lag ends at 0", async () => {
    const broker = await openBroker();
    const topic = await topicOf(broker, "lag", { compaction: true });
    for (let at = 0; at < 10; at += 1) await put(broker, topic, [`a${at}:a`, `b${at}:b`]);
    await broker.admin.maintain();
    expect(await broker.admin.lag("g", topic)).toEqual([2]);
    const member = await broker.group({ name: "g", topics: [topic], from: "earliest", ackTimeoutMs: 30_000 });
    const taken = await takeEvents(member, 2);
    expect(taken.map(({ id }) => id)).toEqual(["a9", "b9"]);
    await member.ack(taken.map(({ position }) => position));
    expect(await broker.admin.lag("g", topic)).toEqual([0]);
  });

  test("runs by itself when half of the partition is new", async () => {
    const broker = await openBroker({ maintenanceIntervalMs: 20 });
    const topic = await topicOf(broker, "rounds", { compaction: true });
    for (let at = 0; at < 10; at += 1)
      await put(
        broker,
        topic,
        Array.from({ length: 100 }, (_, event) => `e${at}-${event}:k${event % 10}`),
      );
    await expect.poll(async () => (await broker.admin.partitions(topic))[0]!.events).toBe(10);
  });

  test("of more records than are read at a time finds them all", async () => {
    const broker = await openBroker();
    const topic = await topicOf(broker, "long", { compaction: true });
    await Promise.all(Array.from({ length: 1300 }, (_, at) => put(broker, topic, [`e${at}:k${at % 3}`])));
    for (let at = 0; at < 3; at += 1) await put(broker, topic, [`large${at}:k${at}`], 700_000);
    await broker.admin.maintain();
    expect(idsOfEvents(await readAll(broker, topic))).toEqual(["large0", "large1", "large2"]);
  });
});
