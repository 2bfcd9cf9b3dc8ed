/** What the embedded broker promises of groups beyond the contract: durable attempts, bounded windows, growth, refusals. */
import type { Broker, GroupMember, Position } from "@distribution/core/brokers";
import { batchOf, takeEvents, takenOf, within } from "@distribution/testkit/broker";
import { assertFaultless, createHistory } from "@distribution/testkit/history";
import { describe, expect, test } from "vitest";
import { folder, openBroker, put, readAll, topicOf } from "./support.ts";

const join = (broker: Broker, topics: readonly string[], change: object = {}): Promise<GroupMember> =>
  broker.group({ name: "g", topics, from: "earliest", ackTimeoutMs: 30_000, ...change });

const at = (topic: string, epoch: string, offset: string): Position => ({ topic, partition: 0, epoch, offset });

test("attempts of events that were given up are counted on over a restart", async () => {
  const directory = folder();
  const first = await openBroker({ directory });
  const topic = await topicOf(first, "attempts");
  await put(first, topic, ["a", "b"]);
  const member = await join(first, [topic]);
  const [a] = await takeEvents(member, 2);
  await member.nack([a!.position], 0);
  await first.close();
  const second = await openBroker({ directory });
  const again = await takeEvents(await join(second, [topic]), 2);
  expect(again.map(({ id, attempt }) => `${id} ${attempt}`)).toEqual(["a 2", "b 1"]);
});

test("a group that began at latest and settled nothing begins there again after a restart", async () => {
  const directory = folder();
  const first = await openBroker({ directory });
  const topic = await topicOf(first, "latest");
  await put(first, topic, ["old"]);
  await join(first, [topic], { from: "latest" });
  await put(first, topic, ["new"]);
  await first.close();
  const second = await openBroker({ directory });
  const taken = await takeEvents(await join(second, [topic], { from: "latest" }), 1);
  expect(taken.map(({ id }) => id)).toEqual(["new"]);
});

describe("the window", () => {
  test.each([{ groupWindowEvents: 5 }, { groupWindowBytes: 500 }])(
    "%j holds what is out, and moves on as it is settled",
    async (bound) => {
      const broker = await openBroker(bound);
      const topic = await topicOf(broker, "window");
      for (let event = 0; event < 40; event += 1) await put(broker, topic, [`e${event}`], 50);
      const member = await join(broker, [topic]);
      const seen: string[] = [];
      while (seen.length < 40) {
        const taken = takenOf(await member.next(3));
        seen.push(...taken.map(({ id }) => id));
        await member.ack(taken.map(({ position }) => position));
      }
      expect(seen).toEqual(Array.from({ length: 40 }, (_, event) => `e${event}`));
    },
  );
});

test("new partitions of a topic reach a group that runs", async () => {
  const broker = await openBroker();
  const topic = await topicOf(broker, "grows");
  const member = await join(broker, [topic]);
  const next = takeEvents(member, 1);
  await topicOf(broker, topic, { partitions: 3 });
  const epoch = (await broker.admin.partitions(topic))[2]?.epoch;
  await broker.append([{ topic, partition: 2, batch: batchOf([{ id: "a", key: "k" }]) }]);
  expect(await next).toMatchObject([{ id: "a", position: { topic, partition: 2, epoch } }]);
});

test("a deleted topic leaves the group, and the others go on", async () => {
  const broker = await openBroker();
  const topics = [await topicOf(broker, "gone"), await topicOf(broker, "stays")];
  await put(broker, "gone", ["a"]);
  const member = await join(broker, topics);
  const [a] = await takeEvents(member, 1);
  const next = takeEvents(member, 1);
  await broker.admin.deleteTopic("gone");
  await put(broker, "stays", ["b"]);
  expect((await next)[0]?.id).toBe("b");
  await expect(member.ack([a!.position])).rejects.toMatchObject({ code: "invalid_request" });
});

test("retention that overtakes a group moves it to what is left", async () => {
  const broker = await openBroker({ groupWindowEvents: 1 });
  const topic = await topicOf(broker, "overtaken");
  for (let event = 0; event < 10; event += 1) await put(broker, topic, [`e${event}`], 100);
  const member = await join(broker, [topic]);
  const [first] = await takeEvents(member, 1);
  const { epoch } = (await broker.admin.partitions(topic))[0]!;
  await broker.admin.truncate(at(topic, epoch, "8"));
  await member.ack([first!.position]);
  const seen: string[] = [];
  while (seen.at(-1) !== "e9") {
    const [one] = await takeEvents(member, 1);
    seen.push(one!.id);
    await member.ack([one!.position]);
  }
  expect(seen.slice(-2)).toEqual(["e8", "e9"]);
  expect(await broker.admin.lag("g", topic)).toEqual([0]);
});

test("an answer by a member whose time ran out does not take the event from the one who has it now", async () => {
  const broker = await openBroker();
  const topic = await topicOf(broker, "late");
  await put(broker, topic, ["a"]);
  const [slow, other] = [await join(broker, [topic], { ackTimeoutMs: 40 }), await join(broker, [topic])];
  const [a] = await takeEvents(slow, 1);
  const [again] = await takeEvents(other, 1);
  expect(again).toMatchObject({ id: "a", attempt: 2 });
  await slow.nack([a!.position], 0);
  await slow.extend([a!.position], 1000);
  expect(await within(slow.next(1), 50)).toBe("waiting");
  await other.ack([again!.position]);
  expect(await broker.admin.lag("g", topic)).toEqual([0]);
});

test("events may be settled before they are given, and are then not given", async () => {
  const broker = await openBroker();
  const topic = await topicOf(broker, "ahead");
  await put(broker, topic, ["a", "b", "c"]);
  const [, b] = await readAll(broker, topic);
  const member = await join(broker, [topic]);
  await member.ack([at(topic, b!.epoch, b!.offset)]);
  expect((await takeEvents(member, 2)).map(({ id }) => id)).toEqual(["a", "c"]);
});

describe("refused with the field", () => {
  test.each([
    ["name", { name: "" }],
    ["name", { name: "x".repeat(201) }],
    ["topics", { topics: [] }],
    ["from", { from: "somewhere" }],
    ["ackTimeoutMs", { ackTimeoutMs: 0 }],
    ["ackTimeoutMs", { ackTimeoutMs: 2 ** 31 }],
    ["ackTimeoutMs", { ackTimeoutMs: Number.NaN }],
  ])("%s: %j", async (path, change) => {
    const broker = await openBroker();
    const topic = await topicOf(broker, "t");
    await expect(join(broker, [topic], change)).rejects.toMatchObject({ code: "invalid_request", errors: [{ path }] });
  });

  test("names of 200 characters and timeouts at their bounds are taken", async () => {
    const broker = await openBroker();
    const topic = await topicOf(broker, "t");
    for (const ackTimeoutMs of [1, 2 ** 31 - 1]) {
      await (await join(broker, [topic], { name: "x".repeat(200), ackTimeoutMs })).close();
    }
  });

  test("other topics than the group's", async () => {
    const broker = await openBroker();
    const topics = [await topicOf(broker, "one"), await topicOf(broker, "two")];
    await join(broker, topics);
    await join(broker, topics.toReversed());
    await expect(join(broker, ["one"])).rejects.toMatchObject({
      code: "invalid_request",
      errors: [{ path: "topics" }],
    });
  });

  test("what a member is asked", async () => {
    const broker = await openBroker();
    const topic = await topicOf(broker, "t");
    await put(broker, topic, ["a"]);
    const member = await join(broker, [topic]);
    const [a] = await takeEvents(member, 1);
    const refused = (path: string, code = "invalid_request") => ({ code, errors: [expect.objectContaining({ path })] });
    for (const max of [0, -1, 1.5, Number.NaN])
      await expect(member.next(max)).rejects.toMatchObject(refused("maxEvents"));
    for (const ms of [-1, Number.NaN, 2 ** 31])
      await expect(member.nack([a!.position], ms)).rejects.toMatchObject(refused("delayMs"));
    for (const ms of [0, 2 ** 31]) await expect(member.extend([a!.position], ms)).rejects.toMatchObject(refused("ms"));
    const bad = (change: object) => member.ack([a!.position, { ...a!.position, ...change }]);
    await expect(bad({ topic: "other" })).rejects.toMatchObject(refused("positions[1]"));
    await expect(bad({ partition: 1 })).rejects.toMatchObject(refused("positions[1]"));
    await expect(bad({ offset: "x" })).rejects.toMatchObject(refused("positions[1].offset"));
    await expect(bad({ offset: "2" })).rejects.toMatchObject(refused("positions[1]"));
    await expect(bad({ epoch: "other" })).rejects.toMatchObject(refused("positions[1]", "position_gone"));
    expect(await broker.admin.lag("g", topic), "a refused ack settles nothing").toEqual([1]);
    const next = member.next(1);
    await expect(member.next(1)).rejects.toMatchObject(refused("next"));
    await member.close();
    expect(await next).toEqual([]);
  });
});

test("under members that come, go, nack and stay silent, every event is settled once and keys keep their order", async () => {
  const broker = await openBroker({ groupWindowEvents: 50 });
  const topic = await topicOf(broker, "chaos");
  const history = createHistory();
  const observer = history.observer("the group", { redeliveries: true });
  for (let batch = 0; batch < 30; batch += 1) {
    const names = Array.from({ length: 10 }, (_, event) => `e${batch * 10 + event}:k${(batch * 10 + event) % 7}`);
    for (const name of names) history.publish(name.split(":")[0]!, name.split(":")[1]!);
    await put(broker, topic, names);
    for (const name of names) history.settle(name.split(":")[0]!, "acknowledged");
  }
  let moves = 0;
  const done = async (): Promise<boolean> => (await broker.admin.lag("g", topic))[0] === 0;
  const work = async (): Promise<void> => {
    while (!(await done())) {
      const member = await join(broker, [topic], { ackTimeoutMs: 30 });
      for (let round = 0; round < 5; round += 1) {
        const batches = await within(member.next(8), 40);
        if (batches === "waiting") break;
        const taken = takenOf(batches);
        for (const { id } of taken) observer.saw(id);
        moves += 1;
        const positions = taken.map(({ position }) => position);
        if (moves % 11 === 0) await member.nack(positions, 5);
        else if (moves % 7 !== 0) await member.ack(positions);
      }
      await member.close();
    }
  };
  await Promise.all([work(), work(), work()]);
  const report = history.report();
  assertFaultless(report);
  expect(report.redelivered).toBeGreaterThan(0);
});

test("answers after the broker was closed are refused as unavailable", async () => {
  const broker = await openBroker();
  const topic = await topicOf(broker, "closed");
  await put(broker, topic, ["a"]);
  const member = await join(broker, [topic]);
  const [a] = await takeEvents(member, 1);
  const next = member.next(1);
  await broker.close();
  expect(await next).toEqual([]);
  await expect(member.ack([a!.position])).rejects.toMatchObject({ code: "unavailable" });
  await member.close();
});
