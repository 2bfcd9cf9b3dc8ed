/** A damaged record is named and refused; nothing is cut off silently, and nothing else is touched. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Broker } from "@distribution/core/brokers";
import { readEvents, takeEvents } from "@distribution/testkit/broker";
import { open } from "lmdb";
import { describe, expect, test } from "vitest";
import { folder, idsOfEvents, openBroker, put, readAll, topicOf } from "./support.ts";

/** Writes two topics, closes, lets `damage` loose on the folder, opens again. Topic `bad` has e0 to e4 in a record each. */
async function damaged(damage: (directory: string) => Promise<void> | void): Promise<Broker> {
  const directory = folder();
  const broker = await openBroker({ directory });
  await topicOf(broker, "bad");
  await topicOf(broker, "good");
  for (let at = 0; at < 5; at += 1) {
    await put(broker, "bad", [`e${at}`], 5000);
    await put(broker, "good", [`g${at}`], 5000);
  }
  await broker.close();
  await damage(directory);
  return openBroker({ directory });
}

/** Flips one byte of the data file at this distance after the text, wherever it stands: pages may have older copies. */
const flipAfter = (text: string, distance: number) => (directory: string) => {
  const file = join(directory, "data.mdb");
  const bytes = readFileSync(file);
  for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at + 1)) {
    const place = at + text.length + distance;
    if (place < bytes.length) bytes[place]! ^= 1;
  }
  writeFileSync(file, bytes);
};

/** Changes the store behind the broker's back. */
const inStore =
  (name: string, keyEncoding: "binary" | "uint32", change: (db: ReturnType<typeof openDatabase>) => Promise<unknown>) =>
  async (directory: string) => {
    const environment = open({ path: directory, noSubdir: false, maxDbs: 8, overlappingSync: false });
    await change(openDatabase(environment, name, keyEncoding));
    await environment.close();
  };

const openDatabase = (environment: ReturnType<typeof open>, name: string, keyEncoding: "binary" | "uint32") =>
  environment.openDB<Uint8Array, Uint8Array | number>({ name, keyEncoding, encoding: "binary" });

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

describe("a flipped byte in the data file", () => {
  test("refuses its record by name, gives what is before it, closes the reader, and leaves other partitions alone", async () => {
    const broker = await damaged(flipAfter("\x02e2", 200));
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
    const broker = await damaged(flipAfter("\x02e2", 200));
    const [info] = await broker.admin.partitions("bad");
    await broker.admin.truncate({ topic: "bad", partition: 0, epoch: info!.epoch, offset: "3" });
    expect(idsOfEvents(await readAll(broker, "bad"))).toEqual(["e3", "e4"]);
  });

  test("stops a group on its partition once, with the position, and no other partition of it", async () => {
    const broker = await damaged(flipAfter("\x02e0", 200));
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
    const broker = await damaged(flipAfter("\x02e2", 200));
    await topicOf(broker, "bad", { compaction: true });
    await broker.admin.maintain();
    expect((await broker.admin.partitions("bad"))[0]).toMatchObject({ events: 5 });
  });
});

test("a record that is missing in the middle is refused by name", async () => {
  const broker = await damaged(
    inStore("log", "binary", (log) => log.remove([...log.getKeys()].filter((key) => (key as Uint8Array)[3] === 1)[2]!)),
  );
  const { ids, refusal } = await readUntilRefused(broker, "bad");
  expect(ids).toEqual(["e0", "e1"]);
  expect(refusal).toMatchObject({
    code: "record_damaged",
    message: expect.stringMatching(/offset 3 is missing, up to offset 3/),
  });
});

test("a record that is missing at the end is refused by name", async () => {
  const broker = await damaged(
    inStore("log", "binary", (log) => log.remove([...log.getKeys()].filter((key) => (key as Uint8Array)[3] === 1)[4]!)),
  );
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
