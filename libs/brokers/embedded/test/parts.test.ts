/** The small parts on their own, against what is plainly right. */
import type { PackedBatch } from "@distribution/core/events";
import { batchOf, bytesOf } from "@distribution/testkit/broker";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Fifo } from "../src/fifo.ts";
import { Ranges } from "../src/groups/ranges.ts";
import { cut, keyOf, pick, unpack } from "../src/log/packed.ts";
import { footprint, headerOf, KEY_BYTES, MAX_OFFSET, readRecord, writeRecord } from "../src/log/record.ts";
import { Stored } from "../src/log/stored.ts";

const events = fc.array(
  fc.record({
    id: fc.string({ minLength: 1, maxLength: 300 }),
    key: fc.string({ maxLength: 200 }),
    data: fc.uint8Array({ maxLength: 400 }),
  }),
  { minLength: 1, maxLength: 20 },
);
const batches = events.map((list) => ({ list, batch: batchOf(list) }));

describe("a packed batch", () => {
  test("is found again in its bytes, whatever is in it", () => {
    fc.assert(
      fc.property(batches, ({ batch }) => {
        expect(bytesOf(unpack(Buffer.from(batch.bytes), batch.count)!)).toEqual(bytesOf(batch));
      }),
    );
  });

  test("is not found in bytes that are anything else", () => {
    const { bytes } = batchOf([{ id: "a", key: "k" }]);
    expect(unpack(bytes, 2)).toBeUndefined();
    expect(unpack(bytes.subarray(0, bytes.length - 1), 1)).toBeUndefined();
    expect(unpack(bytes.subarray(0, 1), 1)).toBeUndefined();
    expect(unpack(Buffer.concat([bytes, Buffer.of(0)]), 1)).toBeUndefined();
    expect(unpack(Uint8Array.of(0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01), 1)).toBeUndefined();
  });

  test("is cut and picked from like a list", () => {
    fc.assert(
      fc.property(batches, fc.nat(), fc.nat(), fc.infiniteStream(fc.boolean()), ({ batch }, one, other, coin) => {
        const [from, to] = [one % batch.count, other % batch.count].sort((a, b) => a - b) as [number, number];
        const list = bytesOf(batch);
        const same = (part: PackedBatch, wanted: string[]): void => {
          expect(bytesOf(part)).toEqual(wanted);
          expect(bytesOf(unpack(part.bytes, part.count)!)).toEqual(wanted);
        };
        same(cut(batch, from, to + 1), list.slice(from, to + 1));
        const places = list.map((_, at) => at).filter(() => coin.next().value);
        if (places.length > 0)
          same(
            pick(batch, places),
            places.map((place) => list[place]!),
          );
      }),
    );
  });

  test("tells the key of every event", () => {
    fc.assert(
      fc.property(batches, ({ list, batch }) => {
        for (const [at, { key }] of list.entries()) expect(keyOf(batch, at)).toBe(Buffer.from(key).toString("latin1"));
      }),
    );
  });

  test.each([
    ["a group tag", [0x0b, 0x01]],
    ["a key longer than the event", [0x32, 0x7f, 0x61]],
    ["a number that does not end", [0x80, 0x80]],
    ["a length that does not end", [0x32, 0x80]],
    ["fixed-length fields only", [0x09, 1, 2, 3, 4, 5, 6, 7, 8, 0x0d, 1, 2, 3, 4]],
  ])("has no key where the message is %s", (_, message) => {
    const bytes = Uint8Array.from(message);
    expect(keyOf({ bytes, count: 1, bounds: Uint32Array.of(0, bytes.length) }, 0)).toBe("");
  });
});

describe("a record", () => {
  const key = Buffer.alloc(KEY_BYTES);

  test("comes back as it was written, dense or sparse, up to the last offset there is", () => {
    fc.assert(
      fc.property(
        batches,
        fc.maxSafeNat(),
        fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        fc.boolean(),
        ({ batch }, base, time, sparse) => {
          const first = base % (MAX_OFFSET - 1000);
          const deltas = sparse ? Uint32Array.from({ length: batch.count }, (_, at) => at * 3) : undefined;
          const value = writeRecord(key, 7, new Stored("e", first, time, batch, deltas));
          const back = readRecord("e", key, Buffer.from(value))!;
          expect(bytesOf(back.batch)).toEqual(bytesOf(batch));
          expect(back.appendedAt).toBe(time);
          expect(back.numberAt(0)).toBe(first);
          expect(back.last).toBe(first + (batch.count - 1) * (sparse ? 3 : 1));
          expect(headerOf(key)).toMatchObject({
            base: first,
            last: back.last,
            count: batch.count,
            footprint: footprint(value.length),
          });
        },
      ),
    );
  });

  test("with any one bit flipped, in key or value, is refused", () => {
    const batch = batchOf([{ id: "a", key: "k", data: new Uint8Array(40) }]);
    const value = Buffer.from(writeRecord(key, 7, new Stored("e", 5, 9n, batch)));
    for (const bytes of [key, value]) {
      for (let bit = 0; bit < bytes.length * 8; bit += 1) {
        bytes[bit >> 3]! ^= 1 << (bit & 7);
        expect(readRecord("e", key, value)).toBeUndefined();
        bytes[bit >> 3]! ^= 1 << (bit & 7);
      }
    }
    expect(readRecord("e", key.subarray(1), value)).toBeUndefined();
    expect(readRecord("e", key, value)).toBeDefined();
  });

  test("that shares a page is counted by its bytes, a larger one by its pages", () => {
    expect(footprint(1994)).toBe(2038);
    expect(footprint(1995)).toBe(52 + 4096);
    expect(footprint(4080)).toBe(52 + 4096);
    expect(footprint(4081)).toBe(52 + 8192);
  });
});

test("ranges are a set of numbers", () => {
  const steps = fc.array(fc.record({ add: fc.boolean(), number: fc.nat({ max: 40 }) }), { maxLength: 60 });
  fc.assert(
    fc.property(steps, (plan) => {
      let model = new Set<number>();
      const ranges = new Ranges();
      for (const { add, number } of plan) {
        if (add) {
          ranges.add(number);
          model.add(number);
        } else if (number % 5 === 0) {
          ranges.dropTo(number);
          model = new Set([...model].filter((one) => one > number));
        }
      }
      const again = new Ranges(ranges.toArray());
      expect(again.size).toBe(model.size);
      for (let number = 0; number <= 41; number += 1) expect(again.has(number)).toBe(model.has(number));
      const ends = ranges.toArray();
      for (let at = 2; at < ends.length; at += 2) expect(ends[at]! - ends[at - 1]!).toBeGreaterThan(1);
    }),
  );
});

test("a fifo is a queue, however long it grows", () => {
  const fifo = new Fifo<number>();
  expect(fifo.shift()).toBeUndefined();
  for (let number = 0; number < 5000; number += 1) fifo.push(number);
  for (let number = 0; number < 3000; number += 1) expect(fifo.shift()).toBe(number);
  expect([fifo.length, fifo.at(0), fifo.at(1999), fifo.at(2000)]).toEqual([2000, 3000, 4999, undefined]);
  fifo.clear();
  expect([fifo.length, fifo.shift()]).toEqual([0, undefined]);
});
