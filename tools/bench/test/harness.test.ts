import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { cpuSeconds, residentBytes } from "../src/harness/process.ts";
import { renderTable } from "../src/harness/report.ts";
import { interleaved, median, rowOf } from "../src/harness/statistics.ts";

test("the median is the middle round, or the mean of the two in the middle", () => {
  expect(median([9, 1, 5])).toBe(5);
  expect(median([4, 1, 9, 2])).toBe(3);
  expect(() => median([])).toThrow("a median of nothing");
});

test("rounds are interleaved: each subject once before any comes again, and after each of the others as a rule", async () => {
  const subjects = ["ours", "theirs", "bare"];
  const order: string[] = [];
  const figures = await interleaved(60, subjects, (subject) => Promise.resolve(order.push(subject)));
  const rounds = Array.from({ length: 60 }, (_, round) => order.slice(3 * round, 3 * round + 3));
  for (const round of rounds) expect(round.toSorted()).toEqual(subjects.toSorted());
  for (const subject of subjects) {
    expect(figures.get(subject)).toEqual(order.flatMap((each, at) => (each === subject ? [at + 1] : [])));
    const before = order.flatMap((each, at) => (each === subject && at > 0 ? [order[at - 1]] : []));
    for (const other of subjects.filter((each) => each !== subject)) {
      expect(before.filter((each) => each === other).length).toBeGreaterThan(15);
    }
  }
});

test("a table shows the median and half the distance of the extremes", () => {
  const row = rowOf(
    { case: "bursts", subject: "ours", metric: "per second", better: "higher" },
    [90_000, 110_000, 100_000],
  );
  expect(renderTable([row]).split("\n")).toEqual([
    "case    subject   median  spread  metric",
    "bursts  ours     100,000  ±10 %   per second",
  ]);
  expect(renderTable([{ ...row, rounds: [1] }])).toContain("100,000  once");
});

test.runIf(process.platform === "linux")("CPU time and memory of a process are what it says of itself", () => {
  const { user, system } = process.cpuUsage();
  expect(cpuSeconds(process.pid)).toBeCloseTo((user + system) / 1e6, 0);
  expect(residentBytes(process.pid) / process.memoryUsage.rss()).toBeCloseTo(1, 0);
  expect(readFileSync("/proc/self/stat", "utf8")).toContain(String(process.pid));
});
