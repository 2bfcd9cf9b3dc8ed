/** What a bench says. */

/** One measured figure. */
export interface Row {
  /** What was done: "bursts of 10", "10,000 filters, 1 in 100 matching". */
  readonly case: string;
  /** Who did it: ours or a rival, by name and version. */
  readonly subject: string;
  /** What the figure counts, with its unit: "deliveries per server CPU-second". */
  readonly metric: string;
  /** The median of the rounds. */
  readonly value: number;
  /** The lowest and the highest round. */
  readonly low: number;
  readonly high: number;
  /** Each round's figure, in their order. */
  readonly rounds: readonly number[];
  readonly better: "higher" | "lower";
}

/** A bench is a module that exports one of these; main.ts lists them. */
export interface Bench {
  /** As given to `npm run bench -- <name>`. */
  readonly name: string;
  /** What holds for all its rows: sizes, numbers, settings. Printed above the table. */
  readonly about?: string;
  /** What the figures must reach; told by `--floors`, and no test hangs on it. */
  readonly floors?: readonly Floor[];
  run(): Promise<readonly Row[]>;
}

/** A least or a most for one figure of a bench, or for several set against each other. */
export interface Floor {
  readonly text: string;
  readonly atLeast?: number;
  readonly atMost?: number;
  of(rows: MeasuredRows): number;
}

type Described = Partial<Pick<Row, "case" | "subject" | "metric">>;

/** Both throw when a description fits no row, or several. */
export interface MeasuredRows {
  /** The row's median. */
  median(row: Described): number;
  /** How many times the other's figure the row's is: the median over rounds, since a round's figures are close in time. */
  times(row: Described, other: Described): number;
}
