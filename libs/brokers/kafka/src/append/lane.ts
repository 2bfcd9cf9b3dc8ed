/** What waits for one partition, the batch that is on its way there, and how the broker knows that batch again. */
import { Fifo } from "@distribution/collections";
import type { KnownTopic } from "../connection/cluster.ts";
import type { Compression } from "../options.ts";
import type { Part, Placement } from "./call.ts";
import { layOut } from "./layout.ts";
import { encodeBatch, nextSequence, stamp } from "./record-batch.ts";

const MAX_EPOCH = 2 ** 15 - 1;

/** The batch under way: the same bytes under the same sequence with every try, so that the broker takes it once. */
export interface Batch {
  readonly parts: readonly Part[];
  readonly placements: readonly Placement[];
  readonly bytes: Buffer;
  readonly records: number;
  readonly events: number;
  tries: number;
  /** Of the first try, monotonic, ms. */
  sentAt: number;
  /** Tries of which the broker has not said that it did not take them: it may be in the log while there is one. */
  doubts: number;
}

export type LaneState = "idle" | "ready" | "sending" | "waiting";

export class Lane {
  readonly topic: string;
  readonly partition: number;
  state: LaneState = "idle";
  batch: Batch | undefined;
  /** Looks in a row that did not find the topic. */
  missed = 0;
  /** The last record that was acknowledged: what follows lies behind it, unless the topic is another one now. */
  last = -1n;
  readonly #queue = new Fifo<Part>();
  #producer: bigint | undefined;
  #epoch = 0;
  #sequence = 0;
  /** Batches are kept below this, bytes, after the broker refused a larger one. */
  #maxBytes: number;

  constructor(topic: string, partition: number, maxBytes: number) {
    this.topic = topic;
    this.partition = partition;
    this.#maxBytes = maxBytes;
  }

  get waiting(): boolean {
    return this.batch !== undefined || this.#queue.length > 0;
  }

  /** Whether it has to be given a producer id before its next batch. */
  get nameless(): boolean {
    return this.#producer === undefined;
  }

  add(parts: readonly Part[]): void {
    for (const part of parts) this.#queue.push(part);
  }

  name(producer: bigint): void {
    this.#producer = producer;
    this.#epoch = 0;
    this.#sequence = 0;
  }

  /** The batch to send: the one that was sent already, or what waits, up to the bound. Undefined: there is nothing to send. */
  form(compression: Compression, now: bigint): Batch | undefined {
    this.#dropOver();
    if (this.batch !== undefined) return this.batch;
    const parts: Part[] = [];
    let bytes = 0;
    for (let part = this.#queue.at(0); part !== undefined; part = this.#queue.at(0)) {
      if (!part.write.over) {
        if (parts.length > 0 && bytes + part.bytes > this.#maxBytes) break;
        parts.push(part);
        bytes += part.bytes;
      }
      this.#queue.shift();
    }
    if (parts.length === 0) return undefined;
    const { records, placements, events } = layOut(parts);
    const encoded = encodeBatch(records, compression, now);
    this.batch = { parts, placements, bytes: encoded, records: records.length, events, tries: 0, sentAt: 0, doubts: 0 };
    this.#stamp();
    return this.batch;
  }

  /** The batch is on its way. `now`: monotonic, ms. */
  sent(now: number): void {
    const batch = this.batch!;
    if (batch.doubts === 0) batch.sentAt = now;
    batch.tries += 1;
    batch.doubts += 1;
    if (batch.doubts === 1) for (const { write } of batch.parts) write.call.sent();
  }

  /** The broker has not taken this try. */
  untaken(): void {
    const batch = this.batch!;
    batch.doubts -= 1;
    if (batch.doubts === 0) for (const { write } of batch.parts) write.call.unsent();
  }

  /** None of the tries is in the log, nor comes there any more: what is not given up may be sent as new. */
  absent(): void {
    this.batch!.doubts = 1;
    this.untaken();
    this.restart();
  }

  /** The batch is in the log from this record on. */
  placed(topic: KnownTopic, base: bigint): void {
    const { parts, placements, records } = this.#takeBatch();
    this.#sequence = nextSequence(this.#sequence, records);
    this.last = base + BigInt(records) - 1n;
    for (const [at, part] of parts.entries()) part.write.placed(part, topic.id, base, placements[at]!);
  }

  /** The broker has forgotten what it had from us: the same batch as the first of a new count. */
  restart(): void {
    this.#bump();
    if (this.batch !== undefined) this.#stamp();
  }

  /** Too large in one: its parts again, in batches of at most half of it. False: it cannot be cut. */
  split(): boolean {
    if (this.batch!.parts.length === 1) return false;
    const { parts } = this.#takeBatch();
    this.#maxBytes = Math.max(1, Math.floor(parts.reduce((sum, { bytes }) => sum + bytes, 0) / 2));
    this.#queueAgain(parts);
    return true;
  }

  /** The batch, which the broker refused: it is not in the log. */
  refused(): readonly Part[] {
    return this.#takeBatch().parts;
  }

  /** The batch, taken out: what follows must not be taken for it. */
  disowned(): readonly Part[] {
    const { parts } = this.#takeBatch();
    this.#bump();
    return parts;
  }

  /** Everything that waits, the batch first: there is no log any more that it could be in. */
  abandon(): readonly Part[] {
    const waiting = this.#queue.drain();
    if (this.batch === undefined) return waiting;
    if (this.batch.doubts > 0) for (const { write } of this.batch.parts) write.call.unsent();
    return [...this.disowned(), ...waiting];
  }

  /** Of a batch that is not in the log, what was given up goes, and the rest waits for another one. */
  #dropOver(): void {
    const { batch } = this;
    if (batch === undefined || batch.doubts > 0 || !batch.parts.some(({ write }) => write.over)) return;
    this.#queueAgain(this.#takeBatch().parts);
    if (batch.tries > 0) this.#bump();
  }

  #queueAgain(parts: readonly Part[]): void {
    this.add([...parts, ...this.#queue.drain()]);
  }

  /** What was sent under an older epoch and comes late is refused by the broker once it has a batch of this one. */
  #bump(): void {
    this.#epoch += 1;
    this.#sequence = 0;
    if (this.#epoch > MAX_EPOCH) this.#producer = undefined;
  }

  #stamp(): void {
    stamp(this.batch!.bytes, { id: this.#producer!, epoch: this.#epoch, sequence: this.#sequence });
  }

  #takeBatch(): Batch {
    const batch = this.batch!;
    this.batch = undefined;
    return batch;
  }
}
