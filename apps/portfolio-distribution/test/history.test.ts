import { describe, expect, it } from "vitest";
import { addToHistory, at, begin, bytesOf, type History, newest, page } from "../src/domain/read-models/history.ts";
import { addMeasure, findMeasure, MAX_BENCHMARKS, type Measures } from "../src/domain/read-models/measures.ts";
import { sortByValue } from "../src/domain/read-models/value-order.ts";

interface Item {
  readonly asOf: bigint;
  readonly name: string;
}

const BOUNDS = { items: 5, bytes: 100_000 };

/** Named for their time and which one of it they are: "3", "3b". */
function historyOf(names: readonly string[], bounds = BOUNDS): History<Item> {
  let history: History<Item> | undefined;
  for (const name of names) history = addToHistory(history, { asOf: BigInt(Number.parseInt(name, 10)), name }, bounds);
  return history!;
}

const names = (items: readonly Item[]): string => items.map(({ name }) => name).join(" ");
const all = { from: undefined, to: undefined, cursor: undefined, limit: 100 };

describe("a history", () => {
  it("keeps the newest: one below the bound, at it, one above", () => {
    expect(names(historyOf(["1", "2", "3", "4"]).items)).toBe("1 2 3 4");
    expect(names(historyOf(["1", "2", "3", "4", "5"]).items)).toBe("1 2 3 4 5");
    expect(names(historyOf(["1", "2", "3", "4", "5", "6"]).items)).toBe("2 3 4 5 6");
  });

  it("keeps to its bound in bytes, and says how many they are; the newest stays whatever its size", () => {
    const one = bytesOf({ asOf: 1n, name: "1" });
    const history = historyOf(["1", "2", "3", "4"], { items: 100, bytes: 3 * one });
    expect(names(history.items)).toBe("2 3 4");
    expect(history.bytes).toBe(3 * one);
    expect(names(historyOf(["1", "2"], { items: 100, bytes: 1 }).items)).toBe("2");
    expect(bytesOf({ list: [{ text: "abcd" }] })).toBe(64 + 24 + 64 + 24 + 4);
  });

  it("says what was told last for a time not after the one that is asked for", () => {
    const history = historyOf(["10", "20", "20b", "30"]);
    const found = (asOf: bigint | undefined) => at([history], asOf, "it").name;
    expect([10n, 11n, 19n, 20n, 29n, 30n, 1000n, undefined].map(found).join(" ")).toBe("10 10 10 20b 20b 30 30 30");
    expect(newest(history).name).toBe("30");
    expect(begin(history)).toBe(10n);
    expect(() => at([history], 9n, "growth")).toThrow(
      "as_of: 1970-01-01T00:00:00.000000009Z is too early: what is kept of growth begins at 1970-01-01T00:00:00.00000001Z",
    );
  });

  it("of several has the newest, and of equal times the one of the last", () => {
    const one = historyOf(["10", "30"]);
    const other = historyOf(["20", "30b"]);
    const found = (asOf: bigint) => at([one, other], asOf, "it").name;
    expect([10n, 20n, 29n, 30n].map(found).join(" ")).toBe("10 20 20 30b");
    expect(() => at([other, one], 9n, "it")).toThrow("begins at 1970-01-01T00:00:00.00000001Z");
  });

  it("is read newest first, from a time on and before another", () => {
    const history = historyOf(["10", "20", "20b", "30"]);
    const read = (range: object) => names(page(history, { ...all, ...range }).items);
    expect(read({})).toBe("30 20b 20 10");
    expect(read({ from: 20n })).toBe("30 20b 20");
    expect(read({ to: 30n })).toBe("20b 20 10");
    expect(read({ from: 11n, to: 20n })).toBe("");
    expect(read({ from: 30n, to: 10n })).toBe("");
  });

  it("is read page by page, also within one time, while it grows and its oldest go", () => {
    let history = historyOf(["10", "20", "20b", "20c", "30"]);
    const first = page(history, { ...all, limit: 2 });
    expect([names(first.items), first.next]).toEqual(["30 20c", "20-2"]);
    history = addToHistory(history, { asOf: 40n, name: "40" }, BOUNDS);
    const second = page(history, { ...all, limit: 2, cursor: first.next });
    expect([names(second.items), second.next]).toEqual(["20b 20", undefined]);
    expect(names(page(history, { ...all, cursor: "20-1", from: 20n }).items)).toBe("20");
    expect(names(page(history, { ...all, cursor: "30-1", to: 30n }).items)).toBe("20c 20b 20");
  });

  it.each(["", "x", "20", "20-", "-1", "20-1-1", "99999999999999999999-1"])("has no cursor %j", (cursor) => {
    expect(() => page(historyOf(["10"]), { ...all, cursor })).toThrow("cursor: is none that this list gave");
  });
});

describe("measures of a period", () => {
  const measure = (asOf: bigint, benchmark: string) => ({ asOf, benchmark });
  const measured = (...each: readonly { readonly asOf: bigint; readonly benchmark: string }[]) => {
    let measures: Measures<{ readonly asOf: bigint; readonly benchmark: string }> | undefined;
    for (const item of each) measures = addMeasure(measures, item, BOUNDS);
    return measures!;
  };

  it("are found by benchmark and time, and without a benchmark the newest of all", () => {
    const measures = measured(measure(10n, "A"), measure(20n, ""), measure(20n, "B"), measure(30n, "A"));
    const find = (benchmark: string | undefined, asOf?: bigint) => findMeasure(measures, { benchmark, asOf }, "it");
    expect(measures.asOf).toBe(30n);
    expect(find(undefined)).toEqual(measure(30n, "A"));
    expect(find(undefined, 29n)).toEqual(measure(20n, "B"));
    expect(find("A", 29n)).toEqual(measure(10n, "A"));
    expect(() => find("B", 19n)).toThrow("what is kept of it against B begins at");
    expect(() => find(undefined, 9n)).toThrow("what is kept of it begins at");
    expect(() => find("C")).toThrow('benchmark: it is not known against "C"; there is B, A');
    expect(() => findMeasure(measured(measure(1n, "")), { benchmark: "C", asOf: undefined }, "it")).toThrow(
      "it is compared with nothing",
    );
  });

  it("of the benchmark that was measured longest ago go first, and their bytes with them", () => {
    const each = Array.from({ length: MAX_BENCHMARKS }, (_, index) => measure(1n, `B${index}`));
    const full = measured(...each, measure(2n, "B0"));
    expect([...full.benchmarks.keys()].at(0)).toBe("B1");
    const over = measured(...each, measure(2n, "B0"), measure(2n, "new"));
    expect(over.benchmarks.size).toBe(MAX_BENCHMARKS);
    expect(over.benchmarks.has("B1")).toBe(false);
    expect(over.bytes).toBe([...over.benchmarks.values()].reduce((sum, { bytes }) => sum + bytes, 0));
  });
});

describe("the order of values", () => {
  it("is that of the numbers, not of their texts, and equal beyond what it holds", () => {
    const sorted = ["-10", "-9.5", "-0.000000000001", "0", "0.1", "9", "9.000000000001", "10", "12345678901234567890"];
    expect(sorted.toReversed().toSorted((a, b) => (sortByValue(a) < sortByValue(b) ? -1 : 1))).toEqual(sorted);
    expect(sortByValue("1.0000000000001")).toBe(sortByValue("1.0000000000009"));
    expect(sortByValue("9".repeat(60))).toBe(10n ** 40n - 1n);
    expect(sortByValue(`-${"9".repeat(60)}`)).toBe(1n - 10n ** 40n);
  });
});
