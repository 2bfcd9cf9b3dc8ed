/**
 * Repeats of events that a crash left in some of their topics only, as a broker without transactions allows: what is missing of
 * them is written. Where the first destination has the event, it was taken, and the answer stays its place; where it has
 * not, the event is as new, but for the topics that have it.
 *
 * Only what the restore found in the log is looked at: a process that lives knows what became of its appends. And only where it
 * is certain that an event is not there: what retention or compaction may have deleted is not written again.
 */
import type { DuplicateWindow, Repetition } from "./duplicate-window.ts";
import type { Gathering } from "./gathering.ts";
import type { Publication } from "./publication.ts";
import type { TakenPublish } from "./taken-publish.ts";
import { CLOCKS_DIFFER_MS, type Whereabouts } from "./whereabouts.ts";

export interface MendingParts {
  readonly window: DuplicateWindow;
  readonly whereabouts: Whereabouts;
  readonly gathering: Gathering;
}

/** The notes of one event in the gathering: from the first up to before the end. */
interface Notes {
  readonly ordinal: number;
  readonly first: number;
  readonly end: number;
}

/** Of events of the log that are to be written where they are missing: by their publish, by their ordinal there, that here. */
type Lent = Map<TakenPublish, Map<number, number>>;

export class Mending {
  readonly #parts: MendingParts;

  constructor(parts: MendingParts) {
    this.#parts = parts;
  }

  /** Leaves out of what was gathered what the log has. Those that the publication is to mend are its own until it is settled. */
  plan(publication: Publication, taken: TakenPublish): void {
    const { window, gathering } = this.#parts;
    const { repetitions } = publication;
    if (repetitions.size === 0) return;
    const lent: Lent = new Map();
    for (let first = 0; first < gathering.count; ) {
      const ordinal = gathering.ordinalAt(first);
      let end = first + 1;
      while (end < gathering.count && gathering.ordinalAt(end) === ordinal) end += 1;
      const repetition = repetitions.get(ordinal);
      if (repetition !== undefined) this.#planOne(publication, taken, repetition, { ordinal, first, end }, lent);
      first = end;
    }
    for (const [owner, ordinals] of lent) window.lend(owner, taken, ordinals);
  }

  /**
   * It is known what of the publication is in the log: of each write the events by their index, and whether the event of an ordinal
   * is at one of its places. What was lent and is no event of the publication's own is known as before, and where it was written.
   */
  settle(
    { repetitions }: Publication,
    taken: TakenPublish,
    isThere: (write: number, index: number) => boolean,
    isStored: (ordinal: number) => boolean,
  ): void {
    const { window, whereabouts } = this.#parts;
    const { copies, placements } = taken;
    const labels = new Map<number, number>();
    for (let at = 0; at < copies.length; at += 3) {
      const [ordinal, write, index] = [copies[at]!, copies[at + 1]!, copies[at + 2]!];
      const repetition = repetitions.get(ordinal);
      if (repetition === undefined || !isThere(write, index)) continue;
      const { publish, label } = repetition;
      labels.set(ordinal, whereabouts.join(labels.get(ordinal) ?? label, publish, placements[write]!.topic));
    }
    window.relabel(taken, labels);
    window.retain(taken, (ordinal) => !repetitions.has(ordinal) && isStored(ordinal));
  }

  #planOne(publication: Publication, taken: TakenPublish, repetition: Repetition, notes: Notes, lent: Lent): void {
    const { repetitions } = publication;
    const { publish: owner, label } = repetition;
    const { ordinal, first, end } = notes;
    const earlier = lent.get(owner)?.get(repetition.ordinal);
    if (earlier !== undefined && publication.mended?.has(earlier))
      repetitions.set(ordinal, { publish: taken, ordinal: earlier, label });
    const isWhole = earlier !== undefined || !this.#isOfARoute(repetition, notes);
    const isNew = !isWhole && this.#isMissing(repetition, first);
    let missing = 0;
    for (let note = first; note < end; note += 1) {
      if (!isWhole && this.#isToWrite(repetition, note, isNew)) missing += 1;
      else this.#parts.gathering.omit(note);
    }
    if (missing === 0) return;
    if (isNew) {
      repetitions.delete(ordinal);
      publication.mended ??= new Set();
      publication.mended.add(ordinal);
    }
    const ordinals = lent.get(owner) ?? new Map<number, number>();
    lent.set(owner, ordinals.set(repetition.ordinal, ordinal));
  }

  /**
   * Whether the event may be one that a crash left in part: the restore brought it, knows all of its topics, and each of them is
   * a destination. Where one is not, routes were others when the event was taken, and say nothing of where it should have gone.
   */
  #isOfARoute({ publish, label }: Repetition, { first, end }: Notes): boolean {
    const { window, whereabouts, gathering } = this.#parts;
    // What the window forgot may have been the same event in another topic.
    if (publish.began === undefined || publish.began <= window.forgotten + CLOCKS_DIFFER_MS) return false;
    let known = 0;
    for (let note = first; note < end; note += 1)
      if (gathering.isItselfAt(note) && whereabouts.has(label, publish, gathering.targetAt(note).topic)) known += 1;
    return known === whereabouts.count(label);
  }

  #isMissing({ publish, label }: Repetition, note: number): boolean {
    const { whereabouts, gathering } = this.#parts;
    const { topic, partition } = gathering.targetAt(note);
    return !whereabouts.has(label, publish, topic) && whereabouts.covers(publish.began!, topic, partition);
  }

  /** What a pipeline made beside an event comes with those that are new. */
  #isToWrite(repetition: Repetition, note: number, isNew: boolean): boolean {
    return this.#parts.gathering.isItselfAt(note) ? this.#isMissing(repetition, note) : isNew;
  }
}
