/** Checks the sequence ids that an application gives itself: to all messages or to none, and ascending. */
import { PulsarError } from "../errors.ts";

export interface SequenceCheck {
  /** Why this one cannot be sent; undefined: it can. */
  refusal(given: bigint | undefined): PulsarError | undefined;
}

export function createSequenceCheck(byKey: boolean): SequenceCheck {
  let explicit: boolean | undefined;
  let last = -1n;
  const refused = (why: string): PulsarError => new PulsarError("invalid_argument", `sequenceId ${why}.`);
  return {
    refusal(given) {
      explicit ??= given !== undefined;
      if (explicit !== (given !== undefined)) return refused("must be given to all messages of a producer, or to none");
      if (given === undefined) return undefined;
      if (byKey) return refused("cannot be given with batching by_key, which changes the order");
      if (given <= last || given >= 2n ** 63n)
        return refused(`must be above ${last}, the last one, and below 2^63, not ${given}`);
      last = given;
      return undefined;
    },
  };
}
