/** The small parts on their own, against what is plainly right. */
import { batchOf, bytesOf } from "@distribution/testkit/broker";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
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
