/** Medians and spread of repeated rounds. */

import type { Row } from "./row.ts";
import { seeded } from "./seeded.ts";

/** The middle value, or the mean of the two in the middle. Throws when there is none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle];
  const lower = sorted[sorted.length % 2 === 0 ? middle - 1 : middle];
  if (upper === undefined || lower === undefined) throw new Error("a median of nothing");
  return (lower + upper) / 2;
}

/** Of sorted values: the one that a share of `q` of them does not exceed. Throws when there is none. */
export function quantile(sorted: readonly number[], q: number): number {
  const value = sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)];
  if (value === undefined) throw new Error("a quantile of nothing");
  return value;
}

/** One row from the rounds of one measurement. */
export function rowOf(what: Pick<Row, "case" | "subject" | "metric" | "better">, rounds: readonly number[]): Row {
  return { ...what, value: median(rounds), low: Math.min(...rounds), high: Math.max(...rounds), rounds };
}

/**
 * Measures every subject once a round, so that a slow moment of the machine hits all alike, in an order of the round's own: who
 * always came after the same one would have what that leaves behind. Returns the figures of each subject in order of the rounds.
 */
export async function interleaved<Subject>(
  rounds: number,
  subjects: readonly Subject[],
  measure: (subject: Subject) => Promise<number>,
): Promise<ReadonlyMap<Subject, readonly number[]>> {
  const figures = new Map<Subject, number[]>(subjects.map((subject) => [subject, []]));
  const random = seeded(1);
  for (let round = 0; round < rounds; round += 1) {
    const order = subjects.map((subject) => ({ subject, at: random() })).sort((a, b) => a.at - b.at);
    for (const { subject } of order) figures.get(subject)!.push(await measure(subject));
  }
  return figures;
}
