/** Sequences of durable events against what came before: counted in full, reported within a bound. */
import { createEnvelope, EVENT_FIELD } from "../events/index.ts";
import type { Logger } from "../observability/index.ts";
import type { SequenceStep } from "./contract.ts";
import { type Publication, SEQUENCE_WORDS } from "./publication.ts";
import { type SequenceTracker, STEP } from "./sequence-tracker.ts";

/** Steps reported of one publish; a source that counts backwards is not to make more events than it sends. */
export const MAX_REPORTS = 16;

export interface SequenceCheckOptions {
  readonly tracker: SequenceTracker;
  readonly onSequence: ((step: SequenceStep) => void) | undefined;
  readonly logger: Logger | undefined;
}

export class SequenceCheck {
  readonly #options: SequenceCheckOptions;
  readonly #envelope = createEnvelope();

  constructor(options: SequenceCheckOptions) {
    this.#options = options;
  }

  /** Call once the publication is durable, or of its new events these, in the order of the log. */
  check(
    { intake, batch, sequences, sequenceCount, repetitions, mended }: Publication,
    isStored?: (ordinal: number) => boolean,
  ): void {
    if (sequences === undefined) return;
    const { tracker } = this.#options;
    let reports = 0;
    for (let index = 0; index < sequenceCount; index += 1) {
      const word = index * SEQUENCE_WORDS;
      const ordinal = sequences[word]!;
      if (repetitions.size > 0 && repetitions.has(ordinal)) continue;
      // It was counted when it was found in the log.
      if (mended?.has(ordinal)) continue;
      if (isStored !== undefined && !isStored(ordinal)) continue;
      const hi = sequences[word + 3]!;
      const lo = sequences[word + 4]!;
      const step = tracker.check(sequences[word + 1]!, sequences[word + 2]!, hi, lo);
      if (step !== STEP.gap && step !== STEP.back) continue;
      const counter = step === STEP.gap ? intake.counters.gaps : intake.counters.outOfOrder;
      counter.value += 1;
      reports += 1;
      if (reports > MAX_REPORTS) continue;
      this.#envelope.read(batch.bytes, batch.bounds[2 * ordinal]!, batch.bounds[2 * ordinal + 1]!);
      this.#report({
        kind: step === STEP.gap ? "gap" : "out-of-order",
        topic: intake.topic.name,
        source: this.#envelope.text(EVENT_FIELD.source),
        key: this.#envelope.text(EVENT_FIELD.key),
        expected: unsigned(tracker.expectedHi, tracker.expectedLo),
        got: unsigned(hi, lo),
      });
    }
  }

  /** The events are durable: whoever listens cannot make their publish fail any more. */
  #report(step: SequenceStep): void {
    const { onSequence, logger } = this.#options;
    try {
      onSequence?.(step);
    } catch (failure) {
      logger?.error({ err: failure, topic: step.topic }, "The listener for sequence steps failed.");
    }
  }
}

function unsigned(hi: number, lo: number): bigint {
  return (BigInt(hi) << 32n) | BigInt(lo);
}
