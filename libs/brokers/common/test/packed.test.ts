/** Packed batches as bytes, against what is plainly right. */
import type { PackedBatch } from "@distribution/core/events";
import { batchOf, bytesOf } from "@distribution/testkit/broker";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cut, isPacked, keyBytesOf, keyOf, pick, unpack } from "../src/index.ts";

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
        for (const [at, { key }] of list.entries()) {
          const bytes = Buffer.from(key);
          expect(keyOf(batch, at)).toBe(bytes.toString("latin1"));
          expect(keyBytesOf(batch, at)).toEqual(key === "" ? undefined : bytes);
        }
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
    const batch = { bytes, count: 1, bounds: Uint32Array.of(0, bytes.length) };
    expect(keyOf(batch, 0)).toBe("");
    expect(keyBytesOf(batch, 0)).toBeUndefined();
  });
});

test("a batch is packed when count, bounds and bytes fit together", () => {
  const { bytes, count, bounds } = batchOf([{ id: "a", key: "k" }]);
  expect(isPacked({ bytes, count, bounds })).toBe(true);
  expect(isPacked({ bytes, count: 2, bounds })).toBe(false);
  expect(isPacked({ bytes: bytes.subarray(1), count, bounds })).toBe(false);
  expect(isPacked({ bytes: new Uint8Array(0), count: 0, bounds: new Uint32Array(0) })).toBe(false);
});
