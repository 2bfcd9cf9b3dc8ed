/** Holds the figures against their floors. */
import type { Bench, Floor, MeasuredRows, Row } from "./row.ts";
import { median } from "./statistics.ts";

export interface FloorReading {
  readonly bench: string;
  readonly text: string;
  /** "≥ 1.6". */
  readonly bound: string;
  /** Undefined: not measured yet. */
  readonly value: number | undefined;
  readonly reached: boolean;
}

/** `rowsOf` gives a bench's kept rows; undefined when it has not run. */
export function readFloors(
  benches: readonly Bench[],
  rowsOf: (bench: string) => readonly Row[] | undefined,
): readonly FloorReading[] {
  return benches.flatMap(({ name, floors = [] }) => {
    const rows = rowsOf(name);
    return floors.map((floor) => readFloor(name, floor, rows));
  });
}

function readFloor(bench: string, floor: Floor, rows: readonly Row[] | undefined): FloorReading {
  const { text, atLeast, atMost } = floor;
  const bound = atLeast === undefined ? `≤ ${format(atMost!)}` : `≥ ${format(atLeast)}`;
  if (rows === undefined) return { bench, text, bound, value: undefined, reached: false };
  const value = floor.of(measured(rows));
  const reached = value >= (atLeast ?? Number.NEGATIVE_INFINITY) && value <= (atMost ?? Number.POSITIVE_INFINITY);
  return { bench, text, bound, value, reached };
}

const measured = (rows: readonly Row[]): MeasuredRows => ({
  median: (wanted) => find(rows, wanted).value,
  times: (wanted, other) => {
    const [figures, others] = [find(rows, wanted).rounds, find(rows, other).rounds];
    if (figures.length !== others.length) throw new Error(`${JSON.stringify([wanted, other])}: not of the same rounds`);
    return median(figures.map((figure, round) => figure / others[round]!));
  },
});

function find(rows: readonly Row[], wanted: Partial<Row>): Row {
  const keys = Object.keys(wanted) as (keyof Row)[];
  const found = rows.filter((row) => keys.every((key) => row[key] === wanted[key]));
  if (found.length === 1) return found[0]!;
  throw new Error(`${found.length} rows are ${JSON.stringify(wanted)}, not one`);
}

const format = (value: number): string => value.toLocaleString("en");
