/** Groups of several processes on a Pulsar in memory. */
import { eventsOf, idsOf, takeEvents, within } from "@distribution/testkit/broker";
import { describe, expect, test } from "vitest";
import { logOf, open, put, TOPIC } from "./fake/support.ts";

describe("groups", () => {
  const group = { name: "workers: a/b", topics: [TOPIC], from: "earliest", ackTimeoutMs: 30_000 } as const;
  const positions = (taken: readonly { position: never }[]) => taken.map(({ position }) => position);

  test("a process that leaves hands its partition to the next, with what it has not settled", async () => {
    const fake = await open();
    const { broker: other } = await fake.another();
    await put(fake.broker, ["a", "b", "c"]);
    const [first, second] = [await fake.broker.group(group), await other.group(group)];
    const taken = await takeEvents(first, 3);
    await first.ack([taken[1]!.position]);
    const waiting = takeEvents(second, 2);
    expect(await within(waiting, 100)).toBe("waiting");
    expect(await other.admin.lag(group.name, TOPIC)).toEqual([2]);
    await first.close();
    expect((await waiting).map(({ id, attempt }) => [id, attempt])).toEqual([
      ["a", 2],
      ["c", 2],
    ]);
    await second.ack(positions((await waiting) as never));
    expect(await other.admin.lag(group.name, TOPIC)).toEqual([0]);
  });

  test("one that loses a partition keeps what is in hand until it is answered", async () => {
    const fake = await open();
    const { broker: other } = await fake.another();
    await put(fake.broker, ["a"]);
    await put(fake.broker, ["b"]);
    const [first, second] = [await fake.broker.group(group), await other.group(group)];
    const [a] = await takeEvents(first, 1);
    const [one, two] = logOf(fake).subscriptions.get("workers=3a=20a=2fb")!.consumers;
    one!.onActive(false);
    two!.onActive(true);
    const next = takeEvents(second, 1);
    expect(await within(next, 150)).toBe("waiting");
    await first.ack([a!.position]);
    expect((await next).map(({ id }) => id)).toEqual(["b"]);
  });

  test("one whose connection is lost settles nothing that another has by now", async () => {
    const fake = await open();
    await put(fake.broker, ["a"]);
    const first = await fake.broker.group(group);
    const [a] = await takeEvents(first, 1);
    fake.port.attached = false;
    await first.ack([]);
    const subscription = logOf(fake).subscriptions.get("workers=3a=20a=2fb")!;
    subscription.properties["distribution.owner"] = "another";
    await expect(first.ack([a!.position])).rejects.toMatchObject({ code: "unavailable" });
  });

  test("who has a partition is asked where Pulsar does not tell", async () => {
    const fake = await open();
    const { broker: other, port } = await fake.another();
    fake.port.tells = false;
    port.tells = false;
    await put(fake.broker, ["a"]);
    await put(fake.broker, ["b"]);
    const [first, second] = [await fake.broker.group(group), await other.group(group)];
    const [a] = await takeEvents(first, 1);
    // It was active for less time than Pulsar takes to say so: only the other one is told.
    const { consumers } = logOf(fake).subscriptions.get("workers=3a=20a=2fb")!;
    consumers.reverse();
    consumers[0]!.onActive(true);
    await first.ack([a!.position]);
    expect((await takeEvents(second, 1)).map(({ id }) => id)).toEqual(["b"]);
  });

  test("one that was cut off asks whether the partition is still its own", async () => {
    const fake = await open();
    const { broker: other } = await fake.another();
    const [first, second] = [await fake.broker.group(group), await other.group(group)];
    const { consumers } = logOf(fake).subscriptions.get("workers=3a=20a=2fb")!;
    const [mine] = consumers;
    mine!.onReattached();
    await put(fake.broker, ["a"]);
    await first.ack(positions((await takeEvents(first, 1)) as never));
    consumers.reverse();
    consumers[0]!.onActive(true);
    mine!.onReattached();
    await put(fake.broker, ["b"]);
    expect((await takeEvents(second, 1)).map(({ id }) => id)).toEqual(["b"]);
  });

  test("one that was cut off and has the partition again goes on from where another process was meanwhile", async () => {
    const fake = await open();
    const { broker: other } = await fake.another();
    const [first, second] = [await fake.broker.group(group), await other.group(group)];
    await put(fake.broker, ["a", "b", "c"]);
    await takeEvents(first, 1);
    const { consumers } = logOf(fake).subscriptions.get("workers=3a=20a=2fb")!;
    const [mine] = consumers.splice(0, 1);
    consumers[0]!.onActive(true);
    await second.ack(positions((await takeEvents(second, 3)) as never));
    await second.close();
    consumers.push(mine!);
    mine!.onReattached();
    const owner = () => logOf(fake).subscriptions.get("workers=3a=20a=2fb")!.properties["distribution.owner"];
    await expect.poll(owner).toBe(mine!.name);
    await put(fake.broker, ["d"]);
    expect((await takeEvents(first, 1)).map(({ id }) => id)).toEqual(["d"]);
  });

  test("progress lets Pulsar's retention go on", async () => {
    const fake = await open();
    for (const id of ["a", "b", "c"]) await put(fake.broker, [id]);
    const member = await fake.broker.group(group);
    const taken = await takeEvents(member, 3);
    await member.ack(positions(taken as never));
    const { ledger, entry } = { ledger: logOf(fake).ledgers[0]!.id, entry: 1n };
    await expect.poll(() => logOf(fake).subscriptions.get("workers=3a=20a=2fb")!.released).toEqual({ ledger, entry });
  });

  test("new partitions are consumed from their beginning, also those that another process added", async () => {
    const fake = await open({ topicRefreshMs: 100 });
    const { broker: other } = await fake.another();
    const member = await fake.broker.group({ ...group, from: "latest" });
    await other.admin.ensureTopic({ name: TOPIC, partitions: 2, retention: {}, compaction: false });
    await put(other, ["a"], 1);
    const [given] = await member.next(1);
    expect([given!.partition, idsOf(given!)]).toEqual([1, ["a"]]);
  });

  test("a deleted topic leaves its groups, and progress that cannot be read is told", async () => {
    const fake = await open();
    await put(fake.broker, ["a"]);
    const member = await fake.broker.group(group);
    await member.ack(positions((await takeEvents(member, 1)) as never));
    await member.close();
    logOf(fake).subscriptions.get("workers=3a=20a=2fb")!.properties = {
      ...{ "distribution.partition": "0", "distribution.progress": "nonsense" },
    };
    await expect(fake.broker.group(group)).rejects.toMatchObject({ code: "record_damaged" });
    await expect(fake.broker.admin.lag(group.name, TOPIC)).rejects.toMatchObject({ code: "record_damaged" });
    logOf(fake).subscriptions.clear();
    expect(await fake.broker.admin.lag(group.name, TOPIC)).toEqual([1]);
    const again = await fake.broker.group(group);
    const [batch] = await again.next(1);
    expect(eventsOf(batch!)).toHaveLength(1);
    await fake.broker.admin.deleteTopic(TOPIC);
    const next = again.next(1);
    expect(await within(next, 50)).toBe("waiting");
    await again.close();
    expect(await next).toEqual([]);
  });
});
