/** What was measured of one period, by what it was compared with. Plain data, so that it is saved as it is. */
import { fieldError } from "@distribution/core/errors";
import type { Timed } from "../rules/checks.ts";
import { addToHistory, at, type History, type HistoryBounds } from "./history.ts";

export interface Measure extends Timed {
  /** Empty: compared with nothing. */
  readonly benchmark: string;
}

export interface Measures<Item extends Measure> {
  /** Of the newest of all. */
  asOf: bigint;
  /** The one that was measured last is the last one. */
  readonly benchmarks: Map<string, History<Item>>;
  bytes: number;
}

/** Of one period; beyond, the one that was measured longest ago goes. */
export const MAX_BENCHMARKS = 16;

/** The same measures, changed. */
export function addMeasure<Item extends Measure>(
  measures: Measures<Item> | undefined,
  item: Item,
  bounds: HistoryBounds,
): Measures<Item> {
  const grown = measures ?? { asOf: item.asOf, benchmarks: new Map<string, History<Item>>(), bytes: 0 };
  const { benchmarks } = grown;
  const before = benchmarks.get(item.benchmark);
  grown.bytes -= before?.bytes ?? 0;
  const history = addToHistory(before, item, bounds);
  benchmarks.delete(item.benchmark);
  benchmarks.set(item.benchmark, history);
  grown.bytes += history.bytes;
  grown.asOf = item.asOf;
  if (benchmarks.size > MAX_BENCHMARKS) {
    const [oldest, { bytes }] = benchmarks.entries().next().value!;
    benchmarks.delete(oldest);
    grown.bytes -= bytes;
  }
  return grown;
}

/**
 * What was measured last, at or before the time where one is given: against the benchmark, or against whatever it was.
 * Throws `not_found` at `benchmark` or `as_of`.
 */
export function findMeasure<Item extends Measure>(
  { benchmarks }: Measures<Item>,
  { benchmark, asOf }: { readonly benchmark: string | undefined; readonly asOf: bigint | undefined },
  what: string,
): Item {
  const histories = [...benchmarks.values()];
  if (benchmark === undefined) return at(histories, asOf, what);
  const history = benchmarks.get(benchmark);
  if (history) return at([history], asOf, `${what} against ${benchmark}`);
  const names = [...benchmarks.keys()].filter((name) => name !== "");
  const there = names.length > 0 ? `there is ${names.join(", ")}` : "it is compared with nothing";
  throw fieldError("not_found", "benchmark", `${what} is not known against ${JSON.stringify(benchmark)}; ${there}`);
}
