/**
 * Notes from time to time how far a player is. The world is saved between two chunks of events, and written down once every
 * event before that is durable or refused: so what is noted was taken, and what was taken since comes again with the same ids.
 */
import type { Clock } from "@distribution/core/runtime";
import type { WorldDomain } from "../names.ts";
import type { Span } from "./lanes.ts";
import { writeProgress } from "./progress.ts";

export interface ProgressKeeperOptions {
  readonly file: string;
  readonly domain: WorldDomain;
  readonly acknowledged: number;
  /** The world as it is now. */
  readonly save: () => Uint8Array;
  readonly clock: Clock;
  readonly everyMs: number;
}

export interface ProgressKeeper {
  /** To which the events that are told now belong. */
  readonly span: Span;
  /** So many more events were told. */
  told(count: number): void;
  /** Call it between two chunks. */
  noteIfDue(): void;
  settled(span: Span): void;
  /** Notes where the player ends, if all that it told was taken. */
  finish(): Promise<void>;
  /** Events that are noted. */
  readonly noted: number;
  /** Why they could not be the last time. */
  readonly failure: string | undefined;
}

/** Saving takes at most this part of the time. */
const SAVING_PART = 50;

interface Note {
  readonly acknowledged: number;
  readonly notedNs: bigint;
  readonly state: Uint8Array;
  /** What was told before it and was not known to be taken when it was made. */
  readonly before: Span;
}

export function createProgressKeeper(options: ProgressKeeperOptions): ProgressKeeper {
  const { file, domain, save, clock, everyMs } = options;
  let told = options.acknowledged;
  let noted = options.acknowledged;
  let failure: string | undefined;
  let span: Span = { open: 0 };
  let note: Note | undefined;
  let writing: Promise<void> = Promise.resolve();
  let dueMs = clock.monotonicMs() + everyMs;

  const write = async ({ acknowledged, notedNs, state }: Note): Promise<void> => {
    try {
      await writeProgress(file, { domain, acknowledged, notedNs, state });
      noted = acknowledged;
      failure = undefined;
    } catch (thrown) {
      failure = thrown instanceof Error ? thrown.message : String(thrown);
    }
    note = undefined;
  };
  const make = (): void => {
    const begunMs = clock.monotonicMs();
    note = { acknowledged: told, notedNs: clock.wallNs(), state: save(), before: span };
    span = { open: 0 };
    const nowMs = clock.monotonicMs();
    dueMs = nowMs + Math.max(everyMs, (nowMs - begunMs) * SAVING_PART);
    if (note.before.open === 0) writing = write(note);
  };

  return {
    get span() {
      return span;
    },
    get noted() {
      return noted;
    },
    get failure() {
      return failure;
    },
    told(count) {
      told += count;
    },
    noteIfDue() {
      if (note === undefined && clock.monotonicMs() >= dueMs) make();
    },
    settled(settled) {
      if (note?.before === settled) writing = write(note);
    },
    async finish() {
      await writing;
      // Something before the last note was never taken, or something since.
      if (note !== undefined || span.open > 0) return;
      make();
      await writing;
    },
  };
}
