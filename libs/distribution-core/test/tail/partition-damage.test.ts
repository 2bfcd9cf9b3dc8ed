import { describe, expect, it } from "vitest";
import type { Broker } from "../../src/brokers/contract.ts";
import { DistributionError } from "../../src/errors.ts";
import { NAME, openLog, tableOf, WITH_TABLE } from "./partition-support.ts";
import { storedOf } from "./support.ts";

describe("a tail whose log has a damaged record", () => {
  /** The log of the test behind a reader that refuses the batch at this offset. */
  const refusing = (inner: Broker, offset: string): Broker => ({
    ...inner,
    async read(...place) {
      const reader = await inner.read(...place);
      return {
        start: reader.start,
        close: () => reader.close(),
        async next() {
          const list = await reader.next(1);
          if (list[0]?.offsetAt(0) === offset)
            throw new DistributionError("record_damaged", `offset ${offset} is damaged`);
          return list;
        },
      };
    },
  });

  it("has caught up as far as it goes, stays in trouble between its tries, and says so once", async () => {
    const log = await openLog(WITH_TABLE);
    for (const name of ["1:a", "2:b", "3:c"]) await log.put(name);
    const tail = await log.open({ broker: refusing(log.broker, "1") });
    await tail.caughtUp;
    expect(tableOf(tail)).toEqual(["1"]);
    for (let ms = 0; ms < 12_000; ms += 50) {
      await log.runtime.run(50);
      expect(tail.trouble).toBe("offset 1 is damaged");
    }
    expect(log.log.lines.map(({ level }) => level)).toEqual(["error"]);
    expect(log.seen).toEqual(["1"]);
  });

  it("closes at once, however long it would wait for its next try", async () => {
    const log = await openLog(WITH_TABLE);
    await log.put("1:a");
    const tail = await log.open({ broker: refusing(log.broker, "0") });
    await log.runtime.run(10_000);
    await tail.close();
  });
});

describe("a tail whose partition is refused when it is opened", () => {
  it("opens in trouble, says so once, and reads from the beginning when it is served", async () => {
    const log = await openLog(WITH_TABLE);
    await log.put("1:a", "2:b");
    log.failing("record_damaged", "The partition is damaged.");
    const tail = await log.open();
    await tail.caughtUp;
    expect([tail.trouble, tail.head.number]).toEqual(["The partition is damaged.", 0]);
    await log.runtime.run(3_000);
    expect(log.log.lines.map(({ level }) => level)).toEqual(["error"]);
    log.failing(undefined);
    await log.runtime.run(2_000);
    expect([tail.trouble, log.seen, tableOf(tail), log.lost]).toEqual([undefined, ["1", "2"], ["2", "1"], []]);
  });

  it("without a table goes on from where the log ended when it was opened", async () => {
    const log = await openLog();
    await log.put("old");
    log.failing("record_damaged");
    const tail = await log.open();
    expect(tail.positionAt(tail.head)).toMatchObject({ epoch: "e1", offset: "0" });
    await log.put("1");
    log.failing(undefined);
    await log.runtime.run(500);
    expect(log.seen).toEqual(["1"]);
  });

  it.each([
    { name: "of this history", epoch: "e1", table: ["2", "1"], after: ["3", "2"] },
    { name: "of another history", epoch: "e0", table: [], after: ["3", "2"] },
  ])("has the table of a checkpoint $name: $table", async ({ epoch, table, after }) => {
    const log = await openLog(WITH_TABLE);
    for (const name of ["1:a", "2:b", "3:a"]) await log.put(name);
    log.failing("record_damaged");
    const entries = [storedOf(["1:a"], 0), storedOf(["2:b"], 1)];
    const tail = await log.open({ seed: { after: { epoch, offset: "1" }, entries } });
    expect(tableOf(tail)).toEqual(table);
    log.failing(undefined);
    await log.runtime.run(500);
    expect(tableOf(tail)).toEqual(after);
  });

  it("closes while it waits for its next try", async () => {
    const log = await openLog(WITH_TABLE);
    log.failing("record_damaged");
    const tail = await log.open();
    await log.runtime.run(10_000);
    await tail.close();
  });
});

describe("a tail with a table whose log holds what is no event", () => {
  const NO_EVENT = { bytes: Uint8Array.of(0x0a, 1, 0xff), count: 1, bounds: Uint32Array.of(2, 3) };

  it("gives what comes before it once, however often it tries, and nothing of it", async () => {
    const log = await openLog(WITH_TABLE);
    await log.put("1:a");
    void log.broker.append([{ topic: NAME, partition: 0, batch: NO_EVENT }]);
    await log.put("2:b");
    const tail = await log.open();
    await tail.caughtUp;
    await log.runtime.run(10_000);
    expect(tail.trouble).toContain(`The record at ${NAME}/0 epoch e1 offset 1 holds what is no event`);
    expect([log.seen, tail.ring.next, tail.head.offset, tableOf(tail)]).toEqual([["1"], 1, "0", ["1"]]);
    await log.broker.admin.truncate({ topic: NAME, partition: 0, epoch: "e1", offset: "1" });
    await log.runtime.run(5_100);
    expect([log.seen, tail.trouble, tableOf(tail)]).toEqual([["1", "2"], undefined, ["2", "1"]]);
  });
});
