/**
 * The events of the publish at hand and where they go, noted first and written once all of them have been found good: a
 * refusal leaves nothing behind, and every batch is made in one go, in room that fits.
 */
import type { PartitionWrite } from "../brokers/contract.ts";
import { partitionOfBytes } from "../brokers/partition.ts";
import { type Envelope, EVENT_FIELD, eventTooLarge } from "../events/index.ts";
import type { TopicIntake, Way } from "./intake.ts";
import type { Publication } from "./publication.ts";
import type { TakenPublish } from "./taken-publish.ts";
import { type Target, Writes } from "./target.ts";

/** Numbers noted of an event on its way to one target: start, end, ordinal, and flags. */
const NOTE_WORDS = 4;
const HAS_INGESTED = 1;
/** The event's first destination, whose position is the answer. */
const IS_FIRST = 2;
const CLASS_IS_STATED = 4;
/** The event itself, at whichever destination: not what a pipeline made beside it, which has an id of its own. */
const IS_ITSELF = 8;
/** It is in the log there already. */
const IS_OMITTED = 16;

/** The most that the frame and `ingested` add to an event: tag, five bytes of length, tag, ten bytes of time. */
const FRAME_BYTES = 17;

export class Gathering {
  readonly #maxBatchBytes: number;
  #notes = new Int32Array(1024 * NOTE_WORDS);
  #count = 0;
  /** By note: the bytes that hold the event, its way, where it goes. */
  readonly #sources: Uint8Array[] = [];
  readonly #ways: Way[] = [];
  readonly #destinations: Target[] = [];
  readonly #active: Target[] = [];
  #scratch = Buffer.alloc(4096);

  /** `maxBatchBytes`: the largest batch of one write, as the broker states it. */
  constructor(maxBatchBytes: number) {
    this.#maxBatchBytes = maxBatchBytes;
  }

  /** Nothing is gathered any more. */
  clear(): void {
    for (const target of this.#active) target.reset();
    this.#active.length = 0;
    this.#count = 0;
  }

  /**
   * Notes the event that the envelope was read from. `isFirst`: of what the ordinal became it is the event itself, and the
   * position it gets at its first destination is the answer. Throws `event_too_large` at `events[ordinal]` when the broker takes no batch of its size.
   */
  add(envelope: Envelope, way: Way, classIsStated: boolean, ordinal: number, isFirst: boolean): void {
    const stamp = classIsStated ? way.stamp : way.stampWithClass;
    const size = envelope.end - envelope.start + stamp.length + FRAME_BYTES;
    if (size > this.#maxBatchBytes) throw eventTooLarge(ordinal, size, this.#maxBatchBytes);
    const { bytes } = envelope;
    const keyStart = envelope.startOf(EVENT_FIELD.key);
    const keyEnd = envelope.endOf(EVENT_FIELD.key);
    const hasKey = keyEnd > keyStart;
    const start = hasKey ? keyStart : envelope.startOf(EVENT_FIELD.id);
    const end = hasKey ? keyEnd : envelope.endOf(EVENT_FIELD.id);
    const { destinations } = way;
    for (let index = 0; index < destinations.length; index += 1) {
      const target = this.#targetOf(destinations[index]!, bytes, start, end);
      if (target.bytes === 0) this.#active.push(target);
      target.bytes += size;
      const itself = isFirst ? IS_ITSELF | (index === 0 ? IS_FIRST : 0) : 0;
      this.#note(envelope, way, target, ordinal, (classIsStated ? CLASS_IS_STATED : 0) | itself);
    }
  }

  /** What was gathered: each event once for each of its destinations, in order. */
  get count(): number {
    return this.#count;
  }

  /** What was noted after so many is not gathered. */
  backTo(count: number): void {
    this.#count = count;
  }

  /** Where what was gathered goes. */
  get targets(): readonly Target[] {
    return this.#active;
  }

  /** Where the event of this index goes. */
  targetAt(index: number): Target {
    return this.#destinations[index]!;
  }

  ordinalAt(index: number): number {
    return this.#notes[index * NOTE_WORDS + 2]!;
  }

  /** The bytes that hold the event: what was published, the same at every try, or what a pipeline has just made. */
  sourceAt(index: number): Uint8Array {
    return this.#sources[index]!;
  }

  startAt(index: number): number {
    return this.#notes[index * NOTE_WORDS]!;
  }

  endAt(index: number): number {
    return this.#notes[index * NOTE_WORDS + 1]!;
  }

  /** Whether it is the event itself, and not what a pipeline made beside it. */
  isItselfAt(index: number): boolean {
    return (this.#notes[index * NOTE_WORDS + 3]! & IS_ITSELF) !== 0;
  }

  /** It is not to be written there. */
  omit(index: number): void {
    this.#notes[index * NOTE_WORDS + 3]! |= IS_OMITTED;
  }

  isOmitted(index: number): boolean {
    return (this.#notes[index * NOTE_WORDS + 3]! & IS_OMITTED) !== 0;
  }

  /**
   * The writes of everything that was gathered and not omitted, in order and stamped with `nowNs`, Unix nanoseconds.
   * `taken` is told where each ordinal went, and the publication what was decided about it.
   */
  write(nowNs: bigint, publication: Publication, taken: TakenPublish): readonly PartitionWrite[] {
    const { batch, repetitions } = publication;
    const writes = new Writes(this.#maxBatchBytes);
    const places = new Uint32Array(2 * batch.count);
    const copies: number[] = [];
    for (let index = 0; index < this.#count; index += 1) {
      const ordinal = this.#notes[index * NOTE_WORDS + 2]!;
      const flags = this.#notes[index * NOTE_WORDS + 3]!;
      if ((flags & IS_OMITTED) !== 0) continue;
      const way = this.#ways[index]!;
      const target = this.#destinations[index]!;
      const place = this.#writeOne(index, way, writes, target, nowNs);
      if ((flags & IS_FIRST) === 0) {
        if ((flags & IS_ITSELF) !== 0) copies.push(ordinal, target.write, place);
        continue;
      }
      places[2 * ordinal] = target.write;
      places[2 * ordinal + 1] = place;
      publication.countDecision(way.decision);
    }
    // With one write and one event for each ordinal, the index in the write is the ordinal.
    const isPlain = repetitions.size === 0 && writes.placements.length === 1 && this.#count === batch.count;
    taken.placements = writes.placements;
    taken.copies = copies;
    taken.places = isPlain ? undefined : places;
    return writes.finish(this.#active);
  }

  #targetOf(intake: TopicIntake, bytes: Uint8Array, start: number, end: number): Target {
    const { targets } = intake;
    return targets[targets.length === 1 ? 0 : partitionOfBytes(bytes, start, end, targets.length)]!;
  }

  #note(envelope: Envelope, way: Way, target: Target, ordinal: number, flags: number): void {
    const index = this.#count;
    const word = index * NOTE_WORDS;
    if (word === this.#notes.length) {
      const larger = new Int32Array(this.#notes.length * 2);
      larger.set(this.#notes);
      this.#notes = larger;
    }
    this.#notes[word] = envelope.start;
    this.#notes[word + 1] = envelope.end;
    this.#notes[word + 2] = ordinal;
    this.#notes[word + 3] = flags | (envelope.hasIngested ? HAS_INGESTED : 0);
    this.#sources[index] = envelope.bytes;
    this.#ways[index] = way;
    this.#destinations[index] = target;
    this.#count = index + 1;
  }

  /** Answers the event's index in the target's present write. */
  #writeOne(index: number, way: Way, writes: Writes, target: Target, nowNs: bigint): number {
    const word = index * NOTE_WORDS;
    let bytes = this.#sources[index]!;
    let start = this.#notes[word]!;
    let end = this.#notes[word + 1]!;
    const flags = this.#notes[word + 3]!;
    const stamp = (flags & CLASS_IS_STATED) === 0 ? way.stampWithClass : way.stamp;
    const writer = writes.reserve(target, end - start + stamp.length + FRAME_BYTES);
    const place = writer.count;
    if (stamp.length > 0) {
      end = this.#stamped(bytes, start, end, stamp);
      bytes = this.#scratch;
      start = 0;
    }
    writer.append(bytes, start, end, nowNs, (flags & HAS_INGESTED) !== 0);
    return place;
  }

  /** Puts the message with its stamp behind it into the scratch buffer, and answers its length. */
  #stamped(bytes: Uint8Array, start: number, end: number, stamp: Uint8Array): number {
    const length = end - start;
    if (length + stamp.length > this.#scratch.length) this.#scratch = Buffer.alloc(2 * (length + stamp.length));
    const scratch = this.#scratch;
    Buffer.prototype.copy.call(bytes, scratch, 0, start, end);
    for (let at = 0; at < stamp.length; at += 1) scratch[length + at] = stamp[at]!;
    return length + stamp.length;
  }
}
