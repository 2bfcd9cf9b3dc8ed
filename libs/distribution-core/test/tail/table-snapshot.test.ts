import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createTable, type Table, type TableSnapshot } from "../../src/tail/index.ts";
import { applyAll, idAt, storedOf } from "./support.ts";

const BOUNDS = { maxKeys: 1_000, maxBytes: 1_000_000 };

/** A table whose events count up: ids are their numbers. */
function tableOf(bounds = BOUNDS) {
  const table = createTable(bounds);
  let count = 0;
  return {
    table,
    change(...keys: string[]): void {
      const stored = storedOf(keys.map((key, at) => `${count + at}:${key}`));
      applyAll(table, { first: count, stored });
      count += keys.length;
    },
  };
}

const idsOf = (entries: ReturnType<TableSnapshot["next"]>): string[] =>
  entries.map(({ stored, index }) => idAt(stored, index));

function changesOf(table: Table): string[] {
  const ids: string[] = [];
  table.changedSince(0, ({ stored, index }) => {
    ids.push(idAt(stored, index));
    return true;
  });
  return ids;
}

describe("a snapshot of a table", () => {
  it("gives all that the table has, oldest change first, so many at a time", () => {
    const { table, change } = tableOf();
    change("a", "b", "c", "b", "d");
    const snapshot = table.snapshot();
    expect([snapshot.next(3), snapshot.next(3), snapshot.next(3)].map(idsOf)).toEqual([["0", "2", "3"], ["4"], []]);
    expect(idsOf(table.snapshot().next(4))).toEqual(["0", "2", "3", "4"]);
  });

  it("of an empty table is empty, also once something came", () => {
    const { table, change } = tableOf();
    const snapshot = table.snapshot();
    change("a");
    expect(snapshot.next(1)).toEqual([]);
  });

  it("has what was replaced, evicted and cleared away since, and nothing that came since", () => {
    const { table, change } = tableOf({ ...BOUNDS, maxKeys: 4 });
    change("a", "b", "c", "d");
    const [replaced, evicted, cleared] = [table.snapshot(), table.snapshot(), table.snapshot()];
    change("c", "b");
    expect(idsOf(replaced.next(9))).toEqual(["0", "1", "2", "3"]);
    change("e", "f", "g");
    expect(idsOf(evicted.next(9))).toEqual(["0", "1", "2", "3"]);
    expect(idsOf(cleared.next(1))).toEqual(["0"]);
    table.clear();
    change("a", "d");
    expect(idsOf(cleared.next(9))).toEqual(["1", "2", "3"]);
    expect(changesOf(table)).toEqual(["9", "10"]);
  });

  it("gives nothing after it was closed, and keeps nothing for it", () => {
    const { table, change } = tableOf();
    change("a", "b");
    const snapshot = table.snapshot();
    expect(idsOf(snapshot.next(1))).toEqual(["0"]);
    snapshot.close();
    change("b");
    expect(snapshot.next(9)).toEqual([]);
  });

  it("is what the table was, in whatever steps it is taken and whatever happens between them", () => {
    const keys = fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 30 });
    const steps = fc.array(fc.tuple(fc.integer({ min: 1, max: 12 }), keys, fc.integer({ min: 0, max: 20 })), {
      minLength: 1,
    });
    fc.assert(
      fc.property(keys, steps, (before, then) => {
        const { table, change } = tableOf({ ...BOUNDS, maxKeys: 30 });
        change(...before.map(String));
        const expected = changesOf(table);
        const snapshot = table.snapshot();
        const seen: string[] = [];
        for (const [most, changed, what] of then) {
          seen.push(...idsOf(snapshot.next(most)));
          if (what === 0) table.clear();
          change(...changed.map(String));
        }
        seen.push(...idsOf(snapshot.next(100)));
        expect(seen).toEqual(expected);
      }),
    );
  });
});
