/** The verdict on a history, for people and for assertions. */

export type FaultKind = "lost" | "duplicated" | "reordered" | "phantom" | "torn";

export interface Fault {
  readonly count: number;
  /** The first ones, each a sentence that names the event, its key and who saw it. */
  readonly examples: readonly string[];
}

export interface HistoryReport extends Readonly<Record<FaultKind, Fault>> {
  readonly published: number;
  readonly acknowledged: number;
  readonly refused: number;
  /** Published without an answer: they may have been taken or not. */
  readonly unknown: number;
  /** First sightings, over all observers. */
  readonly seen: number;
  /** Repeated sightings by observers that are allowed them. */
  readonly redelivered: number;
  readonly faultless: boolean;
}

export const FAULT_KINDS: readonly FaultKind[] = ["lost", "duplicated", "reordered", "phantom", "torn"];

const MAX_EXAMPLES = 5;

/** Counts faults and keeps the first of each kind. */
export class FaultCounter {
  readonly #counts = new Map<FaultKind, { count: number; examples: string[] }>(
    FAULT_KINDS.map((kind) => [kind, { count: 0, examples: [] }]),
  );

  add(kind: FaultKind, example: string): void {
    const fault = this.#counts.get(kind)!;
    fault.count += 1;
    if (fault.examples.length < MAX_EXAMPLES) fault.examples.push(example);
  }

  get total(): number {
    let total = 0;
    for (const { count } of this.#counts.values()) total += count;
    return total;
  }

  get(kind: FaultKind): Fault {
    return this.#counts.get(kind)!;
  }
}

/** Throws an Error that lists every kind of fault with its first examples. */
export function assertFaultless(report: HistoryReport): void {
  if (report.faultless) return;
  const lines = FAULT_KINDS.filter((kind) => report[kind].count > 0).map(
    (kind) => `${report[kind].count} ${kind}:\n  ${report[kind].examples.join("\n  ")}`,
  );
  throw new Error(`The history has faults.\n${lines.join("\n")}`);
}
