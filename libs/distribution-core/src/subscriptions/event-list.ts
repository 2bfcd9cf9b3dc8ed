import type { StoredBatch } from "../brokers/contract.ts";

/** Bytes of events in one frame, more only for one event alone. */
export const FRAME_BYTES = 64 * 1024;

/** Some events of stored batches, in log order, collected for one frame. Reused: `clear` and fill again. */
export class EventList {
  readonly stored: StoredBatch[] = [];
  readonly index: number[] = [];
  /** The tail's numbers of the events. */
  readonly number: number[] = [];
  /** The offset before an event that is the first of its batch, where whoever added it knew; "" otherwise. */
  readonly previous: string[] = [];
  count = 0;
  /** Of the events' messages. */
  bytes = 0;

  add(stored: StoredBatch, index: number, number: number, previous = ""): void {
    this.stored[this.count] = stored;
    this.index[this.count] = index;
    this.number[this.count] = number;
    this.previous[this.count] = previous;
    this.count += 1;
    const { bounds } = stored.batch;
    this.bytes += bounds[2 * index + 1]! - bounds[2 * index]!;
  }

  offsetAt(at: number): string {
    return this.stored[at]!.offsetAt(this.index[at]!);
  }

  /** Lets go of the batches too, so that a list at rest keeps nothing alive. */
  clear(): void {
    this.stored.length = 0;
    this.index.length = 0;
    this.number.length = 0;
    this.previous.length = 0;
    this.count = 0;
    this.bytes = 0;
  }
}
