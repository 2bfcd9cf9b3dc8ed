import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { copyOf, createRing, createTable, type Table } from "../../src/tail/index.ts";
import { applyAll, idAt, storedOf } from "./support.ts";

const WIDE = { maxKeys: 1_000, maxBytes: 1_000_000 };

function filled(names: readonly string[], options = WIDE): Table {
  const table = createTable(options);
  applyAll(table, { first: 0, stored: storedOf(names) });
  return table;
}

/** Ids of what changed at the number and since, oldest first. */
function changes(table: Table, since = 0): string[] {
  const ids: string[] = [];
  table.changedSince(since, ({ stored, index }) => {
    ids.push(idAt(stored, index));
    return true;
  });
  return ids;
}

const latest = (table: Table, key: string): string | undefined => {
  const entry = table.get(Buffer.from(key));
  return entry && idAt(entry.stored, entry.index);
};

describe("a table", () => {
  it("holds the latest event of every key, oldest change first", () => {
    const table = filled(["1:a", "2:b", "3:a", "4:c"]);
    expect(changes(table)).toEqual(["2", "3", "4"]);
    expect([latest(table, "a"), latest(table, "b"), latest(table, "d")]).toEqual(["3", "2", undefined]);
    expect(table.keys).toBe(3);
  });

  it("tells what changed at a number and since", () => {
    const table = filled(["1:a", "2:b", "3:c"]);
    expect(changes(table, 1)).toEqual(["2", "3"]);
    expect(changes(table, 2)).toEqual(["3"]);
    expect(changes(table, 3)).toEqual([]);
  });

  it("stops the walk when the visitor has enough", () => {
    const seen: string[] = [];
    filled(["1:a", "2:b", "3:c"]).changedSince(0, ({ stored, index }) => {
      seen.push(idAt(stored, index));
      return seen.length < 2;
    });
    expect(seen).toEqual(["1", "2"]);
  });

  it("keeps no event without a key", () => {
    const table = filled(["1", "2:b", "3"]);
    expect([table.keys, changes(table)]).toEqual([1, ["2"]]);
  });

  it.each([
    { maxKeys: 4, left: ["1", "2", "3"], evicted: 0 },
    { maxKeys: 3, left: ["1", "2", "3"], evicted: 0 },
    { maxKeys: 2, left: ["2", "3"], evicted: 1 },
  ])("of at most $maxKeys keys has, of three, $left left and counts $evicted gone", ({ maxKeys, left, evicted }) => {
    const table = filled(["1:a", "2:b", "3:c"], { ...WIDE, maxKeys });
    expect(changes(table)).toEqual(left);
    expect(table.evicted).toBe(evicted);
    expect(latest(table, "a")).toBe(evicted ? undefined : "1");
  });

  it.each([
    { spare: 1, keys: 3 },
    { spare: 0, keys: 3 },
    { spare: -1, keys: 2 },
  ])("with $spare bytes beside what three keys need holds $keys", ({ spare, keys }) => {
    const needed = filled(["1:a", "2:b", "3:c"]).bytes;
    const table = filled(["1:a", "2:b", "3:c"], { ...WIDE, maxBytes: needed + spare });
    expect(table.keys).toBe(keys);
    expect(table.bytes).toBeLessThanOrEqual(needed + spare);
  });

  it("lets the key go that changed longest ago, not the one that came first", () => {
    const table = filled(["1:a", "2:b", "3:a", "4:c"], { ...WIDE, maxKeys: 2 });
    expect(changes(table)).toEqual(["3", "4"]);
  });

  it("keeps the newest event even when it alone is over the bound", () => {
    const table = filled(["1:a", "2:b"], { maxKeys: 10, maxBytes: 1 });
    expect(changes(table)).toEqual(["2"]);
  });

  it("holds no more bytes when a key changes a thousand times", () => {
    const once = filled(["0001:a"]).bytes;
    const table = createTable(WIDE);
    for (let at = 0; at < 1_000; at += 1)
      applyAll(table, { first: at, stored: storedOf([`${String(at).padStart(4, "0")}:a`], at) });
    expect(table.bytes).toBe(once);
  });

  it("that is cleared knows no key, and takes new ones as if it had begun anew", () => {
    const table = filled(["1:a", "2:b", "3:c"], { ...WIDE, maxKeys: 2 });
    table.clear();
    expect([table.keys, table.bytes, table.evicted, changes(table), latest(table, "b")]).toEqual([
      0,
      0,
      1,
      [],
      undefined,
    ]);
    const again = { first: 9, stored: storedOf(["4:b", "5:d"], 9) };
    applyAll(table, again);
    table.detach(again);
    expect(changes(table)).toEqual(["4", "5"]);
    expect(table.bytes).toBe(filled(["4:b", "5:d"]).bytes);
    expect(latest(table, "c")).toBeUndefined();
  });

  it("copies what it needs of a batch that the ring lets go of, and nothing else", () => {
    const table = createTable(WIDE);
    const first = { first: 0, stored: storedOf(["1:a", "2:b", "3:c"]) };
    const second = { first: 3, stored: storedOf(["4:b"], 3) };
    applyAll(table, first);
    applyAll(table, second);
    table.detach(first);
    const entries = ["a", "b", "c"].map((key) => table.get(Buffer.from(key))!);
    expect(entries.map(({ stored, index }) => idAt(stored, index))).toEqual(["1", "4", "3"]);
    expect(entries.map(({ stored }) => stored === first.stored)).toEqual([false, false, false]);
    expect(entries[1]!.stored).toBe(second.stored);
    expect(entries[0]!.stored.batch.bytes.buffer.byteLength).toBeLessThan(first.stored.batch.bytes.length);
    expect([entries[0]!.stored.offsetAt(0), entries[2]!.stored.offsetAt(0)]).toEqual(["0", "2"]);
  });

  it("still knows which entries are its own after a key changed again", () => {
    const table = createTable(WIDE);
    const batches = [["1:a", "2:b"], ["3:a"], ["4:a", "5:b"]].map((names, at) => ({
      first: at * 2,
      stored: storedOf(names, at * 2),
    }));
    applyAll(table, batches[0]!);
    table.detach(batches[0]!);
    applyAll(table, batches[1]!);
    table.detach(batches[1]!);
    expect(table.get(Buffer.from("a"))!.stored).not.toBe(batches[1]!.stored);
    applyAll(table, batches[2]!);
    table.detach(batches[2]!);
    expect(changes(table)).toEqual(["4", "5"]);
    expect(table.get(Buffer.from("b"))!.stored).not.toBe(batches[2]!.stored);
  });

  it("copies what it needs of a batch also for the newest change, once it was copied before", () => {
    const table = createTable(WIDE);
    const first = { first: 0, stored: storedOf(["1:a", "x"]) };
    const second = { first: 2, stored: storedOf(["2:a", "y"], 2) };
    applyAll(table, first);
    table.detach(first);
    applyAll(table, second);
    table.detach(second);
    expect(latest(table, "a")).toBe("2");
    expect(table.get(Buffer.from("a"))!.stored.batch.count).toBe(1);
  });

  it("copies one event of a batch as a batch of its own, tag and length included", () => {
    const stored = storedOf(["1:a", "2:b", "3:c"], 10, { epoch: "e7", appendedAt: 5n });
    const alone = copyOf(stored, 1);
    expect(idAt(alone, 0)).toBe("2");
    expect([alone.batch.count, alone.epoch, alone.appendedAt, alone.offsetAt(0)]).toEqual([1, "e7", 5n, "11"]);
    expect(Buffer.from(alone.batch.bytes)).toEqual(Buffer.from(storedOf(["2:b"]).batch.bytes));
    expect(idAt(copyOf(stored, 0), 0)).toBe("1");
  });

  it("is what a map by key would be, through any batches, behind a ring of any size", () => {
    const names = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(fc.array(names, { maxLength: 30 }), fc.integer({ min: 0, max: 4_000 }), (batches, ringBytes) => {
        const table = createTable(WIDE);
        const held = new Set<unknown>();
        const ring = createRing({
          bytes: ringBytes,
          onEvict(batch) {
            table.detach(batch);
            held.delete(batch.stored);
          },
        });
        const model = new Map<string, string>();
        let count = 0;
        for (const keys of batches) {
          const stored = storedOf(
            keys.map((key) => {
              count += 1;
              // An event without a key moves the ring on, not the table.
              if (key === 0) return String(count);
              model.delete(`k${key}`);
              model.set(`k${key}`, String(count));
              return `${count}:k${key}`;
            }),
            count,
          );
          held.add(stored);
          applyAll(table, ring.push(stored));
        }
        expect(changes(table)).toEqual([...model.values()]);
        for (const [key, id] of model) expect(latest(table, key)).toBe(id);
        // Nothing that the ring let go of is kept alive, unless it is a copy of one event.
        table.changedSince(0, ({ stored }) => {
          const { bytes } = stored.batch;
          expect(held.has(stored) || bytes.buffer.byteLength === bytes.length).toBe(true);
          return true;
        });
      }),
      { numRuns: 60 },
    );
  });
});
