/** One partition's way into a group: what is settled of it, and reading on from there as far as the group's window has room. */
import { TransitMap } from "@distribution/collections";
import type { Offset, PartitionReader, ReadFrom, StoredBatch } from "@distribution/core/brokers";
import { DistributionError } from "@distribution/core/errors";
import { Ahead } from "./ahead.ts";
import type { AssignedPartition, PartitionStanding, Progress, ProgressPart } from "./contract.ts";
import { type Entry, Lane } from "./lane.ts";
import { Ranges } from "./ranges.ts";

/** Bytes asked of the log at a time. */
const READ_BYTES = 256 * 1024;

export interface FeedHost {
  compareOffsets(a: Offset, b: Offset): number;
  read(topic: string, partition: number, from: ReadFrom): Promise<PartitionReader>;
  /** Resolves when the window has room; false when the group is over. */
  room(): Promise<boolean>;
  take(feed: Feed, batches: readonly StoredBatch[]): void;
  /** The log does not go on from where the feed is: what it holds is no longer true. */
  restart(feed: Feed): void;
  /** The feed cannot go on; it tries again when this resolves, unless that says false. */
  failed(feed: Feed, error: DistributionError): Promise<boolean>;
}

export class Feed {
  readonly topic: string;
  readonly partition: number;
  /** Among the feeds of its group. */
  readonly order: number;
  readonly end: (() => Offset) | undefined;
  epoch: string;
  /** Not settled, by offset, in log order. */
  readonly unsettled = new TransitMap<Offset, Entry>();
  /** Of those, how many are in members' hands. */
  out = 0;
  /** Nothing more is given out of it. */
  leaving = false;
  /** Counts the changes of what is settled, and up to which of them it is stored. */
  changes = 0;
  stored = 0;
  /** The position that was read last, and its number: events are numbered as they are read. */
  #readTo: Offset;
  #number = 0;
  /** Settled of what was read, above the floor, by number. */
  readonly #above = new Ranges();
  readonly #ahead: Ahead;
  readonly #attempts: Map<Offset, number>;
  readonly #lanes = new TransitMap<string, Lane>();
  readonly #host: FeedHost;
  #reader: PartitionReader | undefined;
  /** The log no longer has what follows `readTo`. */
  #gone = false;
  #closed = false;
  /** What was true when the group let go of the partition. */
  #last: Progress | undefined;

  constructor({ topic, partition, progress, end }: AssignedPartition, order: number, host: FeedHost) {
    this.topic = topic;
    this.partition = partition;
    this.order = order;
    this.end = end;
    this.epoch = progress.epoch;
    this.#readTo = progress.floor;
    this.#ahead = new Ahead(host.compareOffsets, progress.above);
    this.#attempts = new Map(progress.attempts);
    this.#host = host;
  }

  /** Reads until it is closed. Never rejects. */
  async run(): Promise<void> {
    while (!this.#closed) {
      try {
        await this.#pump();
        return;
      } catch (failure) {
        this.#reader = undefined;
        if (this.#closed) return;
        // Retention may have taken what was not read yet: the group goes on with the oldest that is kept.
        const wasGone = this.#gone;
        this.#gone = failure instanceof DistributionError && failure.code === "position_gone";
        if (this.#gone && !wasGone) continue;
        if (!(await this.#host.failed(this, asError(failure)))) return;
      }
    }
  }

  /** Returns when the group is over. Throws what the reader throws. */
  async #pump(): Promise<void> {
    const after = { epoch: this.epoch, offset: this.#readTo };
    const reader = await this.#host.read(this.topic, this.partition, this.#gone ? { at: "earliest" } : { after });
    this.#reader = reader;
    if (this.#closed) return reader.close();
    const { epoch, offset } = reader.start;
    if (epoch !== this.epoch || this.#host.compareOffsets(offset, this.#readTo) < 0) this.#restart(epoch);
    this.#readTo = offset;
    while (await this.#host.room()) {
      const batches = await reader.next(READ_BYTES);
      if (batches.length === 0 || this.#closed) return;
      this.#gone = false;
      this.#host.take(this, batches);
    }
  }

  /** Another history: nothing that was settled is true of it. */
  #restart(epoch: string): void {
    this.#host.restart(this);
    this.epoch = epoch;
    this.changes += 1;
    this.#above.clear();
    this.#ahead.clear();
    this.#attempts.clear();
  }

  /** Takes in what was read; those that are not settled become entries, handed to `add`. */
  take(stored: StoredBatch, add: (entry: Entry) => void, keyOf: (place: number) => string, now: number): void {
    const taken = { stored, before: this.#readTo };
    const { count } = stored.batch;
    for (let place = 0; place < count; place += 1) {
      const offset = stored.offsetAt(place);
      this.#number += 1;
      if (this.#ahead.ranges.length > 0 && this.#ahead.covers(offset)) {
        this.#above.add(this.#number, offset);
        continue;
      }
      const lane = this.#laneOf(keyOf(place));
      const attempts = this.#attempts.size === 0 ? 0 : (this.#attempts.get(offset) ?? 0);
      const [feed, member, number] = [this, undefined, this.#number];
      const entry: Entry = { feed, lane, taken, place, number, offset, attempts, member, dueAt: now };
      this.unsettled.set(offset, entry);
      lane.insert(entry);
      add(entry);
    }
    this.#readTo = stored.offsetAt(count - 1);
  }

  #laneOf(key: string): Lane {
    let lane = key === "" ? undefined : this.#lanes.get(key);
    if (lane === undefined) {
      lane = new Lane(key);
      if (key !== "") this.#lanes.set(key, lane);
    }
    return lane;
  }

  /** To be called after the lane changed: forgets one in which nothing is left. */
  release(lane: Lane): void {
    if (lane.idle && lane.key !== "") this.#lanes.delete(lane.key);
  }

  settle(entry: Entry): void {
    this.unsettled.delete(entry.offset);
    this.#above.add(entry.number, entry.offset);
    this.#attempts.delete(entry.offset);
    this.changes += 1;
  }

  /** Whether the position lies behind what was read. Throws `invalid_request` on what is no offset. */
  isAhead(offset: Offset): boolean {
    return this.#host.compareOffsets(offset, this.#readTo) > 0;
  }

  get aheadCount(): number {
    return this.#ahead.ranges.length;
  }

  settleAhead(offset: Offset): void {
    this.#ahead.add(offset);
    this.changes += 1;
  }

  countAttempt(entry: Entry): void {
    this.#attempts.set(entry.offset, entry.attempts);
    this.changes += 1;
  }

  standing(): PartitionStanding {
    const { epoch, unsettled } = this;
    this.#ahead.dropTo(this.#readTo);
    return { epoch, readTo: this.#readTo, unsettled: unsettled.size, ahead: this.#ahead.ranges };
  }

  /** What is to be stored now. `onTake` is told which change it goes up to. */
  part(onTake: (changes: number) => void): ProgressPart {
    const { topic, partition } = this;
    return {
      ...{ topic, partition },
      take: () => {
        onTake(this.changes);
        return this.#last ?? this.#progress();
      },
    };
  }

  /** From now on its progress is what it is now, whatever becomes of its entries. */
  freeze(): void {
    this.#last = this.#progress();
  }

  #progress(): Progress {
    const first = this.unsettled.values().next().value;
    this.#above.dropTo(first === undefined ? this.#number : first.number - 1);
    const floor = first === undefined ? this.#readTo : floorBefore(first);
    const { compareOffsets } = this.#host;
    this.#ahead.dropTo(this.#readTo);
    for (const offset of this.#attempts.keys()) if (compareOffsets(offset, floor) <= 0) this.#attempts.delete(offset);
    const above = [...this.#above.toArray(), ...this.#ahead.ranges];
    return { epoch: this.epoch, floor, above, attempts: [...this.#attempts] };
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#reader?.close();
  }
}

const floorBefore = ({ taken, place }: Entry): Offset =>
  place === 0 ? taken.before : taken.stored.offsetAt(place - 1);

const asError = (failure: unknown): DistributionError =>
  failure instanceof DistributionError
    ? failure
    : new DistributionError("internal", "The group could not read on.", { cause: failure });
