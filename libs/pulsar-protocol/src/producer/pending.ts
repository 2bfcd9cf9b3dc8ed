/** What was sent and is not confirmed: batches in the order in which they were sent, with those who wait for them. */
import type { MessageId } from "../contract.ts";
import type { PulsarError } from "../errors.ts";

export interface Sender {
  resolve(id: MessageId): void;
  reject(error: PulsarError): void;
}

export interface PendingBatch {
  readonly frame: Buffer;
  readonly firstSequenceId: bigint;
  readonly lastSequenceId: bigint;
  readonly senders: readonly Sender[];
  /** What its messages count against the bound of bytes. */
  readonly bytes: number;
  readonly publishTime: bigint;
  /** Unix ms. */
  readonly deadline: number;
  /** It was on the wire of an earlier attachment: it may be stored. */
  resent: boolean;
  /** The broker had taken it when the producer was attached last: it is stored, or just being stored. */
  known: boolean;
  /** Why the broker did not take a later try, which says nothing of those before. */
  refusal: PulsarError | undefined;
}

/** First in, first out, in constant time. */
export class PendingQueue {
  #items: (PendingBatch | undefined)[] = [];
  #head = 0;

  get head(): PendingBatch | undefined {
    return this.#items[this.#head];
  }

  push(batch: PendingBatch): void {
    this.#items.push(batch);
  }

  shift(): PendingBatch | undefined {
    const batch = this.#items[this.#head];
    if (batch === undefined) return undefined;
    this.#items[this.#head++] = undefined;
    if (this.#head > 1024 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return batch;
  }

  /** Takes out one from the middle. */
  remove(batch: PendingBatch): void {
    const at = this.#items.indexOf(batch, this.#head);
    if (at >= 0) this.#items.splice(at, 1);
  }

  *[Symbol.iterator](): Generator<PendingBatch> {
    for (let at = this.#head; at < this.#items.length; at++) yield this.#items[at]!;
  }
}

/** Gives every message of the batch its id. */
export function confirm({ senders }: PendingBatch, ledgerId: bigint, entryId: bigint, partition: number): void {
  const batchSize = senders.length > 1 ? senders.length : 0;
  for (let i = 0; i < senders.length; i++) {
    senders[i]!.resolve({ ledgerId, entryId, partition, batchIndex: batchSize === 0 ? -1 : i, batchSize });
  }
}
