/** Counting what a group has not settled. */
import type { PartitionReader, StoredBatch } from "@distribution/core/brokers";
import { beforeEach, describe, expect, test } from "vitest";
import { type CountOptions, countEvents } from "../../src/index.ts";
import { compareOffsets, FakeLog } from "./fake-log.ts";

describe("the events between two positions", () => {
  let log: FakeLog;
  beforeEach(() => {
    log = new FakeLog();
    for (const names of [["a", "b", "c"], ["d"], ["e", "f"]]) log.append("t", 0, names);
  });

  const count = async (after: string, change: Partial<CountOptions> = {}) => {
    const reader = await log.read("t", 0, { after: { epoch: "e1", offset: after } });
    const counted = await countEvents(reader, { upTo: "7.1", except: [], compareOffsets, ...change });
    expect(log.partition("t", 0).open, "the reader is closed").toBe(0);
    return counted;
  };

  test("are those after the one, up to and including the other", async () => {
    expect(await count("0.0")).toEqual({ events: 6, upTo: "7.1" });
    expect(await count("1.1")).toEqual({ events: 4, upTo: "7.1" });
    expect(await count("1.1", { upTo: "7.0" })).toEqual({ events: 3, upTo: "7.0" });
    expect(await count("7.1")).toEqual({ events: 0, upTo: "7.1" });
  });

  test("do not count where they are excepted", async () => {
    const except = [["0.0", "1.0"] as const, ["1.2", "4.0"] as const, ["7.1", "9.9"] as const];
    expect(await count("0.0", { except })).toEqual({ events: 2, upTo: "7.1" });
    expect(await count("4.0", { except, upTo: "7.0" })).toEqual({ events: 1, upTo: "7.0" });
  });

  test.each([{ maxBatches: 1 }, { maxBytes: 1 }])(
    "are counted as far as %j, which says how far that was",
    async (bound) => {
      log.append("t", 0, ["g"]);
      const { offset } = (await log.read("t", 0, { at: "earliest" })).start;
      const reader = oneByOne(await log.read("t", 0, { after: { epoch: "e1", offset } }));
      expect(await countEvents(reader, { upTo: "10.0", except: [], compareOffsets, ...bound })).toEqual({
        events: 3,
        upTo: "1.2",
      });
    },
  );

  test("end with the reader", async () => {
    const reader = await log.read("t", 0, { at: "earliest" });
    await reader.close();
    expect(await countEvents(reader, { upTo: "7.1", except: [], compareOffsets })).toEqual({ events: 0, upTo: "0.0" });
  });

  /** A reader that gives one record at a time. */
  function oneByOne(reader: PartitionReader): PartitionReader {
    const rest: StoredBatch[] = [];
    return {
      ...reader,
      async next(maxBytes) {
        if (rest.length === 0) rest.push(...(await reader.next(maxBytes)));
        return rest.splice(0, 1);
      },
    };
  }
});
