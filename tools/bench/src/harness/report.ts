/** Prints rows as a table, and keeps them as JSON with the machine they were measured on. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg, release, totalmem } from "node:os";
import { join } from "node:path";
import type { FloorReading } from "./floors.ts";
import type { Row } from "./row.ts";

const ROW_TITLES = ["case", "subject", "median", "spread", "metric"] as const;

/** The columns of ROW_TITLES; spread is half the distance between the lowest and the highest round, relative to the median. */
export const rowCells = (row: Row): readonly string[] => [
  row.case,
  row.subject,
  formatFigure(row.value),
  spreadOf(row),
  row.metric,
];

const spreadOf = ({ rounds, low, high, value }: Row): string =>
  rounds.length === 1 ? "once" : `±${Math.round(((high - low) / 2 / Math.abs(value || 1)) * 100)} %`;

/** One line a row. */
export const renderTable = (rows: readonly Row[]): string => align([ROW_TITLES, ...rows.map(rowCells)], 2);

const FLOOR_TITLES = ["floor", "bound", "measured", ""] as const;

export const floorCells = ({ bench, text, bound, value, reached }: FloorReading): readonly string[] => [
  `${bench}: ${text}`,
  bound,
  value === undefined ? "not run" : formatFigure(value),
  value === undefined ? "" : reached ? "reached" : "missed",
];

export const renderFloors = (floors: readonly FloorReading[]): string =>
  align([FLOOR_TITLES, ...floors.map(floorCells)], 2);

/** Three significant digits, thousands apart. */
export const formatFigure = (value: number): string =>
  new Intl.NumberFormat("en", { maximumSignificantDigits: 3 }).format(value);

function align(table: readonly (readonly string[])[], numbers: number): string {
  const widths = (table[0] ?? []).map((_, column) => Math.max(...table.map((line) => line[column]?.length ?? 0)));
  return table
    .map((line) => line.map((cell, at) => (at === numbers ? cell.padStart(widths[at]!) : cell.padEnd(widths[at]!))))
    .map((line) => line.join("  ").trimEnd())
    .join("\n");
}

export interface Machine {
  readonly cpu: string | undefined;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly kernel: string;
  readonly node: string;
  /** Processes that wanted a core, the mean of a minute, when the bench began. Above 0 something else was busy. */
  readonly loadBefore: number | undefined;
}

export interface KeptResult {
  readonly name: string;
  readonly about: string | undefined;
  readonly measuredAt: string;
  /** How long the bench took, seconds. */
  readonly seconds: number;
  readonly machine: Machine;
  readonly rows: readonly Row[];
}

export const describeMachine = (): Machine => ({
  cpu: cpus()[0]?.model,
  cores: cpus().length,
  memoryBytes: totalmem(),
  kernel: release(),
  node: process.version,
  loadBefore: loadavg()[0],
});

/** Writes `<folder>/<name>.json`. */
export function keepResult(folder: string, result: KeptResult): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${result.name}.json`), `${JSON.stringify(result, null, 2)}\n`);
}

/** Undefined: the bench has not run. */
export function keptResult(folder: string, name: string): KeptResult | undefined {
  const file = join(folder, `${name}.json`);
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as KeptResult) : undefined;
}
