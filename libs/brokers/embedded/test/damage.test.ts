/** A damaged record is named and refused; nothing is cut off silently, and nothing else is touched. */
import type { Broker } from "@distribution/core/brokers";
import { readEvents, takeEvents } from "@distribution/testkit/broker";
import { open } from "lmdb";
import { describe, expect, test } from "vitest";
import { folder, idsOfEvents, openBroker, put, readAll, topicOf } from "./support.ts";

const DATA_BYTES = 5000;

/**
 * Writes two topics, closes, lets `damage` loose on the folder, opens again. Topic `bad` has e0 to e4 in a record each; `good` has
 * g0 to g4 and stays whole.
 */
async function damaged(damage: (directory: string) => Promise<void>): Promise<Broker> {
  const directory = folder();
  const broker = await openBroker({ directory });
  await topicOf(broker, "bad");
  await topicOf(broker, "good");
  for (let at = 0; at < 5; at += 1) {
    await put(broker, "bad", [`e${at}`], DATA_BYTES);
    await put(broker, "good", [`g${at}`], DATA_BYTES);
  }
  await broker.close();
  await damage(directory);
  return openBroker({ directory });
}

/** Changes the store behind the broker's back. */
const inStore =
  (name: string, keyEncoding: "binary" | "uint32", change: (db: ReturnType<typeof openDatabase>) => Promise<unknown>) =>
  async (directory: string) => {
    const environment = open({ path: directory, noSubdir: false, maxDbs: 8, overlappingSync: false });
    await change(openDatabase(environment, name, keyEncoding));
    await environment.close();
  };

/** Flips a byte of the record of topic `bad` with this index. */
const flip = (index: number) =>
  inStore("log", "binary", (log) => {
    const key = badKeys(log)[index]!;
    const value = Buffer.from(log.get(key) as Uint8Array);
    value[200]! ^= 1;
    return log.put(key, value);
  });

const badKeys = (log: ReturnType<typeof openDatabase>): Uint8Array[] =>
  [...log.getKeys()].map((key) => key as Uint8Array).filter((key) => key[3] === 1);

const openDatabase = (environment: ReturnType<typeof open>, name: string, keyEncoding: "binary" | "uint32") =>
  environment.openDB<Uint8Array, Uint8Array | number>({ name, keyEncoding, encoding: "binary" });

/** Ids up to what is refused, why, and how much the reader gives after that. Never returns from a partition that is whole. */
async function readUntilRefused(
  broker: Broker,
  topic: string,
): Promise<{ ids: string[]; refusal: unknown; after: number }> {
  const reader = await broker.read(topic, 0, { at: "earliest" });
  const ids: string[] = [];
  for (;;) {
    try {
      ids.push(...idsOfEvents(await readEvents(reader, 1, 1)));
    } catch (refusal) {
      return { ids, refusal, after: (await reader.next(1)).length };
    }
  }
}

describe("a flipped byte of a record", () => {
  test("refuses its record by name, gives what is before it, closes the reader, and leaves other partitions alone", async () => {
    const broker = await damaged(flip(2));
    const epoch = (await broker.admin.partitions("bad"))[0]?.epoch;
    const { ids, refusal, after } = await readUntilRefused(broker, "bad");
    expect(ids).toEqual(["e0", "e1"]);
    expect(refusal).toMatchObject({
      code: "record_damaged",
      message: expect.stringContaining(`bad/0 epoch ${epoch} offset 3`),
    });
    expect(after).toBe(0);
    expect(idsOfEvents(await readAll(broker, "good"))).toEqual(["g0", "g1", "g2", "g3", "g4"]);
    await put(broker, "bad", ["more"]);
    expect(broker.health()).toMatchObject({ ready: true, reasons: [expect.stringContaining("offset 3")] });
  });

  test("is passed by whoever gives the record up", async () => {
    const broker = await damaged(flip(2));
    const [info] = await broker.admin.partitions("bad");
    await broker.admin.truncate({ topic: "bad", partition: 0, epoch: info!.epoch, offset: "3" });
    expect(idsOfEvents(await readAll(broker, "bad"))).toEqual(["e3", "e4"]);
  });

  test("stops a group on its partition once, with the position, and no other partition of it", async () => {
    const broker = await damaged(flip(0));
    const member = await broker.group({ name: "g", topics: ["bad", "good"], from: "earliest", ackTimeoutMs: 30_000 });
    const given: string[] = [];
    let refusal: unknown;
    while (given.length < 5) {
      await takeEvents(member, 1).then(
        (taken) => given.push(...taken.map(({ position, id }) => `${position.topic} ${id}`)),
        (failure: unknown) => {
          refusal = failure;
        },
      );
    }
    expect(given).toEqual(["good g0", "good g1", "good g2", "good g3", "good g4"]);
    expect(refusal).toMatchObject({ code: "record_damaged", message: expect.stringContaining("offset 1") });
    const [info] = await broker.admin.partitions("bad");
    await broker.admin.truncate({ topic: "bad", partition: 0, epoch: info!.epoch, offset: "1" });
    expect((await takeEvents(member, 4)).map(({ id }) => id)).toEqual(["e1", "e2", "e3", "e4"]);
  });

  test("ends compaction of its partition, and nothing is deleted", async () => {
    const broker = await damaged(flip(2));
    await topicOf(broker, "bad", { compaction: true });
    await broker.admin.maintain();
    expect((await broker.admin.partitions("bad"))[0]).toMatchObject({ events: 5 });
  });
});

test("a record that is missing in the middle is refused by name", async () => {
  const broker = await damaged(inStore("log", "binary", (log) => log.remove(badKeys(log)[2]!)));
  const { ids, refusal } = await readUntilRefused(broker, "bad");
  expect(ids).toEqual(["e0", "e1"]);
  expect(refusal).toMatchObject({
    code: "record_damaged",
    message: expect.stringMatching(/offset 3 is missing, up to offset 3/),
  });
});

test("a record that is missing at the end is refused by name", async () => {
  const broker = await damaged(inStore("log", "binary", (log) => log.remove(badKeys(log)[4]!)));
  const { ids, refusal } = await readUntilRefused(broker, "bad");
  expect(ids).toEqual(["e0", "e1", "e2", "e3"]);
  expect(refusal).toMatchObject({ code: "record_damaged", message: expect.stringContaining("offset 5 is missing") });
});

test.each([
  ["shortened", Uint8Array.of(1, 2, 3)],
  ["overwritten", new Uint8Array(52)],
])("a partition whose own record is %s is not served, and the others are", async (_, value) => {
  const broker = await damaged(inStore("partitions", "uint32", (partitions) => partitions.put(1, value)));
  const refusal = { code: "record_damaged", message: expect.stringContaining("bad/0") };
  await expect(put(broker, "bad", ["x"])).rejects.toMatchObject(refusal);
  await expect(broker.read("bad", 0, { at: "earliest" })).rejects.toMatchObject(refusal);
  await broker.admin.maintain();
  await put(broker, "good", ["x"]);
  await broker.admin.deleteTopic("bad");
  await topicOf(broker, "bad");
  await put(broker, "bad", ["new"]);
  expect(idsOfEvents(await readAll(broker, "bad"))).toEqual(["new"]);
});
