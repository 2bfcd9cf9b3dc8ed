import { readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { placeBetweenMarks, renderDocument, writeDocument } from "../src/harness/document.ts";
import { readFloors } from "../src/harness/floors.ts";
import { describeMachine, type KeptResult, renderFloors } from "../src/harness/report.ts";
import type { Bench, Row } from "../src/harness/row.ts";
import { quantile, rowOf } from "../src/harness/statistics.ts";

const rows: readonly Row[] = [
  rowOf({ case: "bursts", subject: "ours", metric: "per second", better: "higher" }, [80, 100, 240]),
  rowOf({ case: "bursts", subject: "a | rival", metric: "per second", better: "higher" }, [40, 60, 120]),
  rowOf({ case: "once", subject: "another", metric: "per second", better: "higher" }, [50]),
];
const bench: Bench = {
  name: "fan",
  floors: [
    {
      text: "against the rival",
      atLeast: 2,
      of: ({ times }) => times({ subject: "ours" }, { subject: "a | rival" }),
    },
    { text: "not too much", atMost: 99, of: ({ median }) => median({ case: "bursts", subject: "ours" }) },
  ],
  run: () => Promise.resolve(rows),
};
const kept: KeptResult = {
  name: "fan",
  about: "what holds for all",
  measuredAt: "2026-01-02T03:04:05.000Z",
  seconds: 12.3,
  machine: describeMachine(),
  rows,
};

test("a floor is reached at its bound, and missed below a least or above a most", () => {
  const readings = readFloors([bench], () => rows);
  expect(readings.map(({ value, reached }) => ({ value, reached }))).toEqual([
    { value: 2, reached: true },
    { value: 100, reached: false },
  ]);
});

test("figures are set against each other round by round, and only those of the same rounds", () => {
  const against = (subject: string) =>
    readFloors(
      [{ ...bench, floors: [{ text: "", atLeast: 1, of: ({ times }) => times({ subject: "ours" }, { subject }) }] }],
      () => rows,
    );
  // Of the medians it would be 1.67.
  expect(against("a | rival").map(({ value }) => value)).toEqual([2]);
  expect(() => against("another")).toThrow("not of the same rounds");
});

test("a bench that has not run leaves its floors open, and one that lost the row says so", () => {
  const readings = readFloors([bench], () => undefined);
  expect(readings.map(({ value }) => value)).toEqual([undefined, undefined]);
  expect(renderFloors(readings)).toContain("not run");
  expect(() => readFloors([bench], () => [])).toThrow('0 rows are {"subject":"ours"}, not one');
});

test("the document has every row, the floors and the machine", () => {
  const text = renderDocument(
    [kept],
    readFloors([bench], () => rows),
  );
  expect(text).toContain("| fan: against the rival | ≥ 2 | 2 | reached |");
  expect(text).toContain("| fan: not too much | ≤ 99 | 100 | missed |");
  expect(text).toContain("| bursts | a \\| rival | 60 | ±67 % | per second |");
  expect(text).toContain("What holds for all.");
  expect(text).toContain(`Measured 2026-01-02 03:04 UTC in 12 s: ${kept.machine.cpu}, ${kept.machine.cores} cores`);
});

test("only what is between the marks changes, and a document without marks gets them", () => {
  const first = placeBetweenMarks("# Title\n\nProse.\n", "old\n");
  const second = placeBetweenMarks(`${first}\nAfter.\n`, "new\n");
  expect(second).toBe(`${first.replace("old", "new")}\nAfter.\n`);
});

test("a document that is not there is made", () => {
  const file = join(tmpdir(), `bench-document-${process.pid}.md`);
  writeDocument(file, [kept], []);
  expect(readFileSync(file, "utf8")).toMatch(/^# Performance\n\n<!-- bench: begin/);
  rmSync(file);
});

test("a quantile is the value that its share does not exceed", () => {
  const values = Array.from({ length: 100 }, (_, index) => index + 1);
  expect(quantile(values, 0.5)).toBe(50);
  expect(quantile(values, 0.99)).toBe(99);
  expect(quantile(values, 1)).toBe(100);
  expect(quantile([7], 0.5)).toBe(7);
  expect(() => quantile([], 0.5)).toThrow("a quantile of nothing");
});
