/**
 * Where one subscription is on one partition while it is behind its class: it reads on from the ring, or, where the ring has
 * moved past it, from the log until the ring has it again. It holds no queue: only a place, and at most one batch list of the log.
 */
import type { Broker, PartitionReader, ReadFrom, StoredBatch } from "../brokers/contract.ts";
import { toDistributionError } from "../errors.ts";
import type { EventList, InterestClass, Lane } from "../subscriptions/index.ts";
import type { Place } from "../tail/index.ts";

/** A place whose number is not known: older than what this process has numbered. */
export type LogPlace = Omit<Place, "number"> & { readonly number: number | undefined };

export interface Collected {
  /** Events passed, wanted or not. */
  readonly passed: number;
  /** Nothing more is to be had before a read of the log. */
  readonly needsLog: boolean;
}

export interface LostRange {
  readonly from: LogPlace;
  readonly to: LogPlace;
}

export interface LogRead {
  readonly lost: LostRange | undefined;
  readonly wait: boolean;
}

const NOTHING: LogRead = { lost: undefined, wait: false };

/** The number of an event that only the log knows; no ring holds it. */
const UNNUMBERED = -1;

/** Bytes read from the log at a time. */
const LOG_BYTES = 256 * 1024;

export class LaneCursor {
  readonly lane: Lane;
  readonly #broker: Broker;
  place: LogPlace;
  /** The `upto` that the client was told last: the `after` of the next frame. */
  told: string;
  #reader: PartitionReader | undefined;
  #batches: readonly StoredBatch[] = [];
  #batch = 0;
  #index = 0;
  /** Numbers that were passed without having been seen: removed from the log by retention or compaction. */
  #unseen = 0;

  constructor(lane: Lane, broker: Broker, place: LogPlace) {
    this.lane = lane;
    this.#broker = broker;
    this.place = place;
    this.told = place.offset;
  }

  get caughtUp(): boolean {
    const { number, epoch } = this.place;
    const { chain } = this.lane;
    return number !== undefined && epoch === chain.epoch && !this.#inLog && number >= chain.number;
  }

  get #inLog(): boolean {
    return this.#reader !== undefined || this.#batch < this.#batches.length;
  }

  /** Events that the log no longer had, since the last call: the ledger's due. */
  takeUnseen(): number {
    const unseen = this.#unseen;
    this.#unseen = 0;
    return unseen;
  }

  /** Adds wanted events to the list, in log order, until it has `maxEvents` or `maxBytes`, or the chain is reached. */
  collect(shared: InterestClass, list: EventList, maxEvents: number, maxBytes: number): Collected {
    let passed = 0;
    while (list.bytes < maxBytes && list.count <= maxEvents) {
      // The tail may have come to where the log was read.
      if (this.#inLog) this.#meetRing();
      if (this.caughtUp) break;
      const from = this.#inLog ? this.#fromLog : this.#fromRing;
      const more = from.call(this, shared, list, maxEvents, maxBytes);
      if (more === 0) return { passed, needsLog: list.count < maxEvents };
      passed += more;
    }
    return { passed, needsLog: false };
  }

  #fromRing(shared: InterestClass, list: EventList, maxEvents: number, maxBytes: number): number {
    const from = this.place.number;
    if (from === undefined) return 0;
    const { ring } = this.lane.tail;
    const batch = ring.find(from);
    // Numbers go on in a new epoch; what was lost in between is the log's to say.
    if (batch?.stored.epoch !== this.place.epoch) return 0;
    const end = Math.min(batch.first + batch.stored.batch.count, this.lane.chain.number) - batch.first;
    return this.#pass(shared, list, batch.stored, from - batch.first, end, maxEvents, maxBytes);
  }

  #fromLog(shared: InterestClass, list: EventList, maxEvents: number, maxBytes: number): number {
    const stored = this.#batches[this.#batch];
    if (!stored) return 0;
    const end = this.#knownEnd(stored);
    const passed = this.#pass(shared, list, stored, this.#index, end, maxEvents, maxBytes);
    this.#index += passed;
    if (this.#index === stored.batch.count) {
      this.#batch += 1;
      this.#index = 0;
    }
    return passed;
  }

  /** The log may be ahead of the tail; what the tail has not seen comes from the class. */
  #knownEnd(stored: StoredBatch): number {
    const { head } = this.lane.tail;
    let end = stored.batch.count;
    if (stored.epoch !== head.epoch) return end;
    while (end > 0 && this.#broker.compareOffsets(stored.offsetAt(end - 1), head.offset) > 0) end -= 1;
    return end;
  }

  /** Passes events [from, end) of a batch; stops before a wanted one that would exceed the bounds. */
  #pass(
    shared: InterestClass,
    list: EventList,
    stored: StoredBatch,
    from: number,
    end: number,
    maxEvents: number,
    maxBytes: number,
  ): number {
    let index = from;
    let number = this.place.number;
    for (; index < end && list.bytes < maxBytes; index += 1) {
      if (shared.selects(this.lane, stored, index)) {
        if (list.count >= maxEvents) break;
        list.add(stored, index, number ?? UNNUMBERED, index === 0 ? this.place.offset : "");
      }
      if (number !== undefined) number += 1;
    }
    if (index > from) this.place = { number, epoch: stored.epoch, offset: stored.offsetAt(index - 1) };
    return index - from;
  }

  /** Once the ring has the place, it is read from there, and the place's number is exact again. */
  #meetRing(): void {
    const met = this.lane.tail.placeAfter(this.place.epoch, this.place.offset);
    if (!met) return;
    if (this.place.number !== undefined) this.#unseen += Math.max(0, met.number - this.place.number);
    this.place = met;
    this.#leaveLog();
  }

  /**
   * Reads on in the log, never beyond the tail: at the log's end a read would wait for ever.
   * `lost`: retention or a new epoch got there first. `wait`: the tail has to come here before there is more to do.
   */
  async readLog(): Promise<LogRead> {
    // A reader of a history that has ended would wait at its end for ever: a new one says what became of it.
    if (this.place.epoch !== this.lane.tail.head.epoch) this.rest();
    const lost = this.#reader ? undefined : await this.#openReader();
    this.#meetRing();
    // What was lost is said before anything else can fail.
    if (lost || !this.#reader) return { lost, wait: false };
    if (!this.#tailIsAhead) return { lost, wait: true };
    const reader = this.#reader;
    try {
      const batches = await reader.next(LOG_BYTES);
      if (reader !== this.#reader) return NOTHING;
      this.#batches = batches;
    } catch (failure) {
      // The reader is of no more use; where the position is gone, opening the next one says so.
      if (reader === this.#reader) this.rest();
      if (toDistributionError(failure).code !== "position_gone") throw failure;
    }
    this.#batch = 0;
    this.#index = 0;
    return NOTHING;
  }

  get #tailIsAhead(): boolean {
    const { head } = this.lane.tail;
    return head.epoch === this.place.epoch && this.#broker.compareOffsets(head.offset, this.place.offset) > 0;
  }

  async #openReader(): Promise<LostRange | undefined> {
    const { place } = this;
    const { topic, partition } = this.lane.tail;
    const open = async (from: ReadFrom): Promise<PartitionReader | undefined> => {
      const reader = await this.#broker.read(topic.name, partition, from);
      // The cursor was moved meanwhile: nobody wants this reader any more.
      if (place === this.place) return reader;
      await reader.close();
      return undefined;
    };
    try {
      this.#reader = await open({ after: place });
      return undefined;
    } catch (failure) {
      if (toDistributionError(failure).code !== "position_gone") throw failure;
    }
    const reader = await open({ at: "earliest" });
    if (!reader) return undefined;
    this.#reader = reader;
    const lost = { from: place, to: { number: place.number, ...reader.start } };
    this.place = lost.to;
    this.told = this.place.offset;
    return lost;
  }

  /** Goes on from somewhere else. */
  moveTo(place: Place): void {
    this.#leaveLog();
    this.place = { ...place };
    this.told = place.offset;
  }

  #leaveLog(): void {
    const reader = this.#reader;
    this.#reader = undefined;
    this.#batches = [];
    this.#batch = 0;
    this.#index = 0;
    // Closing only lets go of resources; a failure to do so is the broker's to log.
    reader?.close().catch(() => undefined);
  }

  /** Lets go of what was read ahead; it is read again when the socket takes more. */
  rest(): void {
    if (!this.#inLog) return;
    this.#leaveLog();
    // Counted along the log, the number may be off by what the log no longer has.
    const { epoch, offset } = this.place;
    this.place = this.lane.tail.placeAfter(epoch, offset) ?? { number: undefined, epoch, offset };
  }
}
