/**
 * What has to be found out about the events of a publish before anything is written: read, checked, given their way and
 * told from known ones. One examiner serves all publishes, one after the other, and reuses what it works with.
 */
import { DistributionError } from "../errors.ts";
import { createEnvelope, type Envelope, EVENT_FIELD, validateEnvelope } from "../events/index.ts";
import type { Blocker } from "./claims.ts";
import { CLAIM, type DuplicateWindow } from "./duplicate-window.ts";
import { type EventIdentity, PRINT_WORDS } from "./event-identity.ts";
import type { Gathering } from "./gathering.ts";
import { assertClass, type Intakes, type TypeIntake, type Way } from "./intake.ts";
import type { Mending } from "./mending.ts";
import type { Publication } from "./publication.ts";
import { conflict, type Refinery } from "./refinery.ts";
import type { TakenPublish } from "./taken-publish.ts";
import type { Transitions } from "./transitions.ts";

/** What one is told to wait whose events were refused before and may be in the log. */
const RETRY_AFTER_MS = 1_000;

const doubtful = (): DistributionError => {
  const what = "Events of this batch were sent before, and it is not known yet whether they came into the log.";
  const message = `${what} Send the batch again: then they are answered for, or taken.`;
  return new DistributionError("unavailable", message, { retryAfterMs: RETRY_AFTER_MS });
};

export interface ExaminerParts {
  readonly intakes: Intakes;
  readonly window: DuplicateWindow;
  readonly identity: EventIdentity;
  readonly gathering: Gathering;
  readonly refinery: Refinery;
  readonly mending: Mending;
  readonly transitions: Transitions;
}

export class Examiner {
  readonly #parts: ExaminerParts;
  readonly #envelope = createEnvelope();
  #prints = new Uint32Array(1024 * PRINT_WORDS);
  /** The type of the event before, and where its text lies: events of one type come in runs. */
  #type: TypeIntake | undefined;
  #typeBytes: Uint8Array = new Uint8Array(0);
  #typeStart = 0;
  #typeEnd = 0;

  constructor(parts: ExaminerParts) {
    this.#parts = parts;
  }

  /**
   * Gathers the events of the publication and claims the new ones; the others are its repetitions. When one of them, or its
   * key's state, hangs on another publish under way, that is the answer, and nothing is claimed: try again when it has
   * settled. Throws what refuses the publication (`invalid_event`, `event_conflict`, `event_too_large`,
   * `illegal_transition`), likewise with nothing claimed.
   */
  examine(publication: Publication): Blocker | undefined {
    const { window, gathering } = this.#parts;
    const taken = window.begin();
    publication.taken = taken;
    gathering.clear();
    this.#type = undefined;
    let blocker: Blocker | undefined;
    try {
      blocker = this.#examineEvents(publication, taken);
      if (blocker === undefined) return undefined;
    } catch (failure) {
      this.#release(publication, taken);
      throw failure;
    }
    this.#release(publication, taken);
    return blocker;
  }

  #release(publication: Publication, taken: TakenPublish): void {
    this.#parts.gathering.clear();
    this.#parts.window.release(taken);
    publication.reset();
  }

  #examineEvents(publication: Publication, taken: TakenPublish): Blocker | undefined {
    const pipeline = this.#parts.refinery.of(publication.intake.topic.name);
    this.#readEvents(publication, pipeline !== undefined);
    const blocker = this.#claimEvents(publication, taken);
    if (blocker !== undefined) return blocker;
    if (pipeline !== undefined) this.#refineEvents(publication);
    this.#parts.mending.plan(publication, taken);
    return this.#parts.transitions.judge(publication, this.#parts.gathering);
  }

  /** Checks every event and notes its print, its sequence, and unless a pipeline comes in between, its way. */
  #readEvents(publication: Publication, isRefined: boolean): void {
    const { identity, gathering } = this.#parts;
    const { bytes, bounds, count } = publication.batch;
    if (this.#prints.length < count * PRINT_WORDS) this.#prints = new Uint32Array(2 * count * PRINT_WORDS);
    const envelope = this.#envelope;
    for (let ordinal = 0; ordinal < count; ordinal += 1) {
      envelope.read(bytes, bounds[2 * ordinal]!, bounds[2 * ordinal + 1]!, ordinal);
      validateEnvelope(envelope, ordinal);
      let eventClass = envelope.class;
      if (!isRefined) {
        const type = this.#typeOf(publication, envelope, ordinal);
        gathering.add(envelope, this.#check(publication, type, envelope, ordinal), eventClass !== 0, ordinal, true);
        if (eventClass === 0) eventClass = type.eventClass;
      }
      identity.print(envelope, eventClass, this.#prints, ordinal * PRINT_WORDS);
      if (identity.sequenceLo !== 0 || identity.sequenceHi !== 0) this.#noteSequence(publication, envelope, ordinal);
    }
  }

  #claimEvents(publication: Publication, taken: TakenPublish): TakenPublish | undefined {
    const { window } = this.#parts;
    const prints = this.#prints;
    const { count } = publication.batch;
    window.prepare(prints, PRINT_WORDS, count);
    for (let ordinal = 0; ordinal < count; ordinal += 1) {
      const claim = window.claim(taken, prints, ordinal * PRINT_WORDS, ordinal);
      if (claim === CLAIM.fresh) continue;
      if (claim === CLAIM.pending) {
        if (window.found!.doubtful) throw doubtful();
        return window.found;
      }
      if (claim === CLAIM.conflict) throw this.#conflict(publication, taken, ordinal);
      const { found, foundOrdinal, foundLabel } = window;
      publication.repetitions.set(ordinal, { publish: found!, ordinal: foundOrdinal, label: foundLabel });
    }
    return undefined;
  }

  #conflict({ batch }: Publication, taken: TakenPublish, ordinal: number): Error {
    const { window } = this.#parts;
    this.#envelope.read(batch.bytes, batch.bounds[2 * ordinal]!, batch.bounds[2 * ordinal + 1]!);
    return conflict(this.#envelope, ordinal, window.found === taken ? window.foundOrdinal : undefined);
  }

  /** Type, class and payload are the topic's, and those of the topics it is routed to. */
  #check(publication: Publication, type: TypeIntake, envelope: Envelope, ordinal: number): Way {
    const { intakes } = this.#parts;
    if (envelope.class !== type.eventClass) assertClass(type, envelope.class, ordinal);
    const { intake } = publication;
    const way = type.fixedWay ?? intakes.way(intake, type, envelope.bytes, envelope.start, envelope.end, ordinal);
    const { checks } = way;
    for (let index = 0; index < checks.length; index += 1) checks[index]!(envelope, ordinal);
    return way;
  }

  /**
   * Events go through the topic's pipeline, unless it is known that all of them is in the log; what comes out is checked as if it
   * had been published.
   */
  #refineEvents(publication: Publication): void {
    const { gathering } = this.#parts;
    const { batch, repetitions } = publication;
    for (let ordinal = 0; ordinal < batch.count; ordinal += 1) {
      const repetition = repetitions.get(ordinal);
      if (repetition !== undefined && repetition.publish.began === undefined) continue;
      const { count } = gathering;
      try {
        this.#refineOne(publication, ordinal);
      } catch (failure) {
        if (repetition === undefined) throw failure;
        // It was taken when the pipeline was another one, and stays as it is.
        gathering.backTo(count);
      }
    }
  }

  #refineOne(publication: Publication, ordinal: number): void {
    const { batch, intake } = publication;
    const envelope = this.#envelope;
    envelope.read(batch.bytes, batch.bounds[2 * ordinal]!, batch.bounds[2 * ordinal + 1]!);
    const refined = this.#parts.refinery.refine(intake.topic.name, envelope, ordinal);
    for (const [index, message] of refined.entries()) {
      envelope.read(message, 0, message.length, ordinal);
      validateEnvelope(envelope, ordinal);
      const type = this.#typeOf(publication, envelope, ordinal);
      const way = this.#check(publication, type, envelope, ordinal);
      this.#parts.gathering.add(envelope, way, envelope.class !== 0, ordinal, index === 0);
    }
  }

  #noteSequence(publication: Publication, envelope: Envelope, ordinal: number): void {
    const { identity } = this.#parts;
    identity.takeKey(envelope);
    publication.addSequence(ordinal, identity.hash.a, identity.hash.b, identity.sequenceHi, identity.sequenceLo);
  }

  #typeOf(publication: Publication, envelope: Envelope, ordinal: number): TypeIntake {
    const start = envelope.startOf(EVENT_FIELD.type);
    const end = envelope.endOf(EVENT_FIELD.type);
    if (this.#type !== undefined && this.#isSameType(envelope.bytes, start, end)) return this.#type;
    const type = this.#parts.intakes.type(publication.intake, envelope.text(EVENT_FIELD.type), ordinal);
    this.#type = type;
    this.#typeBytes = envelope.bytes;
    this.#typeStart = start;
    this.#typeEnd = end;
    return type;
  }

  #isSameType(bytes: Uint8Array, start: number, end: number): boolean {
    const known = this.#typeBytes;
    const offset = this.#typeStart - start;
    if (this.#typeEnd - offset !== end) return false;
    // Backwards: types of one service differ at the end.
    for (let at = end - 1; at >= start; at -= 1) if (bytes[at] !== known[at + offset]) return false;
    return true;
  }
}
