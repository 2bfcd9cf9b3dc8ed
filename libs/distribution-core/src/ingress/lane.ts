/**
 * One partition of an ingress topic while this replica has it: where it goes on, and batch by batch what it announces. An announcement
 * settles what was taken before it; when nothing comes for a while, that is settled by itself.
 */
import type {
  Broker,
  ForeignPartition,
  ForeignReader,
  ForeignRecord,
  ForeignTopics,
  Offset,
  Position,
  ReadFrom,
} from "../brokers/contract.ts";
import { AppendUnsettled } from "../brokers/unsettled.ts";
import { DistributionError, toDistributionError } from "../errors.ts";
import type { PackedBatch } from "../events/index.ts";
import { endedWithin, type Runtime, type Timer } from "../runtime/index.ts";
import type { IngressTopic, RecordPlace } from "./contract.ts";
import type { DeadLetter } from "./dead-letters.ts";
import { type Entry, entriesOf, namesOf } from "./entries.ts";
import { type Begun, noteOf, readNote } from "./note.ts";
import { Taking, type TakingHost, until } from "./taking.ts";

/** Read, and so settled, at a time. */
const READ_RECORDS = 500;

/** Between two tries of what failed for now, ms; half of it by chance. */
const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 5_000;

/** When nothing comes for so long, ms, what was taken is settled without a further announcement. */
const IDLE_MS = 100;

/** So long after it was announced, ms, something may be published; then it is announced again. */
const ANNOUNCED_MS = 5_000;
/** So long an append that was begun is waited for, ms: the default of its deadline and what two clocks may differ by. It may land later. */
const LANDS_MS = 35_000;
const MS = 1_000_000n;
/** How long a partition is kept, ms, for an append whose outcome is not known when it is to go. */
const UNSETTLED_MS = 25_000;

/** Why reading does not go on behind what was settled. */
export type Break = "expired" | "reset";

export interface LaneHost {
  readonly service: string;
  readonly foreign: ForeignTopics;
  readonly compareOffsets: Broker["compareOffsets"];
  readonly runtime: Runtime;
  /** Publishes as the lane. Rejects as ingest does. */
  publish(batch: PackedBatch): Promise<unknown>;
  /** Rejects while the letter can't be kept. */
  bury(letter: DeadLetter): Promise<void>;
  /** Which of the wanted, by index and each by any of its names, the service's own log has since then, Unix nanoseconds. */
  recollect(since: bigint, wanted: readonly (readonly string[])[]): Promise<ReadonlySet<number>>;
  /** Everything up to the position has come in; no records: reading begins behind it. */
  took(position: Position, records: number): void;
  /** What another replica may have left half done was looked up: so many of its events are in the log. */
  lookedUp(events: number, known: number): void;
  /** The log does not go on from where it was read to. `expired`: records were gone before they were read. */
  broken(why: Break, error: DistributionError): void;
  /** It went on until now. */
  held(error: DistributionError): void;
  /**
   * The partition goes while it is not known what becomes of an append, or went before one became durable that nobody waited for any
   * more: who has it next may publish the same.
   */
  unsettled(): void;
}

export interface LaneOptions {
  readonly topic: IngressTopic;
  readonly partition: ForeignPartition;
  /** What is known of it here, for when the group knows nothing any more. */
  readonly remembered: Position | undefined;
  /** The topic was read before the partition was there: all of it is wanted. */
  readonly isAdded: boolean;
  readonly host: LaneHost;
}

type Place = Pick<Position, "epoch" | "offset">;

export class IngressLane {
  /** What keeps it from going on; undefined while nothing does. */
  trouble: string | undefined;
  readonly #topic: IngressTopic;
  readonly #of: ForeignPartition;
  readonly #place: RecordPlace;
  readonly #host: LaneHost;
  readonly #start: "earliest" | "latest";
  /** Everything up to here has come in. Undefined: that is not known yet. */
  #taken: Place | undefined;
  /** The group knows that, too. */
  #isSettled: boolean;
  /** What may have been published beyond it, by this lane or one before. */
  #begun: Begun | undefined;
  /** What others had begun is durable by then, or never: Unix nanoseconds. */
  #othersUntil: bigint;
  /** What was begun was begun here. */
  #isOurs = false;
  /** It is sure what of the batch at hand was in the log then: Unix nanoseconds. */
  #lookedUpAt = 0n;
  #announcedAt = Number.NEGATIVE_INFINITY;
  /** Why there is nothing behind `taken`. */
  #gone: DistributionError | undefined;
  /** Of a refused append: resolves when it is known what became of it. */
  #unsettled: Promise<unknown> | undefined;
  /** When the last of what was announced became durable, and until when whoever has the partition next waits for it: Unix nanoseconds. */
  #landedAt = 0n;
  #awaitedUntil = 0n;
  #reader: ForeignReader | undefined;
  #stopped = false;
  #waitMs = FIRST_WAIT_MS;
  /** Ends what it waits for just now, when it is stopped. */
  #wake: (() => void) | undefined;

  constructor({ topic, partition, remembered, isAdded, host }: LaneOptions) {
    this.#topic = topic;
    this.#of = partition;
    this.#place = { topic: topic.from, partition: partition.partition };
    this.#host = host;
    this.#taken = partition.progress ?? remembered;
    this.#isSettled = this.#taken === partition.progress;
    this.#begun = partition.progress && readNote(partition.progress.note);
    const latest = host.runtime.clock.wallNs() + BigInt(ANNOUNCED_MS + LANDS_MS) * MS;
    const until = this.#begun?.until ?? 0n;
    this.#othersUntil = until < latest ? until : latest;
    this.#start = isAdded ? "earliest" : (topic.start ?? "earliest");
  }

  /** Resolves when it was stopped. Never rejects. */
  async run(): Promise<void> {
    while (!this.#stopped) {
      try {
        await this.#follow();
      } catch (failure) {
        const error = toDistributionError(failure);
        if (error.code === "position_gone" && this.#taken && !this.#gone) this.#gone = error;
        else await this.#rest(error);
      }
    }
    await this.#leave();
  }

  /** What is being published is finished first. */
  stop(): void {
    this.#stopped = true;
    this.#wake?.();
    void this.#reader?.close();
  }

  async #follow(): Promise<void> {
    const reader = await this.#open();
    this.#reader = reader;
    try {
      // `latest` is one place, whatever comes before the first record.
      if (this.#taken === undefined) await this.#begin(reader.start);
      // Also on a quiet topic nothing holds it back any more.
      this.trouble = undefined;
      while (!this.#stopped) {
        const records = await this.#next(reader);
        if (records.length === 0 || !(await this.#take(records))) return;
        this.#goesOn();
      }
    } finally {
      this.#reader = undefined;
      await reader.close();
    }
  }

  async #open(): Promise<ForeignReader> {
    if (this.#gone !== undefined) await this.#restart(this.#gone);
    return this.#read(this.#taken ? { after: this.#taken } : { at: this.#start });
  }

  #read(from: ReadFrom): Promise<ForeignReader> {
    return this.#host.foreign.read(this.#place.topic, this.#place.partition, from);
  }

  /** Finds out why the log does not go on from where it was read to, and goes on where that is right. */
  async #restart(error: DistributionError): Promise<void> {
    const { epoch, offset } = this.#taken!;
    const oldest = await this.#startOf("earliest");
    const expired = oldest.epoch === epoch && this.#host.compareOffsets(offset, oldest.offset) < 0;
    const isEarliest = expired || (this.#topic.reset ?? "earliest") === "earliest";
    const place = isEarliest ? oldest : await this.#startOf("latest");
    // What was begun lay in a log that is no more.
    this.#begun = undefined;
    await this.#begin(place);
    this.#gone = undefined;
    this.#host.broken(expired ? "expired" : "reset", error);
  }

  async #startOf(at: "earliest" | "latest"): Promise<Place> {
    const reader = await this.#read({ at });
    await reader.close();
    return reader.start;
  }

  async #begin({ epoch, offset }: Place): Promise<void> {
    const place = { epoch, offset };
    await this.#of.settle({ ...place, note: noteOf(this.#begun) });
    this.#taken = place;
    this.#host.took({ ...this.#place, ...place }, 0);
  }

  async #settle(): Promise<void> {
    await this.#of.settle({ ...this.#taken!, note: noteOf(this.#begun) });
    this.#isSettled = true;
  }

  /** What comes next; what was taken is settled meanwhile, if that takes a while. */
  async #next(reader: ForeignReader): Promise<readonly ForeignRecord[]> {
    let settling: Promise<void> | undefined;
    const idle = this.#host.runtime.timers.every(IDLE_MS, () => {
      if (this.#isSettled) idle.cancel();
      else
        settling ??= this.#settle()
          .then(undefined, () => undefined)
          .finally(() => (settling = undefined));
    });
    try {
      return await reader.next(READ_RECORDS);
    } finally {
      idle.cancel();
      await settling;
    }
  }

  /** False: it was stopped before everything was in. */
  async #take(records: readonly ForeignRecord[]): Promise<boolean> {
    const { epoch, offset } = records.at(-1)!;
    this.#lookedUpAt = this.#host.runtime.clock.wallNs();
    const left = await this.#unknown(
      records.flatMap((record) => entriesOf(record, this.#topic.form, this.#place)),
      this.#begun,
    );
    if (left === undefined || !(await this.#bring(left, offset))) return false;
    if (this.#begun !== undefined && this.#host.compareOffsets(this.#begun.offset, offset) <= 0)
      this.#begun = undefined;
    this.#taken = { epoch, offset };
    this.#isSettled = false;
    this.#announcedAt = Number.NEGATIVE_INFINITY;
    this.#host.took({ ...this.#place, epoch, offset }, records.length);
    return true;
  }

  #bring(entries: readonly Entry[], upTo: Offset): Promise<boolean> {
    return new Taking(this.#taking(upTo)).run(entries);
  }

  #taking(upTo: Offset): TakingHost {
    const lane = this;
    const { host, place } = { host: this.#host, place: this.#place };
    return {
      get isStopped() {
        return lane.#stopped;
      },
      nowMs: () => host.runtime.clock.monotonicMs(),
      announce: () => this.#announce(upTo),
      publish: (batch) => this.#watched(host.publish(batch)),
      bury: ({ record, index }, error) => this.#watched(host.bury({ ...place, record, index, error })),
      missing: (entries) => this.#missing(entries, this.#lookedUpAt),
      rest: (error) => this.#rest(error),
      goesOn: () => this.#goesOn(),
    };
  }

  async #watched<T>(publishing: Promise<T>): Promise<T> {
    const { clock } = this.#host.runtime;
    try {
      const published = await publishing;
      this.#landedAt = clock.wallNs();
      return published;
    } catch (failure) {
      if (failure instanceof DistributionError && failure.cause instanceof AppendUnsettled) {
        const settled = failure.cause.settled.then((stored) => {
          if (stored.some((one) => one !== undefined)) this.#landedAt = clock.wallNs();
          if (this.#unsettled === settled) this.#unsettled = undefined;
        });
        this.#unsettled = settled;
      }
      throw failure;
    }
  }

  async #announce(upTo: Offset): Promise<void> {
    const { clock } = this.#host.runtime;
    const at = clock.monotonicMs();
    if (at - this.#announcedAt < ANNOUNCED_MS) return;
    const wall = clock.wallNs();
    const before = this.#begun;
    const isBeyond = before !== undefined && this.#host.compareOffsets(before.offset, upTo) > 0;
    const begun: Begun = {
      offset: isBeyond ? before.offset : upTo,
      since: before?.since ?? wall,
      until: wall + BigInt(ANNOUNCED_MS + LANDS_MS) * MS,
    };
    await this.#of.settle({ ...this.#taken!, note: noteOf(begun) });
    this.#begun = begun;
    this.#awaitedUntil = begun.until;
    this.#isOurs = true;
    this.#announcedAt = at;
  }

  /** Without those that somebody else had begun and that are in the log. Undefined: it was stopped. */
  async #unknown(entries: readonly Entry[], begun: Begun | undefined): Promise<readonly Entry[] | undefined> {
    const { compareOffsets, runtime, lookedUp } = this.#host;
    const isDoubtful = ({ record }: Entry): boolean =>
      begun !== undefined && compareOffsets(record.offset, begun.offset) <= 0;
    const doubtful = entries.filter(isDoubtful);
    if (begun === undefined || doubtful.length === 0) return entries;
    const host = this.#taking(begun.offset);
    let left: readonly Entry[] = doubtful;
    const look = (): Promise<boolean> =>
      until(host, async () => {
        left = await this.#missing(left, begun.since);
      });
    if (!(await look())) return undefined;
    const waitMs = Number((this.#othersUntil - runtime.clock.wallNs()) / MS);
    if (left.length > 0 && waitMs > 0) {
      const message = `What another replica had begun to publish may still become durable, for ${waitMs} ms.`;
      await this.#pause(new DistributionError("unavailable", message), waitMs);
      if (this.#stopped || !(await look())) return undefined;
    }
    lookedUp(doubtful.length, doubtful.length - left.length);
    const missing = new Set(left);
    return entries.filter((entry) => !isDoubtful(entry) || missing.has(entry));
  }

  async #missing(entries: readonly Entry[], since: bigint): Promise<readonly Entry[]> {
    const at = this.#host.runtime.clock.wallNs();
    const { service, recollect } = this.#host;
    const names = entries.map((entry) => namesOf(service, this.#place, entry));
    const found = await this.#unlessStopped(recollect(since, names));
    this.#lookedUpAt = at;
    return entries.filter((_, index) => !found.has(index));
  }

  /** For what has no end while the broker is away. */
  async #unlessStopped<T>(work: Promise<T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.#wake = () => reject(new DistributionError("unavailable", "The partition goes to another replica."));
    if (this.#stopped) this.#wake();
    work.then(resolve, reject);
    return promise.finally(() => {
      this.#wake = undefined;
    });
  }

  /** Settles what there is. In the middle of something: nothing of it is under way any more, and nobody needs to wait for it. */
  async #leave(): Promise<void> {
    const { runtime, unsettled } = this.#host;
    if (this.#unsettled !== undefined) await endedWithin(runtime, this.#unsettled, UNSETTLED_MS);
    // Whoever has it next waits for what is under way, as after a crash.
    if (this.#unsettled !== undefined) return unsettled();
    const begun = this.#isOurs ? this.#begun : undefined;
    if (this.#taken === undefined || (this.#isSettled && begun === undefined)) return;
    // What was begun by others as well was waited for, or found, before anything was begun here.
    if (begun !== undefined) this.#begun = { ...begun, until: runtime.clock.wallNs() };
    try {
      await this.#settle();
    } catch {
      // Whoever has it by now finds out by itself, unless that one has looked already.
      if (this.#landedAt > this.#awaitedUntil) unsettled();
    }
  }

  async #rest(error: DistributionError): Promise<void> {
    const ms = Math.max(error.retryAfterMs ?? 0, this.#waitMs * (0.5 + this.#host.runtime.random.next() / 2));
    this.#waitMs = Math.min(2 * this.#waitMs, LONGEST_WAIT_MS);
    await this.#pause(error, ms);
  }

  async #pause(error: DistributionError, ms: number): Promise<void> {
    if (this.trouble === undefined) this.#host.held(error);
    this.trouble = `${this.#place.topic}/${this.#place.partition}: ${error.message}`;
    if (this.#stopped) return;
    let timer: Timer | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      timer = this.#host.runtime.timers.after(ms, resolve);
    });
    timer?.cancel();
    this.#wake = undefined;
  }

  #goesOn(): void {
    this.trouble = undefined;
    this.#waitMs = FIRST_WAIT_MS;
  }
}
