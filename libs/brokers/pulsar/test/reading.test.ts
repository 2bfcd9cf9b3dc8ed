/** Readers on a Pulsar in memory: what retention took, and what is no event. */
import { systemRuntime } from "@distribution/core/runtime";
import { within } from "@distribution/testkit/broker";
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

  test("a partition knows from its first event on what it would miss, whoever appended it", async () => {
    const fake = await open({}, { retention: { bytes: 1 } });
    const { broker: other } = await fake.another();
    const [empty] = await fake.broker.admin.partitions(TOPIC);
    logOf(fake).roll();
    await put(other, ["a"]);
    logOf(fake).roll();
    await put(fake.broker, ["b"]);
    const from = { after: { epoch: empty!.epoch, offset: empty!.end } };
    expect(await ids(await fake.broker.read(TOPIC, 0, from), 2)).toEqual(["a", "b"]);
    logOf(fake).trim();
    await expect(fake.broker.read(TOPIC, 0, from)).rejects.toMatchObject({ code: "position_gone" });
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

  test("an empty partition's end is where its next event is read after, also after a restart past retention", async () => {
    const fake = await open({}, { retention: { bytes: 1 } });
    const [empty] = await fake.broker.admin.partitions(TOPIC);
    logOf(fake).roll();
    const reader = await fake.broker.read(TOPIC, 0, { after: { epoch: empty!.epoch, offset: empty!.end } });
    await put(fake.broker, ["a"]);
    expect(await ids(reader, 1)).toEqual(["a"]);
  });
});

describe("a log at rest for longer than its retention", () => {
  const HOUR = 3_600_000;

  /** A topic that may have lost something, and clocks and looks that a test brings on. */
  async function resting(retention: object) {
    let aheadMs = 0;
    const looks: (() => void)[] = [];
    const { clock, timers } = systemRuntime;
    const runtime = {
      ...systemRuntime,
      clock: { ...clock, wallNs: () => clock.wallNs() + BigInt(aheadMs) * 1_000_000n },
      timers: {
        ...timers,
        every(ms: number, run: () => void) {
          if (ms === HOUR / 4) looks.push(run);
          return timers.every(ms, run);
        },
      },
    };
    const fake = await open({ runtime }, { retention });
    const pass = (ms: number): void => {
      aheadMs += ms;
      logOf(fake).aheadMs = aheadMs;
    };
    pass(2 * HOUR);
    await put(fake.broker, ["a"]);
    const look = async (): Promise<void> => {
      const before = fake.pulsar.requests.length;
      for (const run of looks) run();
      await expect.poll(() => fake.pulsar.requests.length).toBeGreaterThan(before);
    };
    /** Everything goes, and something comes. */
    const goOn = async (id: string) => {
      logOf(fake).roll();
      logOf(fake).trim();
      await put(fake.broker, [id]);
    };
    return { fake, pass, look, goOn };
  }

  test.each([
    ["earliest", { ms: HOUR }],
    ["latest", { ms: HOUR, bytes: 1 << 20 }],
  ] as const)("is no gap to one who was at its end all the time, from %s", async (at, retention) => {
    const { fake, pass, look, goOn } = await resting(retention);
    const reader = await fake.broker.read(TOPIC, 0, { at });
    if (at === "earliest") expect(await ids(reader, 1)).toEqual(["a"]);
    const next = ids(reader, 1);
    for (let quarters = 0; quarters < 8; quarters += 1) {
      pass(HOUR / 4);
      await look();
    }
    await goOn("b");
    expect(await next).toEqual(["b"]);
  });

  test("is no gap to one who came back to its end", async () => {
    const { fake, pass, goOn } = await resting({ ms: HOUR });
    const [info] = await fake.broker.admin.partitions(TOPIC);
    pass(HOUR - 1);
    const reader = await fake.broker.read(TOPIC, 0, { after: { epoch: info!.epoch, offset: info!.end } });
    const next = ids(reader, 1);
    expect(await within(next, 50)).toBe("waiting");
    pass(HOUR / 3);
    await goOn("b");
    expect(await next).toEqual(["b"]);
  });

  test.each([
    ["was not looked at in time", { ms: HOUR }, HOUR],
    ["has gone by size", { ms: HOUR, bytes: 1 }, HOUR / 4],
  ])("is a gap where it %s", async (_, retention, restMs) => {
    const { fake, pass, look, goOn } = await resting(retention);
    const reader = await fake.broker.read(TOPIC, 0, { at: "earliest" });
    expect(await ids(reader, 1)).toEqual(["a"]);
    pass(restMs);
    await look();
    await goOn("b");
    await expect(reader.next(1000)).rejects.toMatchObject({ code: "position_gone" });
  });

  test("is a gap where something came that was not read", async () => {
    const { fake, pass, look, goOn } = await resting({ ms: HOUR });
    const reader = await fake.broker.read(TOPIC, 0, { at: "earliest" });
    expect(await ids(reader, 1)).toEqual(["a"]);
    pass(HOUR / 4);
    await put(fake.broker, ["b"]);
    await look();
    pass(HOUR / 3);
    await goOn("c");
    await expect(reader.next(1000)).rejects.toMatchObject({ code: "position_gone" });
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
