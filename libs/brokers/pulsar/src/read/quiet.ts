/**
 * A log at rest for longer than its retention is empty, and Pulsar does not tell what it had. A reader that was at its end
 * knows that it missed nothing all the same, if it has looked often enough: what was appended after the last look is too young to
 * have been deleted by age, and what is deleted by size leaves as much behind.
 */
import type { TopicConfig } from "@distribution/core/brokers";
import type { PartitionStats } from "../admin/stats.ts";
import { compareEntries, type EntryId } from "../offset.ts";

/** Clocks differ: of the retention's time only a part is relied on. */
const RELIED_ON = 0.5;
/** Looks in that part. */
const LOOKS = 2;
const LONGEST_BETWEEN_MS = 3_600_000;

export class Quiet {
  readonly #bytes: number | undefined;
  readonly #relyMs: number;
  /** Nothing after what the reader has was deleted by age until then, Unix ms. */
  #until = 0;

  constructor({ retention }: TopicConfig) {
    this.#bytes = retention.bytes;
    this.#relyMs = (retention.ms ?? 0) * RELIED_ON;
  }

  /** Between two looks; undefined: none are needed. */
  get lookEveryMs(): number | undefined {
    return this.#relyMs === 0 ? undefined : Math.max(1, Math.min(this.#relyMs / LOOKS, LONGEST_BETWEEN_MS));
  }

  /** What follows was appended then or later, Unix ms. */
  endedAt(ms: number): void {
    this.#until = Math.max(this.#until, ms + this.#relyMs);
  }

  /** A look: the log as it is now, of which the reader has everything up to the entry. */
  see({ last }: PartitionStats, reached: EntryId, nowMs: number): void {
    if (nowMs < this.#until && (last === undefined || compareEntries(last, reached) <= 0)) this.endedAt(nowMs);
  }

  /** Whether nothing can be missing between what the reader has and the log as it is now. */
  isWhole({ bytes }: PartitionStats, nowMs: number): boolean {
    return nowMs < this.#until && (this.#bytes === undefined || bytes < this.#bytes);
  }
}
