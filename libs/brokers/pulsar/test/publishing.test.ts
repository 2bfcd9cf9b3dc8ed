/** Publishers on a Pulsar in memory: bounds, time limits, failures, order. */
import { batchOf, readEvents } from "@distribution/testkit/broker";
import { describe, expect, test } from "vitest";
import { PortError } from "../src/port.ts";
import { ids, logOf, open, put, TOPIC } from "./fake/support.ts";

describe("publishers", () => {
  test("more than maxQueuedBytes that wait are refused", async () => {
    const fake = await open({ maxQueuedBytes: 100 });
    await put(fake.broker, ["first"]);
    const { promise, resolve } = Promise.withResolvers<void>();
    fake.port.hold = promise;
    const held = put(fake.broker, ["a"]);
    await expect(put(fake.broker, ["b".repeat(100)])).rejects.toMatchObject({
      ...{ code: "unavailable", message: expect.stringContaining("maxQueuedBytes"), retryAfterMs: 50 },
    });
    resolve();
    await held;
    await put(fake.broker, ["b".repeat(100)]);
  });

  test("what is not confirmed in time is refused, and the order of what comes after is kept", async () => {
    const fake = await open({ appendTimeoutMs: 100 });
    await put(fake.broker, ["first"]);
    const { promise, resolve } = Promise.withResolvers<void>();
    fake.port.hold = promise;
    const late = ["a", "b", "c", "d"].map((id) => put(fake.broker, [id]));
    for (const one of late) {
      await expect(one).rejects.toMatchObject({
        ...{ code: "unavailable", message: expect.stringContaining("appendTimeoutMs") },
      });
    }
    fake.port.hold = undefined;
    resolve();
    await expect.poll(() => fake.broker.health().reasons).toEqual([]);
    await put(fake.broker, ["last"]);
    const reader = await fake.broker.read(TOPIC, 0, { at: "earliest" });
    const all = await ids(reader, 2);
    expect(all[0]).toBe("first");
  });

  test.each([
    ["full", "storage_full"],
    ["too_large", "batch_too_large"],
    ["refused", "unavailable"],
    ["closed", "unavailable"],
    ["unavailable", "unavailable"],
  ] as const)("a client that says %s is told as %s, and the next append is taken", async (port, code) => {
    const fake = await open();
    await put(fake.broker, ["first"]);
    fake.port.failSend = new PortError(port, "because");
    await expect(put(fake.broker, ["a"])).rejects.toMatchObject({ code, message: expect.stringContaining("because") });
    await put(fake.broker, ["b"]);
    expect(await ids(await fake.broker.read(TOPIC, 0, { at: "earliest" }), 2)).toEqual(["first", "b"]);
  });

  test("what is appended while a message is on its way goes together in the next", async () => {
    const fake = await open();
    await put(fake.broker, ["first"]);
    const { promise, resolve } = Promise.withResolvers<void>();
    fake.port.hold = promise;
    const all: Promise<unknown>[] = [];
    for (let at = 0; at < 20; at += 1) {
      all.push(put(fake.broker, [`e${at}`]));
      await new Promise((soon) => setImmediate(soon));
    }
    resolve();
    await Promise.all(all);
    expect(logOf(fake).ledgers[0]!.entries.length).toBeLessThanOrEqual(4);
    const read = await ids(await fake.broker.read(TOPIC, 0, { at: "earliest" }), 21);
    expect(read).toEqual(["first", ...Array.from({ length: 20 }, (_, at) => `e${at}`)]);
  });

  test("events of a topic that is written as CloudEvents have a message each", async () => {
    const fake = await open({ recordsOf: () => "cloudevents" });
    const [appended] = await put(fake.broker, ["a", "b", "c"]);
    const [entry] = logOf(fake).ledgers[0]!.entries;
    expect(entry!.messages.map(({ key }) => key)).toEqual(["a", "b", "c"]);
    const reader = await fake.broker.read(TOPIC, 0, { at: "earliest" });
    const read = await readEvents(reader, 3);
    expect(read.map(({ offset }) => offset)).toEqual([0, 1, 2].map((at) => appended!.offsetAt(at)));
    const after = { epoch: read[1]!.epoch, offset: read[1]!.offset };
    expect(await ids(await fake.broker.read(TOPIC, 0, { after }), 1)).toEqual(["c"]);
    expect((await fake.broker.admin.partitions(TOPIC))[0]).toMatchObject({ end: read[2]!.offset, events: 3 });
  });

  test("a batch that does not fit together is refused", async () => {
    const { broker } = await open();
    const batch = { ...batchOf([{ id: "a", key: "k" }]), count: 2 };
    await expect(broker.append([{ topic: TOPIC, partition: 0, batch }])).rejects.toMatchObject({
      ...{ code: "invalid_request", errors: [{ path: "writes[0].batch" }] },
    });
  });

  test("calls keep their order while one waits for another topic to be looked up", async () => {
    const fake = await open();
    await fake.broker.admin.ensureTopic({ name: "faults.u", partitions: 1, retention: {}, compaction: false });
    const { broker: other } = await fake.another();
    const write = (topic: string, id: string) => ({ topic, partition: 0, batch: batchOf([{ id, key: "k" }]) });
    const both = other.append([write(TOPIC, "first"), write("faults.u", "first")]);
    await Promise.all([both, put(other, ["second"]), put(other, ["third"])]);
    const reader = await other.read(TOPIC, 0, { at: "earliest" });
    expect(await ids(reader, 3)).toEqual(["first", "second", "third"]);
  });
});
