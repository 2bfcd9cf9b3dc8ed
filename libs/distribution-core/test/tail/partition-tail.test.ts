import { describe, expect, it } from "vitest";
import type { Broker } from "../../src/brokers/contract.ts";
import { DistributionError } from "../../src/errors.ts";
import type { TableSeed } from "../../src/tail/index.ts";
import { NAME, openLog, tableOf, WITH_TABLE } from "./partition-support.ts";
import { put, storedOf, TABLE, topic } from "./support.ts";

describe("the tail of a partition", () => {
  it("of a topic without a table begins at the log's end and takes what comes", async () => {
    const log = await openLog();
    await log.put("old");
    const tail = await log.open();
    await tail.caughtUp;
    await log.put("1", "2");
    await log.put("3");
    expect(log.seen).toEqual(["1", "2", "3"]);
    expect(tail.head).toEqual({ number: 3, epoch: "e1", offset: "3" });
    expect([tail.ring.first, tail.ring.next]).toEqual([0, 3]);
    expect(tail.table).toBeUndefined();
  });

  it("of a topic with a table reads the log from its beginning, and has caught up when all of it is known", async () => {
    const log = await openLog(WITH_TABLE);
    await log.put("1:a", "2:b");
    await log.put("3:a");
    const tail = await log.open();
    await tail.caughtUp;
    expect(tableOf(tail)).toEqual(["3", "2"]);
  });

  it("knows every key of a batch, however many events are in it", async () => {
    const log = await openLog(WITH_TABLE);
    const tail = await log.open();
    const names = Array.from({ length: 800 }, (_, at) => `${at}:${at % 700}`);
    await log.put(...names);
    expect(tableOf(tail)).toEqual(Array.from({ length: 700 }, (_, at) => String(799 - at)));
  });

  it("has not caught up while the broker gives nothing", async () => {
    const log = await openLog(WITH_TABLE);
    await log.put("1:a");
    log.broker.faults = { ...log.broker.faults, readDelay: () => 1_000 };
    let caughtUp = false;
    const tail = await log.open();
    void tail.caughtUp.then(() => {
      caughtUp = true;
    });
    await log.runtime.run(900);
    expect(caughtUp).toBe(false);
    await log.runtime.run(200);
    expect(caughtUp).toBe(true);
  });

  it("knows the places before and after what ring and head hold, and no others", async () => {
    const log = await openLog();
    const tail = await log.open();
    await log.put("1", "2");
    await log.put("3");
    const before = [1, 2, 3].map((number) => tail.placeBefore(number));
    expect(before).toEqual([0, 1, 2].map((offset) => ({ number: offset + 1, epoch: "e1", offset: String(offset) })));
    expect(tail.placeBefore(0)).toBeUndefined();
    expect(tail.placeBefore(4)).toBeUndefined();
    expect(tail.placeAfter("e1", "2")).toBe(tail.head);
    expect(tail.placeAfter("e1", "0")).toEqual({ number: 1, epoch: "e1", offset: "0" });
    expect(tail.placeAfter("e1", "7")).toBeUndefined();
    expect(tail.placeAfter("e0", "2")).toBeUndefined();
    expect(tail.positionAt(tail.head)).toEqual({ topic: NAME, partition: 0, epoch: "e1", offset: "2" });
  });

  it("keeps a key's event in the table after the ring has let its batch go", async () => {
    const log = await openLog(topic(NAME, { table: TABLE, ringBytes: 1 }));
    const tail = await log.open();
    await log.put("1:a", "2:b");
    await log.put("3:c");
    expect(tail.ring.first).toBe(2);
    expect(tableOf(tail)).toEqual(["3", "2", "1"]);
  });
});

describe("a tail whose broker goes away", () => {
  it("says so once, and reads on where it was with nothing missing or twice when it is back", async () => {
    const log = await openLog();
    const tail = await log.open();
    await log.put("1");
    log.failing("unavailable", "The broker is away.");
    await log.put("2");
    await log.put("3");
    await log.runtime.run(2_000);
    expect(tail.trouble).toBe("The broker is away.");
    expect(log.log.lines.map(({ level }) => level)).toEqual(["error"]);
    log.failing(undefined);
    await log.runtime.run(2_000);
    expect(tail.trouble).toBeUndefined();
    expect(log.seen).toEqual(["1", "2", "3"]);
    expect(log.lost).toEqual([]);
    expect(tail.head.number).toBe(3);
  });

  it("says each new reason", async () => {
    const log = await openLog();
    const tail = await log.open();
    log.failing("unavailable", "away");
    await log.put("1");
    await log.runtime.run(1_000);
    log.failing("record_damaged", "damaged");
    await log.runtime.run(1_000);
    expect(tail.trouble).toBe("damaged");
    expect(log.log.lines.map(({ fields }) => (fields as { code: string }).code)).toEqual([
      "unavailable",
      "record_damaged",
    ]);
  });

  it("says each reason once, also when they take turns, and says it again after it had read on", async () => {
    const log = await openLog();
    await log.open();
    let tries = 0;
    log.broker.faults = {
      ...log.broker.faults,
      failure: (operation) => {
        if (operation !== "read") return undefined;
        tries += 1;
        return new DistributionError("unavailable", `reason ${tries % 2}`);
      },
    };
    await log.put("1");
    await log.runtime.run(20_000);
    expect(log.log.lines).toHaveLength(2);
    log.failing(undefined);
    await log.runtime.run(5_100);
    expect(log.seen).toEqual(["1"]);
    log.failing("unavailable", "reason 1");
    await log.put("2");
    expect(log.log.lines).toHaveLength(3);
  });

  it("tries at 250 ms, then at twice the time before, at 5 s at the most, and soon again once it had read on", async () => {
    const log = await openLog();
    await log.open();
    const at: number[] = [];
    const failing = (): void => {
      at.length = 0;
      log.broker.faults = {
        ...log.broker.faults,
        failure: (operation) => {
          if (operation !== "read") return undefined;
          at.push(log.runtime.clock.monotonicMs());
          return new DistributionError("unavailable", "away");
        },
      };
    };
    const waits = () => at.slice(1).map((time, index) => Math.round(time - at[index]!));
    failing();
    await log.put("1");
    await log.runtime.run(20_000);
    expect(waits()).toEqual([250, 500, 1_000, 2_000, 4_000, 5_000, 5_000]);
    log.failing(undefined);
    await log.runtime.run(5_100);
    failing();
    await log.put("2");
    await log.runtime.run(800);
    expect(waits()).toEqual([250, 500]);
  });

  it("is out of trouble again also when no event came meanwhile", async () => {
    const log = await openLog();
    const tail = await log.open();
    let failures = 1;
    log.broker.faults = {
      ...log.broker.faults,
      failure: (operation) =>
        operation === "read" && failures-- > 0 ? new DistributionError("unavailable", "away") : undefined,
    };
    log.broker.lose(NAME, 0);
    await log.runtime.run(10);
    expect(tail.trouble).toBe("away");
    await log.runtime.run(2_000);
    expect(tail.trouble).toBeUndefined();
  });

  it("tells of a failure that is no error of ours as internal", async () => {
    const log = await openLog();
    const tail = await log.open();
    log.broker.faults = {
      ...log.broker.faults,
      failure() {
        throw new TypeError("a defect");
      },
    };
    void put(log.broker, NAME, ["1"]).catch(() => undefined);
    await log.runtime.run(500);
    expect(tail.trouble).toBeUndefined();
    log.broker.faults = { ...log.broker.faults, failure: () => undefined };
    await log.put("2");
    log.broker.faults = { ...log.broker.faults, failure: () => Object.assign(new TypeError("a defect")) as never };
    void put(log.broker, NAME, ["3"]).catch(() => undefined);
    log.broker.lose(NAME, 0);
    await log.runtime.run(500);
    expect(tail.trouble).toBe("The service failed on this request.");
  });

  it("says which places lie around what retention took meanwhile, and leaves a number out for it", async () => {
    const log = await openLog();
    const tail = await log.open();
    await log.put("1");
    log.failing("unavailable");
    for (const name of ["2", "3", "4", "5", "6"]) await log.put(name);
    await log.runtime.run(500);
    log.broker.forget(NAME, 0);
    log.failing(undefined);
    await log.runtime.run(500);
    expect(log.seen).toEqual(["1", "4", "5", "6"]);
    expect(log.lost).toEqual([
      { from: { number: 1, epoch: "e1", offset: "0" }, to: { number: 2, epoch: "e1", offset: "2" } },
    ]);
    expect(tail.head).toEqual({ number: 5, epoch: "e1", offset: "5" });
    expect([tail.ring.first, tail.ring.next]).toEqual([2, 5]);
    expect(tail.placeBefore(1)).toBeUndefined();
  });

  it("goes on in the new epoch, from its beginning, when the log's history is lost", async () => {
    const log = await openLog();
    const tail = await log.open();
    await log.put("1", "2");
    log.broker.lose(NAME, 0);
    await log.put("3");
    await log.runtime.run(500);
    expect(log.seen).toEqual(["1", "2", "3"]);
    expect(log.lost).toEqual([
      { from: { number: 2, epoch: "e1", offset: "1" }, to: { number: 3, epoch: "e2", offset: "-1" } },
    ]);
    expect(tail.head).toEqual({ number: 4, epoch: "e2", offset: "0" });
    expect(tail.placeAfter("e1", "1")).toBeUndefined();
  });
});

describe("a tail with a table whose log begins a new epoch", () => {
  it("forgets the table of the old one", async () => {
    const log = await openLog(WITH_TABLE);
    const tail = await log.open();
    await log.put("1:a", "2:b");
    log.broker.lose(NAME, 0);
    await log.runtime.run(500);
    expect(tail.head.epoch).toBe("e2");
    expect(tableOf(tail)).toEqual([]);
    await log.put("3:b");
    expect(tableOf(tail)).toEqual(["3"]);
    expect(tail.table!.get(Buffer.from("a"))).toBeUndefined();
  });

  it("keeps the table when it is the same epoch and retention took a part", async () => {
    const log = await openLog(WITH_TABLE);
    const tail = await log.open();
    await log.put("1:a");
    log.failing("unavailable");
    for (const name of ["2:b", "3:c", "4:d"]) await log.put(name);
    log.broker.forget(NAME, 0);
    log.failing(undefined);
    await log.runtime.run(2_000);
    expect(log.lost).toHaveLength(1);
    expect(tableOf(tail)).toEqual(["4", "3", "1"]);
  });

  it.each([{ after: [] as string[] }, { after: ["9:z"] }])(
    "while it was catching up, has caught up with what the new one has: $after",
    async ({ after }) => {
      const log = await openLog(WITH_TABLE);
      for (const name of ["1:a", "2:b", "3:c"]) await log.put(name);
      log.broker.faults = { ...log.broker.faults, readDelay: () => 100 };
      const tail = await log.open();
      log.broker.lose(NAME, 0);
      if (after.length > 0) await log.put(...after);
      await log.runtime.run(2_000);
      await tail.caughtUp;
      expect(tableOf(tail)).toEqual(after.map(() => "9"));
    },
  );
});

describe("a tail that is closed", () => {
  it("while it waits at the head, reads no more", async () => {
    const log = await openLog();
    const tail = await log.open();
    await tail.close();
    await log.put("1");
    expect(log.seen).toEqual([]);
  });

  it("while it waits to try again, ends with the next try", async () => {
    const log = await openLog();
    const tail = await log.open();
    log.failing("unavailable");
    await log.put("1");
    const closed = tail.close();
    log.failing(undefined);
    await log.runtime.run(500);
    await closed;
    expect(log.seen).toEqual([]);
  });

  it("while its log is being opened again, closes the new reader instead of waiting on it", async () => {
    const log = await openLog();
    const opening = Promise.withResolvers<void>();
    let reads = 0;
    const broker: Broker = {
      ...log.broker,
      async read(...place) {
        reads += 1;
        if (reads === 2) await opening.promise;
        return log.broker.read(...place);
      },
    };
    const tail = await log.open({ broker });
    log.failing("unavailable");
    await log.put("1");
    log.failing(undefined);
    await log.runtime.run(500);
    expect(reads).toBe(2);
    const closed = tail.close();
    opening.resolve();
    await closed;
    expect(log.seen).toEqual([]);
  });
});

describe("a tail that starts from a checkpoint", () => {
  const seedAt = (offset: string, epoch = "e1"): TableSeed => ({
    after: { epoch, offset },
    entries: [storedOf(["1:a"], 0), storedOf(["2:b"], 1)],
  });

  it("has the checkpoint's events first and reads only what came after it", async () => {
    const log = await openLog(WITH_TABLE);
    await log.put("1:a");
    await log.put("2:b");
    await log.put("3:a");
    const tail = await log.open({ seed: seedAt("1") });
    await tail.caughtUp;
    expect(log.seen).toEqual(["3"]);
    expect(tableOf(tail)).toEqual(["3", "2"]);
    expect(tail.head).toEqual({ number: 3, epoch: "e1", offset: "2" });
  });

  it("has caught up at once when nothing came after it", async () => {
    const log = await openLog(WITH_TABLE);
    await log.put("1:a", "2:b");
    const tail = await log.open({ seed: seedAt("1") });
    await tail.caughtUp;
    expect(tail.head).toEqual({ number: 2, epoch: "e1", offset: "1" });
    expect(tableOf(tail)).toEqual(["2", "1"]);
  });

  it.each([
    { name: "older than the log", seed: seedAt("0"), forget: true },
    { name: "of a history that was lost", seed: seedAt("1", "e0"), forget: false },
    { name: "beyond the end of the log", seed: seedAt("77"), forget: false },
  ])("reads all there is instead when the checkpoint is $name", async ({ seed, forget }) => {
    const log = await openLog(WITH_TABLE);
    for (const name of ["1:x", "2:x", "3:c", "4:d"]) await log.put(name);
    if (forget) log.broker.forget(NAME, 0);
    const tail = await log.open({ seed });
    await tail.caughtUp;
    expect(tableOf(tail)).toEqual(forget ? ["4", "3"] : ["4", "3", "2"]);
    expect(tail.head.number).toBe(forget ? 2 : 4);
    expect(log.log.lines.map(({ level }) => level)).toEqual(["warn"]);
  });

  it("does not start while the broker is away, rather than start without its table", async () => {
    const log = await openLog(WITH_TABLE);
    log.failing("unavailable");
    await expect(log.open({ seed: seedAt("1") })).rejects.toMatchObject({ code: "unavailable" });
  });
});
