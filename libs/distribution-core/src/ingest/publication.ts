/** One publish on its way through ingest: what was found out about its events, and what it answers. */
import type { Appended, PartitionWrite, Position } from "../brokers/contract.ts";
import type { PackedBatch } from "../events/index.ts";
import type { RouteDecision } from "../routing/contract.ts";
import type { PublishResult } from "./contract.ts";
import { positionOf, type Repetition } from "./duplicate-window.ts";
import type { TopicIntake } from "./intake.ts";
import type { TakenPublish } from "./taken-publish.ts";
import type { Hold, Judged } from "./transitions.ts";

/** Words per event with a sequence: ordinal, hash of (source, key), sequence high and low. */
export const SEQUENCE_WORDS = 5;

export class Publication {
  readonly intake: TopicIntake;
  readonly batch: PackedBatch;
  /** Who publishes: publishes of one subject keep their order. */
  readonly subject: string;
  /** Its events in the window. */
  taken: TakenPublish | undefined;
  /** What it has until its events are in the state of their keys: kept while it waits, and over another try. */
  hold: Hold | undefined;
  /** What rules read of it, while it waits to be judged. */
  judged: readonly Judged[] | undefined;
  writes: readonly PartitionWrite[] = [];
  appending: Promise<readonly Appended[]> | undefined;
  /** It was refused, and may be in the log all the same: what it holds stays held until that is known. */
  doubtful = false;
  /** Events known before, by ordinal. */
  repetitions = new Map<number, Repetition>();
  /** Of the new ones, those that the log has elsewhere than at their first destination, by ordinal. */
  mended: Set<number> | undefined;
  /** How many of the new events took each decision, in runs. */
  decisions: RouteDecision[] = [];
  decisionCounts: number[] = [];
  /** The events that carry a sequence; the new ones among them are checked once they are durable. */
  sequences: Uint32Array | undefined;
  sequenceCount = 0;

  constructor(intake: TopicIntake, batch: PackedBatch, subject: string) {
    this.intake = intake;
    this.batch = batch;
    this.subject = subject;
  }

  /** Back to where it began, for another try. */
  reset(): void {
    this.taken = undefined;
    this.writes = [];
    this.repetitions.clear();
    this.mended = undefined;
    this.decisions = [];
    this.decisionCounts = [];
    this.sequenceCount = 0;
  }

  /** Bytes of the events that are new. */
  get freshBytes(): number {
    const { bytes } = this.batch;
    let known = 0;
    for (const ordinal of this.repetitions.keys()) known += this.#bytesOf(ordinal);
    return bytes.length - known;
  }

  /** Bytes and number of those new events that are in the log. */
  storedOf(isStored: (ordinal: number) => boolean): { readonly events: number; readonly bytes: number } {
    let events = 0;
    let bytes = 0;
    for (let ordinal = 0; ordinal < this.batch.count; ordinal += 1) {
      if (this.repetitions.has(ordinal) || !isStored(ordinal)) continue;
      events += 1;
      bytes += this.#bytesOf(ordinal);
    }
    return { events, bytes };
  }

  #bytesOf(ordinal: number): number {
    const { bounds } = this.batch;
    return bounds[2 * ordinal + 1]! - bounds[2 * ordinal]!;
  }

  countDecision(decision: RouteDecision): void {
    const last = this.decisions.length - 1;
    if (this.decisions[last] === decision) this.decisionCounts[last]! += 1;
    else {
      this.decisions.push(decision);
      this.decisionCounts.push(1);
    }
  }

  /** The decisions of the new events, or of these, count: they are durable. */
  countDecisions(isStored?: (ordinal: number) => boolean): void {
    if (isStored === undefined) {
      for (const [run, decision] of this.decisions.entries()) decision.count(this.decisionCounts[run]!);
      return;
    }
    let run = 0;
    let left = this.decisionCounts[run]!;
    for (let ordinal = 0; ordinal < this.batch.count; ordinal += 1) {
      if (this.repetitions.has(ordinal)) continue;
      if (left === 0) {
        run += 1;
        left = this.decisionCounts[run]!;
      }
      left -= 1;
      if (isStored(ordinal)) this.decisions[run]!.count(1);
    }
  }

  addSequence(ordinal: number, a: number, b: number, hi: number, lo: number): void {
    this.sequences ??= new Uint32Array(this.batch.count * SEQUENCE_WORDS);
    const word = this.sequenceCount * SEQUENCE_WORDS;
    this.sequences[word] = ordinal;
    this.sequences[word + 1] = a;
    this.sequences[word + 2] = b;
    this.sequences[word + 3] = hi;
    this.sequences[word + 4] = lo;
    this.sequenceCount += 1;
  }
}

/** The answer to a durable publish. Positions are objects with text in them, so they are made when they are asked for. */
export class PublishOutcome implements PublishResult {
  readonly duplicates: number;
  readonly #count: number;
  readonly #taken: TakenPublish;
  readonly #repetitions: ReadonlyMap<number, Repetition>;
  #positions: readonly Position[] | undefined;

  constructor({ batch, repetitions }: Publication, taken: TakenPublish) {
    this.duplicates = repetitions.size;
    this.#count = batch.count;
    this.#taken = taken;
    this.#repetitions = repetitions;
  }

  get positions(): readonly Position[] {
    this.#positions ??= Array.from({ length: this.#count }, (_, ordinal) => {
      const repetition = this.#repetitions.get(ordinal);
      return repetition === undefined ? this.#taken.positionAt(ordinal) : positionOf(repetition);
    });
    return this.#positions;
  }
}
