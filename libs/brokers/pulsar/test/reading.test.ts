/** Readers on a Pulsar in memory: what retention took, and what is no event. */
import { describe, expect, test } from "vitest";
import { ids, logOf, open, put, TOPIC } from "./fake/support.ts";

describe("readers and retention", () => {
  test("one that was overtaken is told so when it comes to the next ledger", async () => {
    const fake = await open({}, { retention: { bytes: 1 } });
    await put(fake.broker, ["a"]);
    const reader = await fake.broker.read(TOPIC, 0, { at: "earliest" });
    expect(await ids(reader, 1)).toEqual(["a"]);
    for (const id of ["b", "c"]) {
      logOf(fake).roll();
      await put(fake.broker, [id]);
    }
    logOf(fake).trim();
    logOf(fake).trim();
    await expect(reader.next(1000)).rejects.toMatchObject({ code: "position_gone" });
    expect(await reader.next(1000)).toEqual([]);
  });

  test("one that has read up to the end of a ledger goes on in the next", async () => {
    const fake = await open({}, { retention: { bytes: 1 } });
    await put(fake.broker, ["a"]);
    const reader = await fake.broker.read(TOPIC, 0, { at: "earliest" });
    expect(await ids(reader, 1)).toEqual(["a"]);
    logOf(fake).roll();
    await put(fake.broker, ["b"]);
    expect(await ids(reader, 1)).toEqual(["b"]);
  });

  test("a position in a ledger that is gone is refused, and one in what is kept is not", async () => {
    const fake = await open({}, { retention: { bytes: 1 } });
    const [a] = await put(fake.broker, ["a"]);
    logOf(fake).roll();
    const [b] = await put(fake.broker, ["b", "c"]);
    logOf(fake).trim();
    const at = (offset: string) => fake.broker.read(TOPIC, 0, { after: { epoch: a!.epoch, offset } });
    await expect(at(a!.offsetAt(0))).rejects.toMatchObject({ code: "position_gone" });
    expect(await ids(await at(b!.offsetAt(0)), 1)).toEqual(["c"]);
    const [info] = await fake.broker.admin.partitions(TOPIC);
    expect(info).not.toHaveProperty("whole");
  });

  test("a position that the log does not reach is refused", async () => {
    const fake = await open();
    const [a] = await put(fake.broker, ["a"]);
    const [ledger] = a!.offsetAt(0).split(".");
    for (const offset of [`${ledger}.7.1`, "99999.0.1"]) {
      const refused = fake.broker.read(TOPIC, 0, { after: { epoch: a!.epoch, offset } });
      await expect(refused).rejects.toMatchObject({ code: "position_gone" });
    }
    for (const from of [{ at: "middle" }, { time: 5 }]) {
      await expect(fake.broker.read(TOPIC, 0, from as never)).rejects.toMatchObject({ code: "invalid_request" });
    }
  });

  test("a partition is whole until retention can have deleted something, or as long as its first ledger is there", async () => {
    const fake = await open({}, { retention: { bytes: 1 }, partitions: 2 });
    const info = async (partition = 0) => (await fake.broker.admin.partitions(TOPIC))[partition];
    expect(await info()).toMatchObject({ whole: true, start: "0.0.0" });
    const grown = { name: TOPIC, partitions: 3, retention: { bytes: 1 }, compaction: false };
    await fake.broker.admin.ensureTopic(grown);
    expect(await info(2)).toMatchObject({ whole: true, start: "0.0.0" });
    for (const id of ["a", "b"]) {
      await put(fake.broker, [id]);
      logOf(fake).roll();
    }
    expect(await info()).toMatchObject({ whole: true, start: "0.0.0" });
    logOf(fake).trim();
    expect(await info()).not.toHaveProperty("whole");
    expect(await info(1)).toMatchObject({ whole: true });
    await fake.broker.admin.ensureTopic({ ...grown, retention: {} });
    expect(await info(), "what was deleted stays so").not.toHaveProperty("whole");
  });

  test("a partition whose age cannot have come to its retention is whole, whatever its ledgers", async () => {
    const fake = await open({}, { retention: { ms: 3_600_000 } });
    logOf(fake).roll();
    expect((await fake.broker.admin.partitions(TOPIC))[0]).toMatchObject({ whole: true, start: "0.0.0" });
  });

  test("one of a compacted topic passes over what compaction took", async () => {
    const fake = await open({}, { retention: { bytes: 1 } });
    await put(fake.broker, ["a"]);
    await fake.broker.admin.ensureTopic({ name: TOPIC, partitions: 1, retention: { bytes: 1 }, compaction: true });
    const reader = await fake.broker.read(TOPIC, 0, { at: "earliest" });
    expect(await ids(reader, 1)).toEqual(["a"]);
    await put(fake.broker, ["b", "c"]);
    logOf(fake).compacted.add(logOf(fake).ledgers[0]!.entries[1]!);
    logOf(fake).roll();
    await put(fake.broker, ["d"]);
    expect(await ids(reader, 1)).toEqual(["d"]);
  });

  test("an empty partition's end is where its next event is read after, also after a restart", async () => {
    const fake = await open();
    const [empty] = await fake.broker.admin.partitions(TOPIC);
    logOf(fake).roll();
    const reader = await fake.broker.read(TOPIC, 0, { after: { epoch: empty!.epoch, offset: empty!.end } });
    await put(fake.broker, ["a"]);
    expect(await ids(reader, 1)).toEqual(["a"]);
  });
});

describe("records that are no events", () => {
  const bad = { data: Buffer.from("hello"), properties: {} };

  test("are told with their place, after what lies before them", async () => {
    const fake = await open();
    await put(fake.broker, ["a"]);
    const { ledger, entry } = logOf(fake).store([bad], false);
    const reader = await fake.broker.read(TOPIC, 0, { at: "earliest" });
    expect(await ids(reader, 1)).toEqual(["a"]);
    await expect(reader.next(1000)).rejects.toMatchObject({
      ...{ code: "record_damaged", message: expect.stringContaining(`${ledger}.${entry}.0`) },
    });
    expect(await reader.next(1000)).toEqual([]);
  });

  test("do not keep others from being counted", async () => {
    const fake = await open();
    await put(fake.broker, ["a"]);
    logOf(fake).store([bad], false);
    const [info] = await fake.broker.admin.partitions(TOPIC);
    const after = { epoch: info!.epoch, offset: info!.end };
    const reader = await fake.broker.read(TOPIC, 0, { after });
    await put(fake.broker, ["b"]);
    expect(await ids(reader, 1)).toEqual(["b"]);
  });
});
