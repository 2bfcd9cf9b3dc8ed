/** Counting what a group has not settled, on a log of the test's own. */
import type { PartitionReader, StoredBatch } from "@distribution/core/brokers";
import { DistributionError } from "@distribution/core/errors";
import { batchOf } from "@distribution/testkit/broker";
import { expect, test } from "vitest";
import { countAfter } from "../src/groups/count.ts";

const compareOffsets = (a: string, b: string): number => Number(a) - Number(b);

/** Records of two events each, at offsets from 1. */
function logOf(records: number) {
  const event = batchOf([
    { id: "a", key: "k" },
    { id: "b", key: "k" },
  ]);
  let read = 0;
  const stored = (record: number): StoredBatch => ({
    ...{ batch: event, epoch: "e", appendedAt: 0n },
    offsetAt: (index) => String(2 * record + index + 1),
  });
  const reader = (from: number): PartitionReader => {
    let next = from;
    return {
      start: { epoch: "e", offset: String(2 * from) },
      async next() {
        const batches = Array.from({ length: Math.min(100, records - next) }, (_, at) => stored(next + at));
        next += batches.length;
        read += batches.length;
        return batches;
      },
      async close() {},
    };
  };
  const info = {
    ...{ topic: "t", partition: 0, epoch: "e", start: "0", end: String(2 * records), bytes: 0, events: 2 * records },
  };
  const read_ = async (_: string, __: number, from: object) =>
    reader(Number((from as { after: { offset: string } }).after.offset) / 2);
  const shareAfter = async (_: string, __: number, offset: string) => 1 - Number(offset) / (2 * records);
  return { info, parts: { compareOffsets, read: read_, shareAfter }, count: () => read };
}

test("counts what comes after the position, without what is settled above it", async () => {
  const { info, parts } = logOf(5);
  const count = (after: string, except: [string, string][] = []) =>
    countAfter(parts, info, { epoch: "e", after, except });
  expect(await count("0")).toBe(10);
  expect(await count("4")).toBe(6);
  expect(await count("10")).toBe(0);
  expect(
    await count("2", [
      ["4", "5"],
      ["9", "10"],
    ]),
  ).toBe(4);
  expect(await count("0", [["1", "10"]])).toBe(0);
});

test("a position of another epoch or before the start counts from the start", async () => {
  const { info, parts } = logOf(5);
  expect(await countAfter(parts, info, { epoch: "gone", after: "8", except: [] })).toBe(10);
});

test("beyond 10,000 records it estimates by what comes after them, and reads no further", async () => {
  const { info, parts, count } = logOf(30_000);
  expect(await countAfter(parts, info, { epoch: "e", after: "0", except: [] })).toBe(60_000);
  expect(count()).toBe(10_000);
});

test("what retention took meanwhile is estimated, and any other failure is told", async () => {
  const { info } = logOf(5);
  const failing = (code: "position_gone" | "unavailable") => ({
    compareOffsets,
    shareAfter: async () => 0,
    read: async (): Promise<PartitionReader> => ({
      start: { epoch: "e", offset: "0" },
      next: () => Promise.reject(new DistributionError(code, "because")),
      async close() {},
    }),
  });
  const from = { epoch: "e", after: "0", except: [] };
  expect(await countAfter(failing("position_gone"), info, from)).toBe(10);
  await expect(countAfter(failing("unavailable"), info, from)).rejects.toMatchObject({ code: "unavailable" });
});
