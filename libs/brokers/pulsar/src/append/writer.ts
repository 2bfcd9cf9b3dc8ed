/**
 * Writes one partition through one producer. What a turn of the event loop brings goes as one message; while many are under way, what
 * is appended meanwhile is collected.
 */
import { type AppendCall, PULSAR_BINDING, type RecordForm, toRecords } from "@distribution/broker-common";
import { TransitSet } from "@distribution/collections";
import { DistributionError, toDistributionError } from "@distribution/core/errors";
import type { PackedBatch } from "@distribution/core/events";
import { pause, type Runtime } from "@distribution/core/runtime";
import { failureOf } from "../failures.ts";
import type { Place } from "../offset.ts";
import { type MessagePlace, type OutgoingMessage, PortError, type PortProducer } from "../port.ts";
import { PackedReceipt, SingleReceipt } from "./receipt.ts";

export interface WriterOptions {
  /** For people: topic/partition. */
  readonly name: string;
  readonly form: RecordForm;
  readonly runtime: Runtime;
  /** Largest message made of several writes, bytes. */
  readonly maxMessageBytes: number;
  readonly maxInFlightBytes: number;
  open(): Promise<PortProducer>;
  /** The topic's epoch, asked for when a ledger is met for the first time that may be another topic's. */
  epochNow(): Promise<string>;
  /** Where the last event of an entry is. */
  onStored(last: Place): void;
  /** Pulsar does not know the topic. */
  onUnknownTopic(): void;
}

export interface Writer {
  /** Why what was appended is not confirmed, where that is known. */
  readonly trouble: string | undefined;
  /** Tells the call what becomes of its write `at`. */
  write(batch: PackedBatch, call: AppendCall, at: number): void;
  /** Lets go, once every call has its answer; of what is under way still, nothing more is told. */
  close(): Promise<void>;
  /** The topic is gone: refuses what is not settled, and lets go at once. */
  abandon(reason: DistributionError): void;
}

interface Work {
  readonly batch: PackedBatch;
  readonly call: AppendCall;
  readonly at: number;
}

/** The epoch of what was stored last, and what ties it to that: the ledger, and how often the producer had been attached. */
interface Known {
  readonly ledger: bigint;
  readonly attachments: number | undefined;
  readonly epoch: string;
}

/** Where a message is, and how often its producer had been attached when that was told. */
interface Confirmed {
  readonly place: MessagePlace;
  readonly attachments: number | undefined;
}

/** After these a producer is of no more use. */
const ENDED: ReadonlySet<string> = new Set(["unknown_topic", "refused", "ended", "closed", "unavailable"]);
/** After these, a message that was sent may be stored or not. */
const UNKNOWN: ReadonlySet<string> = new Set(["unavailable", "closed"]);

/**
 * Messages under way at a time, of which a turn of the event loop makes one: after a pause of the broker, what came behind these
 * waits for a round trip more.
 */
export const MOST_IN_FLIGHT = 64;
/** Between two tries for what has to be tried again, ms. */
const RETRY_MS = 500;

export function createWriter(options: WriterOptions): Writer {
  return new PartitionWriter(options);
}

class PartitionWriter implements Writer {
  readonly #options: WriterOptions;
  readonly #waiting: Work[] = [];
  readonly #underWay = new TransitSet<Work>();
  #producer: PortProducer | undefined;
  /** Is closed for being of no more use: the next one is opened after it, so that order stays. */
  #leaving: { readonly producer: PortProducer; readonly left: Promise<void> } | undefined;
  #attaching = false;
  /** Why there was no producer, at the last try. */
  #lack: string | undefined;
  #scheduled = false;
  #messages = 0;
  #bytes = 0;
  #known: Known | undefined;
  #asked: Promise<string> | undefined;
  #abandoned: DistributionError | undefined;
  #closed = false;

  constructor(options: WriterOptions) {
    this.#options = options;
  }

  get trouble(): string | undefined {
    return this.#producer === undefined ? this.#lack : this.#producer.trouble;
  }

  write(batch: PackedBatch, call: AppendCall, at: number): void {
    if (this.#abandoned !== undefined) {
      call.refused(at, this.#abandoned);
      return;
    }
    this.#waiting.push({ batch, call, at });
    this.#schedule();
  }

  async close(): Promise<void> {
    this.#closed = true;
    // With messages under way it would wait for them; the client's own end ends it then.
    if (this.#messages === 0) await this.#producer?.close().catch(() => undefined);
  }

  abandon(reason: DistributionError): void {
    this.#abandoned = reason;
    for (const { call, at } of this.#waiting.splice(0)) call.refused(at, reason);
    for (const work of [...this.#underWay]) this.#refuse(work, reason);
    // None of it may come into a topic that is created again by the name.
    for (const producer of [this.#producer, this.#leaving?.producer]) producer?.abort();
    this.#producer = undefined;
  }

  /** After this turn of the event loop, so that what it brings goes together. */
  #schedule(): void {
    if (this.#scheduled || this.#closed || this.#waiting.length === 0 || this.#messages >= MOST_IN_FLIGHT) return;
    this.#scheduled = true;
    this.#options.runtime.timers.soon(() => {
      this.#scheduled = false;
      if (this.#producer === undefined) void this.#attach();
      else this.#flush(this.#producer);
    });
  }

  async #attach(): Promise<void> {
    if (this.#attaching) return;
    this.#attaching = true;
    try {
      await this.#leaving?.left;
      this.#leaving = undefined;
      const producer = await this.#options.open();
      // Nobody would let go of it any more.
      if (this.#closed || this.#abandoned !== undefined) producer.abort();
      else this.#producer = producer;
    } catch (failure) {
      this.#notAttached(failure);
      if (this.#waiting.length > 0) await pause(this.#options.runtime, RETRY_MS);
    }
    this.#attaching = false;
    this.#schedule();
  }

  /** Nothing was sent: what waits is given up, but for calls of which a part is elsewhere in the log already. */
  #notAttached(failure: unknown): void {
    const gone = this.#isGone(failure);
    const told = this.#told(failure);
    this.#lack = told.message;
    if (gone) this.#options.onUnknownTopic();
    for (const work of this.#waiting.splice(0)) {
      if (gone) work.call.refused(work.at, told);
      else work.call.giveUp(told);
      if (!gone && !work.call.dropped) this.#waiting.push(work);
    }
  }

  #flush(producer: PortProducer): void {
    const { form, maxInFlightBytes } = this.#options;
    while (this.#messages < MOST_IN_FLIGHT && (this.#messages === 0 || this.#bytes < maxInFlightBytes)) {
      const works = this.#take();
      if (works.length === 0) return;
      const size = works.reduce((sum, { batch }) => sum + batch.bytes.length, 0);
      this.#messages += 1;
      this.#bytes += size;
      for (const work of works) {
        this.#underWay.add(work);
        work.call.sent();
      }
      void (form === "packed" ? this.#sendPacked(producer, works) : this.#sendSingles(producer, works)).then(() => {
        this.#messages -= 1;
        this.#bytes -= size;
        this.#schedule();
      });
    }
  }

  /** What goes together in the next message. */
  #take(): Work[] {
    const works: Work[] = [];
    let size = 0;
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (!next.call.dropped) {
        if (works.length > 0 && size + next.batch.bytes.length > this.#options.maxMessageBytes) break;
        size += next.batch.bytes.length;
        works.push(next);
      }
      this.#waiting.shift();
    }
    return works;
  }

  /** All of them in one message. */
  async #sendPacked(producer: PortProducer, works: readonly Work[]): Promise<void> {
    let failure: unknown;
    try {
      const [record] = toRecords(join(works.map(({ batch }) => batch)), "packed", PULSAR_BINDING);
      const place = await producer.send(messageOf(record!));
      const epoch = await this.#epochOf(place, producer.attachments);
      let base = 0;
      for (const work of works) {
        const receipt = new PackedReceipt(epoch, place, base);
        base += work.batch.count;
        if (this.#underWay.delete(work)) work.call.done(work.at, receipt);
      }
      this.#options.onStored({ ledger: place.ledger, entry: place.entry, index: base });
      return;
    } catch (thrown) {
      failure = thrown;
    }
    this.#failed(producer, failure);
    for (const work of works) this.#fail(work, failure);
  }

  /** Each event in a message of its own. */
  async #sendSingles(producer: PortProducer, works: readonly Work[]): Promise<void> {
    const { form } = this.#options;
    const send = async (record: Records[number]): Promise<Confirmed> => {
      const place = await producer.send(messageOf(record));
      // When it is told, not when all are: the producer may be attached to another topic of the name by then.
      return { place, attachments: producer.attachments };
    };
    const sent = works.map(({ batch }) => Promise.allSettled(toRecords(batch, form, PULSAR_BINDING).map(send)));
    for (const [at, outcomes] of (await Promise.all(sent)).entries())
      await this.#placeSingles(producer, works[at]!, outcomes);
  }

  async #placeSingles(
    producer: PortProducer,
    work: Work,
    outcomes: readonly PromiseSettledResult<Confirmed>[],
  ): Promise<void> {
    const failures = outcomes.flatMap((one) => (one.status === "rejected" ? [one.reason as unknown] : []));
    for (const failure of failures) this.#failed(producer, failure);
    const failure = failures.find(isUnknown) ?? failures[0];
    const stored = outcomes.map((one) => (one.status === "fulfilled" ? one.value : undefined));
    const confirmed = stored.findLast((one) => one !== undefined);
    if (confirmed === undefined || isUnknown(failure)) {
      this.#fail(work, failure);
      return;
    }
    const { place: last, attachments } = confirmed;
    try {
      const places = stored.map((one) => one?.place);
      const receipt = new SingleReceipt(await this.#epochOf(last, attachments), places);
      if (!this.#underWay.delete(work)) return;
      if (failure === undefined) work.call.done(work.at, receipt);
      else work.call.refused(work.at, this.#told(failure), receipt);
    } catch (thrown) {
      this.#fail(work, thrown);
      return;
    }
    if (last.batchIndex < 0 || last.batchIndex === last.batchSize - 1) {
      this.#options.onStored({ ledger: last.ledger, entry: last.entry, index: Math.max(last.batchSize, 1) });
    }
  }

  /**
   * Receipts come in order, so that one ledger follows another, and while its producer stays attached they are one topic's. What is
   * stored is told when its epoch is known, however long that takes.
   */
  async #epochOf({ ledger }: MessagePlace, attachments: number | undefined): Promise<string> {
    for (;;) {
      const known = this.#known;
      const isSame = known?.ledger === ledger || (attachments !== undefined && known?.attachments === attachments);
      if (known !== undefined && isSame) {
        if (known.ledger !== ledger || known.attachments !== attachments)
          this.#known = { ledger, attachments, epoch: known.epoch };
        return known.epoch;
      }
      this.#asked ??= this.#options.epochNow().finally(() => {
        this.#asked = undefined;
      });
      try {
        const epoch = await this.#asked;
        this.#known = { ledger, attachments, epoch };
        return epoch;
      } catch (failure) {
        if (this.#closed || this.#isGone(failure)) throw failure;
      }
      await pause(this.#options.runtime, RETRY_MS);
    }
  }

  #fail(work: Work, failure: unknown): void {
    const told = this.#abandoned ?? this.#told(failure);
    const isOver = this.#abandoned !== undefined || this.#isGone(failure);
    if (!isOver && (this.#closed || isUnknown(failure))) work.call.giveUp(told);
    else this.#refuse(work, told);
  }

  #refuse(work: Work, told: DistributionError): void {
    if (!this.#underWay.delete(work)) return;
    work.call.unsent();
    work.call.refused(work.at, told);
  }

  #told(failure: unknown): DistributionError {
    return toDistributionError(failureOf(failure, `${this.#options.name} was not appended to`));
  }

  #isGone(failure: unknown): boolean {
    return (failure instanceof PortError || failure instanceof DistributionError) && failure.code === "unknown_topic";
  }

  /** Lets go of the producer when it is of no more use. A late failure of one that was let go of says nothing of the next. */
  #failed(producer: PortProducer, failure: unknown): void {
    if (!(failure instanceof PortError)) return;
    if (ENDED.has(failure.code) && producer === this.#producer) this.#letGo(producer);
    if (failure.code === "unknown_topic") this.#options.onUnknownTopic();
  }

  #letGo(producer: PortProducer): void {
    this.#producer = undefined;
    this.#known = undefined;
    this.#leaving = { producer, left: producer.close().catch(() => undefined) };
  }
}

const isUnknown = (failure: unknown): boolean => failure instanceof PortError && UNKNOWN.has(failure.code);

type Records = ReturnType<typeof toRecords>;

function messageOf({ key, headers, value }: Records[number]): OutgoingMessage {
  const properties: Record<string, string> = {};
  for (const [name, bytes] of headers)
    properties[name] = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString();
  const data = value ?? new Uint8Array();
  return key === undefined ? { data, properties } : { data, properties, key: Buffer.from(key).toString() };
}

/** Packed batches one after the other are a packed batch. */
export function join(batches: readonly PackedBatch[]): PackedBatch {
  if (batches.length === 1) return batches[0]!;
  let size = 0;
  let count = 0;
  for (const batch of batches) {
    size += batch.bytes.length;
    count += batch.count;
  }
  const bytes = Buffer.allocUnsafe(size);
  const bounds = new Uint32Array(2 * count);
  let origin = 0;
  let event = 0;
  for (const batch of batches) {
    bytes.set(batch.bytes, origin);
    for (let at = 0; at < 2 * batch.count; at += 1) bounds[event + at] = batch.bounds[at]! + origin;
    origin += batch.bytes.length;
    event += 2 * batch.count;
  }
  return { bytes, count, bounds };
}
