/** Follows a venue's dense sequence (one, two, three ...) and says of each number what it means. */

export type SequenceStep =
  | { readonly step: "next" }
  /** The numbers from `expected` up to before this one are missing so far. */
  | { readonly step: "gap"; readonly expected: bigint }
  /** One that was missing came late. */
  | { readonly step: "late"; readonly expected: bigint }
  /** Seen before, or missing for so long that it is not remembered. */
  | { readonly step: "repeat"; readonly expected: bigint };

export interface SequenceTracker {
  /** The first number ever seen is the next one. */
  see(sequence: bigint): SequenceStep;
}

/** Ranges of missing numbers that are remembered; beyond, the oldest is forgotten and what comes of it counts as repeated. */
export const MAX_MISSING_RANGES = 64;

interface Range {
  readonly from: bigint;
  /** Inclusive. */
  readonly to: bigint;
}

export function createSequenceTracker(maxRanges = MAX_MISSING_RANGES): SequenceTracker {
  let expected: bigint | undefined;
  let missing: readonly Range[] = [];

  return {
    see(sequence) {
      if (expected === undefined || sequence === expected) {
        expected = sequence + 1n;
        return { step: "next" };
      }
      if (sequence > expected) {
        const gap = { from: expected, to: sequence - 1n };
        missing = [...missing, gap].slice(-maxRanges);
        expected = sequence + 1n;
        return { step: "gap", expected: gap.from };
      }
      const rest = without(missing, sequence);
      if (rest === undefined) return { step: "repeat", expected };
      missing = rest.slice(-maxRanges);
      return { step: "late", expected };
    },
  };
}

/** The ranges without this number, or undefined when none holds it. */
function without(ranges: readonly Range[], sequence: bigint): readonly Range[] | undefined {
  const index = ranges.findIndex(({ from, to }) => from <= sequence && sequence <= to);
  const hit = ranges[index];
  if (hit === undefined) return undefined;
  const rest = [
    { from: hit.from, to: sequence - 1n },
    { from: sequence + 1n, to: hit.to },
  ].filter(({ from, to }) => from <= to);
  return [...ranges.slice(0, index), ...rest, ...ranges.slice(index + 1)];
}
