/** Topics of others on a Pulsar in memory: what cannot be brought about on a real one when a test wants it. */
import type { Broker, ForeignGroup, ForeignPartition, ReadFrom } from "@distribution/core/brokers";
import { systemRuntime } from "@distribution/core/runtime";
import { describe, expect, onTestFinished, test } from "vitest";
import { PortError } from "../src/port.ts";
import { FakeLog } from "./fake/log.ts";
import { logOf, open, put, TOPIC } from "./fake/support.ts";

const message = (text: string, key?: string) => ({ data: Buffer.from(text), properties: {}, ...(key && { key }) });

const texts = async (broker: Broker, from: ReadFrom, count: number): Promise<string[]> => {
  const reader = await broker.foreign!.read(TOPIC, 0, from);
  const found: string[] = [];
  while (found.length < count) {
    const some = await reader.next(1);
    if (some.length === 0) break;
    found.push(...some.map(({ value, damage }) => damage ?? Buffer.from(value!).toString()));
  }
  await reader.close();
  return found;
};

describe("records of others", () => {
  test("are read from the beginning, the end, and after one of them, also within a batch", async () => {
    const fake = await open();
    const { broker } = fake;
    expect((await broker.foreign!.read(TOPIC, 0, { at: "latest" })).start.offset).toBe("0.0.0");
    logOf(fake).store([message("a", "k"), message("b")], true);
    logOf(fake).roll();
    logOf(fake).store([message("c")], false);
    const reader = await broker.foreign!.read(TOPIC, 0, { at: "earliest" });
    const records = [...(await reader.next(2)), ...(await reader.next(2))];
    expect(records.map(({ value, key }) => [Buffer.from(value!).toString(), key && String(key)])).toEqual([
      ["a", "k"],
      ["b", undefined],
      ["c", undefined],
    ]);
    expect(await texts(broker, { after: records[0]! }, 2)).toEqual(["b", "c"]);
    const latest = await broker.foreign!.read(TOPIC, 0, { at: "latest" });
    logOf(fake).store([message("d")], false);
    expect((await latest.next(9)).map(({ value }) => Buffer.from(value!).toString())).toEqual(["d"]);
    const waiting = latest.next(1);
    await latest.close();
    expect(await waiting).toEqual([]);
    await expect(broker.foreign!.read(TOPIC, 0, { time: 5n })).rejects.toMatchObject({ code: "invalid_request" });
  });

  test("that are the broker's own form are its events", async () => {
    const { broker } = await open();
    await put(broker, ["a", "b"]);
    const [record] = await (await broker.foreign!.read(TOPIC, 0, { at: "earliest" })).next(1);
    expect(record!.events().count).toBe(2);
  });

  test("that cannot be unpacked are one with its damage, each time they are met, and are read past", async () => {
    const fake = await open();
    logOf(fake).store([message("a")], false);
    logOf(fake).store([message("bad"), message("worse")], true);
    logOf(fake).damaged.add(logOf(fake).ledgers[0]!.entries[1]!);
    logOf(fake).store([message("b")], false);
    const all = ["a", "it cannot be unpacked", "b"];
    expect(await texts(fake.broker, { at: "earliest" }, 3)).toEqual(all);
    const [, damaged] = await records(fake.broker, 2);
    expect(Buffer.from(damaged!.value!).toString()).toBe("bad");
    expect(() => damaged!.events()).toThrow("it cannot be unpacked");
    expect(await texts(fake.broker, { after: damaged! }, 1)).toEqual(["b"]);
  });

  test("that say of themselves what cannot be read are damaged, and those beside them in the batch are not", async () => {
    const fake = await open();
    const broken = Object.defineProperty(message("bad"), "properties", {
      get() {
        throw new PortError("damaged", "a property that does not end", { entry: { ledger: 1n, entry: 1n } });
      },
    });
    logOf(fake).store([message("a"), broken, message("b")], true);
    const all = ["a", "a property that does not end", "b"];
    expect(await texts(fake.broker, { at: "earliest" }, 3)).toEqual(all);
    const [, damaged] = await records(fake.broker, 2);
    expect(await texts(fake.broker, { after: damaged! }, 1)).toEqual(["b"]);
  });

  test("that were deleted before they were read are told, also under a reader", async () => {
    const fake = await open();
    logOf(fake).store([message("a")], false);
    const reader = await fake.broker.foreign!.read(TOPIC, 0, { at: "earliest" });
    const [a] = await reader.next(1);
    for (const text of ["b", "c"]) {
      logOf(fake).roll();
      logOf(fake).store([message(text)], false);
    }
    logOf(fake).trim();
    await expect(reader.next(1)).rejects.toMatchObject({ code: "position_gone" });
    expect(await reader.next(1)).toEqual([]);
    await expect(fake.broker.foreign!.read(TOPIC, 0, { after: a! })).rejects.toMatchObject({ code: "position_gone" });
    const other = { after: { ...a!, epoch: "another" } };
    await expect(fake.broker.foreign!.read(TOPIC, 0, other)).rejects.toMatchObject({ code: "position_gone" });
  });

  test("of a topic that was created again under a reader are not taken for what follows", async () => {
    const fake = await open();
    logOf(fake).store([message("a")], false);
    const reader = await fake.broker.foreign!.read(TOPIC, 0, { at: "earliest" });
    await reader.next(1);
    const [old] = fake.pulsar.topics.get(TOPIC)!.logs;
    const created = Object.assign(new FakeLog(), { created: "later" });
    fake.pulsar.topics.get(TOPIC)!.logs[0] = created;
    old!.roll();
    old!.store([message("b")], false);
    await expect(reader.next(1)).rejects.toMatchObject({
      ...{ code: "position_gone", message: expect.stringContaining("later") },
    });
  });

  test("are looked for where there are none, and refused", async () => {
    const { broker } = await open();
    await expect(broker.foreign!.partitions("none")).rejects.toMatchObject({ code: "unknown_topic" });
    await expect(broker.foreign!.partitions("")).rejects.toMatchObject({ code: "unknown_topic" });
    await expect(broker.foreign!.partitions("persistent://a/b")).rejects.toMatchObject({ code: "invalid_request" });
    await expect(broker.foreign!.read(TOPIC, 1, { at: "latest" })).rejects.toMatchObject({ code: "invalid_request" });
  });
});

const records = async (broker: Broker, count: number) => {
  const reader = await broker.foreign!.read(TOPIC, 0, { at: "earliest" });
  const found = [];
  while (found.length < count) found.push(...(await reader.next(count)));
  await reader.close();
  return found;
};

describe("groups on topics of others", () => {
  const groupOf = (given: ForeignPartition[], topics = [TOPIC]): ForeignGroup => ({
    ...{ name: "test.ingress", topics },
    own(partition) {
      given.push(partition);
      return new Promise((resolve) => partition.ending.addEventListener("abort", () => resolve()));
    },
  });
  const place = { epoch: "e", offset: "7.0.1" };

  test("keep what was settled, also for the next process, and nothing of one that has lost its partition", async () => {
    const fake = await open();
    const { broker: other } = await fake.another();
    const [first, second]: ForeignPartition[][] = [[], []];
    const one = await fake.broker.foreign!.join(groupOf(first!));
    await other.foreign!.join(groupOf(second!));
    expect(first).toMatchObject([{ topic: TOPIC, partition: 0, progress: undefined, begun: false }]);
    await first![0]!.settle({ ...place, note: "begun 1 2" });
    expect(second).toEqual([]);
    await one.close();
    await one.close();
    await expect.poll(() => second!.length).toBe(1);
    expect(second![0]).toMatchObject({ progress: { ...place, note: "begun 1 2" }, begun: false });
    await expect(first![0]!.settle({ ...place, note: "" })).rejects.toMatchObject({ code: "unavailable" });
    await expect(second![0]!.settle({ ...place, note: "\n" })).rejects.toMatchObject({ code: "invalid_request" });
  });

  test("end a partition that another process has by now, and begin it anew when it comes back", async () => {
    const fake = await open();
    const given: ForeignPartition[] = [];
    await fake.broker.foreign!.join(groupOf(given));
    const subscription = logOf(fake).subscriptions.get("test.ingress")!;
    fake.port.attached = false;
    subscription.properties["distribution.owner"] = "another";
    await expect(given[0]!.settle({ ...place, note: "" })).rejects.toMatchObject({ code: "unavailable" });
    await expect.poll(() => given.length).toBe(2);
    expect(given[0]!.ending.aborted).toBe(true);
    await expect(given[0]!.settle({ ...place, note: "" })).rejects.toMatchObject({ code: "unavailable" });
    await given[1]!.settle({ ...place, note: "" });
  });

  test("keep nothing of one that stood still while another process took the partition", async () => {
    let stillMs = 0;
    const { clock } = systemRuntime;
    const runtime = { ...systemRuntime, clock: { ...clock, monotonicMs: () => clock.monotonicMs() + stillMs } };
    const fake = await open({ runtime });
    const given: ForeignPartition[] = [];
    await fake.broker.foreign!.join(groupOf(given));
    await given[0]!.settle({ ...place, note: "" });
    const { properties } = logOf(fake).subscriptions.get("test.ingress")!;
    properties["distribution.owner"] = "another";
    stillMs = 20_000;
    await expect(given[0]!.settle({ ...place, offset: "9.0.1", note: "" })).rejects.toMatchObject({
      code: "unavailable",
    });
    expect(properties["distribution.progress"]).toContain("7.0.1");
  });

  test("take partitions that are added, and topics that are there later, and lose those that go", async () => {
    const fake = await open({ topicRefreshMs: 100 });
    const given: ForeignPartition[] = [];
    const member = await fake.broker.foreign!.join(groupOf(given, [TOPIC, "later"]));
    onTestFinished(() => member.close());
    await given[0]!.settle({ ...place, note: "" });
    const added = new FakeLog();
    // Pulsar gives it the subscriptions of the first partition, with what is kept there.
    added.subscribe("test.ingress").properties = { ...logOf(fake).subscriptions.get("test.ingress")!.properties };
    fake.pulsar.topics.get(TOPIC)!.logs.push(added);
    await expect.poll(() => given.length).toBe(2);
    expect(given[1]).toMatchObject({ partition: 1, progress: undefined, begun: true });
    fake.pulsar.topics.set("later", { properties: {}, logs: [new FakeLog()], policies: new Map() });
    await expect.poll(() => given.length).toBe(3);
    expect(given[2]).toMatchObject({ topic: "later", begun: false });
    fake.pulsar.topics.delete("later");
    await expect.poll(() => given[2]!.ending.aborted).toBe(true);
    await expect(given[2]!.settle({ ...place, note: "" })).rejects.toMatchObject({ code: "unavailable" });
    expect(given[0]!.ending.aborted).toBe(false);
  });

  test("begin with all partitions that there are, also with those that they are given when others have progress", async () => {
    const fake = await open({}, { partitions: 6 });
    const { seat } = fake.port;
    fake.port.seat = async (options) => {
      // The brokers of the others let it attach later.
      if (!options.topic.endsWith("-0")) await expect.poll(() => settled).toBe(true);
      return seat.call(fake.port, options);
    };
    let settled = false;
    const given: ForeignPartition[] = [];
    const { own } = groupOf(given);
    await fake.broker.foreign!.join({
      ...groupOf(given),
      async own(partition) {
        const owned = own(partition);
        await partition.settle({ ...place, note: "" });
        settled = true;
        await owned;
      },
    });
    const begun = given.map((one) => [one.partition, one.begun]).sort();
    expect(begun).toEqual([0, 1, 2, 3, 4, 5].map((partition) => [partition, false]));
    const asked = fake.pulsar.requests.filter((one) => one.startsWith("GET") && one.endsWith("/properties"));
    // What all others have is asked for once, not once for each.
    expect(asked.length).toBeLessThan(6 * 6);
  });

  test("know a partition that was added to be one, by progress that is kept, in another process too", async () => {
    const fake = await open({ topicRefreshMs: 100 });
    const given: ForeignPartition[] = [];
    const member = await fake.broker.foreign!.join(groupOf(given));
    await given[0]!.settle({ ...place, note: "" });
    await member.close();
    fake.pulsar.topics.get(TOPIC)!.logs.push(new FakeLog(), new FakeLog());
    const { broker: other } = await fake.another();
    const later: ForeignPartition[] = [];
    const second = await other.foreign!.join(groupOf(later));
    expect(later.map(({ partition, begun }) => [partition, begun]).sort()).toEqual([
      [0, false],
      [1, true],
      [2, true],
    ]);
    const last = later.find(({ partition }) => partition === 2)!;
    await last.settle({ ...place, note: "1 2" });
    await second.close();
    const again: ForeignPartition[] = [];
    await (await fake.another()).broker.foreign!.join(groupOf(again));
    expect(again.find(({ partition }) => partition === 2)).toMatchObject({
      ...{ begun: true, progress: { ...place, note: "1 2" } },
    });
  });

  test("do not try again to keep what was settled where another process has gone on by then", async () => {
    const fake = await open();
    const given: ForeignPartition[] = [];
    await fake.broker.foreign!.join(groupOf(given));
    const kept = logOf(fake).subscriptions.get("test.ingress")!;
    let tries = 0;
    fake.pulsar.intercept = (method, path) => {
      if (method !== "PUT" || !path.endsWith("/properties")) return undefined;
      tries += 1;
      // The consumer is cut off, and while Pulsar is busy another one has the partition.
      fake.port.attached = false;
      kept.properties = { ...kept.properties, "distribution.owner": "another", "distribution.progress": "e 9.0.1 1 " };
      return tries === 1 ? { status: 503 } : undefined;
    };
    await expect(given[0]!.settle({ ...place, note: "" })).rejects.toMatchObject({ code: "unavailable" });
    expect(tries).toBe(1);
    expect(kept.properties).toMatchObject({ "distribution.owner": "another", "distribution.progress": "e 9.0.1 1 " });
    await expect.poll(() => given[0]!.ending.aborted).toBe(true);
  });

  test("wait for a partition that is told of before it is there", async () => {
    const fake = await open();
    fake.pulsar.intercept = (method, path) =>
      method === "GET" && path.endsWith(`${TOPIC}/partitions`) ? { status: 200, body: { partitions: 2 } } : undefined;
    const given: ForeignPartition[] = [];
    await fake.broker.foreign!.join(groupOf(given));
    expect(given.map(({ partition }) => partition)).toEqual([0]);
    fake.pulsar.topics.get(TOPIC)!.logs.push(new FakeLog());
    await expect.poll(() => given.map(({ partition }) => partition), { timeout: 10_000 }).toEqual([0, 1]);
  });

  test("are refused where what is kept cannot be read, and leave nothing behind", async () => {
    const fake = await open();
    const kept = { "distribution.partition": "0", "distribution.progress": "nonsense" };
    logOf(fake).subscribe("test.ingress").properties = kept;
    await expect(fake.broker.foreign!.join(groupOf([]))).rejects.toMatchObject({ code: "record_damaged" });
    expect(logOf(fake).subscriptions.get("test.ingress")!.consumers).toEqual([]);
  });
});
