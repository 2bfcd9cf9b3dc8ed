/** The matching bench as rows: how many events a second of CPU time are matched against many filters at a time. */
import type { Bench, Row } from "./harness/row.ts";
import { rowOf } from "./harness/statistics.ts";
import { benchMatch, type MatchBenchRow } from "./match.ts";

const INDEX = "ours, the index";
const LOOP = "a loop of predicates";

export const benchMatching: Bench = {
  name: "match",
  about: "JSON events against many filters, one core; mixes of filters as match-data.ts describes them",
  floors: [
    {
      text: "the index against the loop of predicates, 10,000 keyed filters, JSON in",
      atLeast: 500,
      of: ({ times }) =>
        times({ case: "10,000 filters, keyed", subject: INDEX }, { case: "10,000 filters, keyed", subject: LOOP }),
    },
    {
      text: "times slower at 100,000 keyed filters than at 1,000",
      atMost: 3,
      of: ({ times }) =>
        times({ case: "1,000 filters, keyed", subject: INDEX }, { case: "100,000 filters, keyed", subject: INDEX }),
    },
  ],
  run: () => Promise.resolve(benchMatch().flatMap(rowsOf)),
};

/** So few filters are added in less time than the clock shows. */
const TOO_FEW_TO_TIME = 10;

function rowsOf(measured: MatchBenchRow): readonly Row[] {
  const { mix, filters, index, predicates, programs, addMicros } = measured;
  const name = `${filters.toLocaleString("en")} filters, ${mix}`;
  const rate = (subject: string, value: number | undefined): readonly Row[] =>
    value === undefined
      ? []
      : [rowOf({ case: name, subject, metric: "events per CPU-second", better: "higher" }, [value])];
  return [
    ...rate(INDEX, index),
    ...rate(LOOP, predicates),
    ...rate("a loop of CEL programs", programs),
    ...(filters > TOO_FEW_TO_TIME
      ? [
          rowOf({ case: name, subject: "ours, adding one filter", metric: "microseconds", better: "lower" }, [
            addMicros,
          ]),
        ]
      : []),
  ];
}
