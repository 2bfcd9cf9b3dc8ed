import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { IdentityTable, NONE } from "../../src/ingest/identity-table.ts";
import { KeyedHash } from "../../src/ingest/keyed-hash.ts";
import { offsetsOf } from "../../src/ingest/offsets.ts";

describe("the identity table", () => {
  test("answers like a map through any run of insertions and removals, even where all share a place", () => {
    const step = fc.record({ key: fc.integer({ min: 0, max: 40 }), remove: fc.boolean() });
    const spread = fc.constantFrom(0, 1, 7, 0x9e3779b1);
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), spread, (steps, factor) => {
        const table = new IdentityTable(24);
        const model = new Map<number, number>();
        for (const { key, remove } of steps) {
          const a = Math.imul(key, factor) >>> 0;
          const entry = table.find(a, key, 0);
          expect(entry).toBe(model.get(key) ?? NONE);
          if (entry !== NONE && remove) {
            table.removeChain(entry);
            model.delete(key);
          } else if (entry === NONE && model.size < 24) {
            model.set(key, table.insert(a, key, 0, 1, 2, 3, key));
          }
          expect(table.size).toBe(model.size);
        }
        for (const [key, entry] of model) {
          expect(table.find(Math.imul(key, factor) >>> 0, key, 0)).toBe(entry);
          expect(table.ordinal(entry)).toBe(key);
        }
      }),
    );
  });

  test("takes as many entries as it was made for, and no more", () => {
    const table = new IdentityTable(2);
    table.insert(1, 1, 1, 0, 0, 0, 0);
    const second = table.insert(2, 2, 2, 0, 0, 0, 0);
    expect(() => table.insert(3, 3, 3, 0, 0, 0, 0)).toThrow(RangeError);
    table.removeChain(second);
    expect(table.insert(3, 3, 3, 0, 0, 0, 0)).toBe(second);
  });
});

describe("the keyed hash", () => {
  const hashOf = (secret: number, ...parts: string[]): string => {
    const hash = new KeyedHash(Buffer.alloc(8, secret));
    hash.start();
    for (const part of parts) {
      const bytes = Buffer.from(part);
      hash.add(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0, bytes.length);
    }
    hash.finish();
    return [hash.a, hash.b, hash.c].join();
  };

  test("depends on every byte, on where parts end, and on the secret", () => {
    const seen = new Set([hashOf(1, "source", "id"), hashOf(2, "source", "id"), hashOf(1, "sourc", "eid")]);
    for (let at = 0; at < 6; at += 1) seen.add(hashOf(1, `${"source".slice(0, at)}X${"source".slice(at + 1)}`, "id"));
    expect(seen.size).toBe(9);
    expect(hashOf(1, "source", "id")).toBe(hashOf(1, "source", "id"));
  });

  test("continues from a mark as if it had begun anew", () => {
    const hash = new KeyedHash(Buffer.alloc(8, 1));
    const bytes = Buffer.from("sourceidkey");
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    hash.start();
    hash.add(view, 0, 6);
    hash.mark();
    hash.add(view, 6, 8);
    hash.finish();
    hash.resume();
    hash.add(view, 8, 11);
    hash.finish();
    expect([hash.a, hash.b, hash.c].join()).toBe(hashOf(1, "source", "key"));
  });
});

describe("where events are", () => {
  test("is kept without the events", () => {
    const kept = offsetsOf({ epoch: "e", offsetAt: (index) => `${index}` }, 1, 2);
    expect([kept.epoch, kept.offsetAt(0), kept.offsetAt(1)]).toEqual(["e", "1", "2"]);
    expect(() => kept.offsetAt(2)).toThrow(RangeError);
  });
});
