/**
 * The deduplication window found again in the log, which is its record.
 *
 * Nobody can ask a log for its newest million events, only for what came after some time. So it is read from a short
 * time ago to its head, partitions merged by time, into the window, which keeps the newest; and again from eight times as
 * long ago, until the window is full, the age is reached, or a round would read more than it may.
 */
import type { Broker, Offset, PartitionInfo, PartitionReader, StoredBatch } from "../brokers/contract.ts";
import { DistributionError } from "../errors.ts";
import { createEnvelope } from "../events/index.ts";
import type { Logger } from "../observability/index.ts";
import type { Clock } from "../runtime/index.ts";
import type { TopicDefinition } from "../topics.ts";
import type { IngestBounds } from "./bounds.ts";
import type { Restored } from "./contract.ts";
import { CLAIM, type DuplicateWindow } from "./duplicate-window.ts";
import { type EventIdentity, PRINT_WORDS } from "./event-identity.ts";
import { offsetsOf } from "./offsets.ts";
import type { SequenceTracker } from "./sequence-tracker.ts";
import type { TakenPublish } from "./taken-publish.ts";
import type { Whereabouts } from "./whereabouts.ts";

/** The first round goes this far back, milliseconds, and each further one this many times as far. */
const FIRST_SPAN_MS = 4000;
const SPAN_FACTOR = 8;
/** Bytes asked of a partition at a time. */
const READ_BYTES = 256 * 1024;

export interface RestoreOptions {
  readonly broker: Broker;
  readonly topics: readonly TopicDefinition[];
  readonly clock: Clock;
  readonly bounds: Pick<IngestBounds, "windowEvents" | "inFlightEvents" | "windowMs" | "restoreBytes">;
  readonly window: DuplicateWindow;
  /** Told of what a crash may have left in some of its topics only. */
  readonly whereabouts: Whereabouts;
  readonly identity: EventIdentity;
  readonly tracker: SequenceTracker;
  readonly logger: Logger | undefined;
  /** Whether stored events have the bodies that were published, so that repeats can be told from conflicts. */
  readonly bodiesAreKnown: boolean;
}

/** Rejects with what the broker rejects with, except for damaged records, behind which a partition is not read. */
export async function restoreWindow(options: RestoreOptions): Promise<Restored> {
  const { window, bounds } = options;
  let bytes = 0;
  const damaged = new Set<string>();
  const runRound = async (spanMs: number): Promise<boolean> => {
    const round = new Round(options, spanMs, damaged);
    const isComplete = await round.run();
    bytes += round.bytes;
    return isComplete;
  };
  let spanMs = Math.min(FIRST_SPAN_MS, bounds.windowMs);
  while (await runRound(spanMs)) {
    if (window.events >= bounds.windowEvents || spanMs === bounds.windowMs) return { events: window.events, bytes };
    spanMs = Math.min(spanMs * SPAN_FACTOR, bounds.windowMs);
  }
  // That was too far back: what came nearer, and may be read, is the newest.
  do spanMs /= SPAN_FACTOR;
  while (spanMs >= 1 && !(await runRound(spanMs)));
  if (spanMs < 1) window.clear();
  return { events: window.events, bytes };
}

/** One partition within a round. */
interface Cursor {
  readonly reader: PartitionReader;
  readonly topic: TopicDefinition;
  readonly place: { readonly topic: string; readonly partition: number };
  /** What came before its first batch may have been deleted. */
  readonly isCut: boolean;
  /** The head as it was when the round began. */
  readonly end: Offset;
  batches: readonly StoredBatch[];
  next: number;
}

class Round {
  bytes = 0;
  readonly #options: RestoreOptions;
  readonly #spanMs: number;
  /** Partitions whose damage was told, over all rounds. */
  readonly #damaged: Set<string>;
  readonly #envelope = createEnvelope();
  readonly #print = new Uint32Array(PRINT_WORDS);
  /** Of the batch at hand, when the first event was taken in; what does not say it was so long ago. Unix nanoseconds. */
  #earliestNs = 0n;
  /** Of the batch at hand, what was met before in a topic that comes after this one: by its publish, its ordinals there and here. */
  readonly #preceding = new Map<TakenPublish, Map<number, number>>();
  /** When the round began: Unix nanoseconds, and monotonic milliseconds. */
  readonly #wallNs: bigint;
  readonly #monotonicMs: number;

  constructor(options: RestoreOptions, spanMs: number, damaged: Set<string>) {
    this.#options = options;
    this.#spanMs = spanMs;
    this.#damaged = damaged;
    this.#wallNs = options.clock.wallNs();
    this.#monotonicMs = options.clock.monotonicMs();
  }

  /** False when it was given up because it would have read more than `restoreBytes`. */
  async run(): Promise<boolean> {
    const { window, whereabouts, bounds } = this.#options;
    window.clear();
    whereabouts.clear();
    const opened = await this.#open();
    const cursors = new Set(opened);
    try {
      for (const cursor of opened) {
        if (!(await this.#refill(cursor))) cursors.delete(cursor);
        else if (cursor.isCut)
          whereabouts.cover(cursor.topic, cursor.place.partition, this.#monotonicOf(cursor.batches[0]!.appendedAt));
      }
      while (cursors.size > 0) {
        const cursor = oldestOf(cursors);
        const stored = cursor.batches[cursor.next]!;
        cursor.next += 1;
        this.bytes += stored.batch.bytes.length;
        if (this.bytes > bounds.restoreBytes) return false;
        this.#know(stored, cursor.place);
        if (this.#isAtEnd(cursor, stored) || !(await this.#refill(cursor))) cursors.delete(cursor);
      }
      return true;
    } finally {
      await Promise.all(opened.map((cursor) => cursor.reader.close()));
    }
  }

  /** Readers of all partitions that have events within the span. In the topics' order, which decides between equal times. */
  async #open(): Promise<readonly Cursor[]> {
    const { broker, topics } = this.#options;
    const lists = await Promise.all(
      topics.map(async (topic) => (await broker.admin.partitions(topic.name)).map((info) => ({ topic, info }))),
    );
    const opened = await Promise.all(lists.flat().map(({ topic, info }) => this.#openOne(topic, info)));
    return opened.filter((cursor) => cursor !== undefined);
  }

  async #openOne(topic: TopicDefinition, info: PartitionInfo): Promise<Cursor | undefined> {
    const { broker, whereabouts } = this.#options;
    const { partition, start, end, whole = false } = info;
    const since = this.#monotonicMs - this.#spanMs;
    if (start === end) {
      if (whole) whereabouts.cover(topic, partition, since);
      return undefined;
    }
    const place = { topic: topic.name, partition };
    let reader: PartitionReader;
    try {
      reader = await broker.read(topic.name, partition, {
        time: this.#wallNs - BigInt(Math.round(this.#spanMs * 1e6)),
      });
    } catch (failure) {
      this.#tellDamage(place, failure);
      return undefined;
    }
    // What is kept from before the span was not deleted, so nothing behind it was.
    const isCut = !whole && broker.compareOffsets(reader.start.offset, start) <= 0;
    if (!isCut) whereabouts.cover(topic, partition, since);
    const cursor = { reader, topic, place, isCut, end, batches: [], next: 0 };
    if (broker.compareOffsets(reader.start.offset, end) < 0) return cursor;
    await reader.close();
    return undefined;
  }

  /** Whether the cursor has a batch to give. */
  async #refill(cursor: Cursor): Promise<boolean> {
    if (cursor.next < cursor.batches.length) return true;
    try {
      cursor.batches = await cursor.reader.next(READ_BYTES);
    } catch (failure) {
      this.#tellDamage(cursor.place, failure);
      return false;
    }
    cursor.next = 0;
    return cursor.batches.length > 0;
  }

  /** Throws any other failure. */
  #tellDamage(place: Cursor["place"], failure: unknown): void {
    if (!(failure instanceof DistributionError) || failure.code !== "record_damaged") throw failure;
    this.#options.whereabouts.uncover(place.topic, place.partition);
    const name = `${place.topic}/${place.partition}`;
    if (this.#damaged.has(name)) return;
    this.#damaged.add(name);
    const message = "A damaged record ends what ingest can know again of this partition; repeats from behind it pass.";
    this.#options.logger?.error({ err: failure, ...place }, message);
  }

  #isAtEnd(cursor: Cursor, stored: StoredBatch): boolean {
    const last = stored.offsetAt(stored.batch.count - 1);
    return this.#options.broker.compareOffsets(last, cursor.end) >= 0;
  }

  /** In parts of at most as many events as may be pending: the log may have joined what was published. */
  #know(stored: StoredBatch, place: Cursor["place"]): void {
    const { window, clock, bounds, broker } = this.#options;
    const { bytes, bounds: spans, count } = stored.batch;
    const ageMs = Math.max(0, Number(clock.wallNs() - stored.appendedAt) / 1e6);
    const most = Math.min(bounds.inFlightEvents, bounds.windowEvents);
    for (let first = 0; first < count; first += most) {
      const part = Math.min(most, count - first);
      const taken = window.begin();
      taken.placements = [{ ...place, count: part, appended: offsetsOf(stored, first, part) }];
      this.#earliestNs = stored.appendedAt;
      this.#preceding.clear();
      for (let ordinal = 0; ordinal < part; ordinal += 1) {
        const span = 2 * (first + ordinal);
        this.#claim(taken, bytes, spans[span]!, spans[span + 1]!, ordinal);
      }
      // Nobody writes a part of an append where all of it is written or nothing.
      if (!broker.capabilities.transactions) taken.began = this.#monotonicOf(this.#earliestNs);
      for (const [owner, ordinals] of this.#preceding) window.take(owner, taken, ordinals);
      window.commit(taken, clock.monotonicMs() - ageMs);
    }
  }

  /**
   * Of an event that lies in several topics, the place in the one that the service defines first is known, and in which others it
   * was met; of one that lies several times in one, the first.
   */
  #claim(taken: TakenPublish, bytes: Uint8Array, start: number, end: number, ordinal: number): void {
    const { window, identity, tracker, bodiesAreKnown } = this.#options;
    const envelope = this.#envelope;
    try {
      envelope.read(bytes, start, end);
    } catch {
      // Not an event of ours: the broker keeps what it was given, by whomever.
      return;
    }
    identity.print(envelope, envelope.class, this.#print, 0, bodiesAreKnown);
    if (envelope.ingested < this.#earliestNs) this.#earliestNs = envelope.ingested;
    if (window.claim(taken, this.#print, 0, ordinal) === CLAIM.repeated) this.#meetAgain(taken, ordinal);
    const { hash, sequenceHi, sequenceLo } = identity;
    if (sequenceHi === 0 && sequenceLo === 0) return;
    identity.takeKey(envelope);
    tracker.check(hash.a, hash.b, sequenceHi, sequenceLo);
  }

  /** The event that the last claim came upon lies here too. */
  #meetAgain(taken: TakenPublish, ordinal: number): void {
    const { window, whereabouts, topics } = this.#options;
    const owner = window.found!;
    const [home, here] = [owner.placements[0]!.topic, taken.placements[0]!.topic];
    if (home === here) return;
    window.label(whereabouts.join(window.foundLabel, owner, here));
    if (topics.find(({ name }) => name === home || name === here)!.name === home) return;
    const ordinals = this.#preceding.get(owner) ?? new Map<number, number>();
    if (!ordinals.has(window.foundOrdinal)) ordinals.set(window.foundOrdinal, ordinal);
    this.#preceding.set(owner, ordinals);
  }

  /** Of Unix nanoseconds. */
  #monotonicOf(ns: bigint): number {
    return this.#monotonicMs - Number(this.#wallNs - ns) / 1e6;
  }
}

function oldestOf(cursors: ReadonlySet<Cursor>): Cursor {
  let oldest: Cursor | undefined;
  let oldestAt = 0n;
  for (const cursor of cursors) {
    const { appendedAt } = cursor.batches[cursor.next]!;
    if (oldest !== undefined && appendedAt >= oldestAt) continue;
    oldest = cursor;
    oldestAt = appendedAt;
  }
  return oldest!;
}
