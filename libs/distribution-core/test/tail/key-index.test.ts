import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createKeyIndex, type KeyIndex } from "../../src/tail/key-index.ts";

const bytesOf = (key: string): Uint8Array => Buffer.from(key);

function intern(index: KeyIndex, key: string): number {
  const bytes = bytesOf(key);
  return index.intern(bytes, 0, bytes.length);
}

function find(index: KeyIndex, key: string): number {
  const bytes = bytesOf(key);
  return index.find(bytes, 0, bytes.length);
}

describe("an index of keys", () => {
  it("gives a key the same number each time, and another key another one", () => {
    const index = createKeyIndex();
    expect([intern(index, "a"), intern(index, "b"), intern(index, "a")]).toEqual([0, 1, 0]);
    expect(find(index, "b")).toBe(1);
    expect(find(index, "c")).toBe(-1);
    expect(index.size).toBe(2);
  });

  it("keeps a copy of a key out of the middle of a batch, and nothing of the batch", () => {
    const index = createKeyIndex();
    const bytes = Buffer.from("xxKEYyy");
    const id = index.intern(bytes, 2, 5);
    bytes.fill(0);
    expect(index.keyOf(id).buffer.byteLength).toBe(3);
    expect(find(index, "KEY")).toBe(id);
    expect(Buffer.from(index.keyOf(id)).toString()).toBe("KEY");
  });

  it("tells keys apart that begin alike", () => {
    const index = createKeyIndex();
    const ids = ["", "a", "ab", "abc", "abd"].map((key) => intern(index, key));
    expect(new Set(ids).size).toBe(5);
  });

  it("gives a removed key's number to the next new key", () => {
    const index = createKeyIndex();
    for (const key of ["a", "b", "c"]) intern(index, key);
    index.remove(1);
    index.remove(1);
    index.remove(99);
    expect(index.size).toBe(2);
    expect(find(index, "b")).toBe(-1);
    expect(index.keyOf(1)).toHaveLength(0);
    expect(intern(index, "d")).toBe(1);
    expect(intern(index, "b")).toBe(3);
  });

  it("keeps every key while it grows", () => {
    const index = createKeyIndex();
    const keys = Array.from({ length: 5_000 }, (_, at) => `instrument-${at}`);
    keys.forEach((key, at) => {
      expect(intern(index, key)).toBe(at);
    });
    keys.forEach((key, at) => {
      expect(find(index, key)).toBe(at);
    });
  });

  it("behaves like a map under any mix of adding, finding and removing", () => {
    // Few short keys, so that slots collide and removals leave gaps in the middle of runs.
    const key = fc.integer({ min: 0, max: 400 }).map(String);
    const step = fc.record({ action: fc.constantFrom("intern", "intern", "remove"), key });
    fc.assert(
      fc.property(fc.array(step, { minLength: 300, maxLength: 900 }), (steps) => {
        const index = createKeyIndex();
        const model = new Map<string, number>();
        for (const { action, key: name } of steps) {
          const known = model.get(name);
          expect(find(index, name)).toBe(known ?? -1);
          if (action === "intern") {
            const id = intern(index, name);
            if (known !== undefined) expect(id).toBe(known);
            else expect([...model.values()]).not.toContain(id);
            model.set(name, id);
          } else if (known !== undefined) {
            index.remove(known);
            model.delete(name);
          }
        }
        expect(index.size).toBe(model.size);
        for (const [name, id] of model) expect(find(index, name)).toBe(id);
      }),
      { numRuns: 40 },
    );
  });
});
