/** What may be under way at a time; more is refused at once, so that a slow broker never becomes a growing queue. */
import { DistributionError, fieldError } from "../errors.ts";
import type { PackedBatch } from "../events/index.ts";
import { eventTooLarge } from "../events/index.ts";
import type { IngestBounds } from "./bounds.ts";

export class Admission {
  readonly #bounds: IngestBounds;
  #batches = 0;
  #events = 0;
  #bytes = 0;
  #idle: (() => void)[] = [];

  constructor(bounds: IngestBounds) {
    this.#bounds = bounds;
  }

  /** Batches under way. */
  get batches(): number {
    return this.#batches;
  }

  get events(): number {
    return this.#events;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Counts the batch as under way until `leave`. Throws `invalid_request` on an empty batch, `batch_too_large` or
   * `event_too_large` on one that is never taken, `overloaded` on one that may come again later.
   */
  enter(batch: PackedBatch): void {
    this.#checkSize(batch);
    const bounds = this.#bounds;
    const size = batch.bytes.length;
    if (this.#batches + 1 > bounds.inFlightBatches) throw this.#overloaded("batches", bounds.inFlightBatches);
    if (this.#events + batch.count > bounds.inFlightEvents) throw this.#overloaded("events", bounds.inFlightEvents);
    if (this.#bytes + size > bounds.inFlightBytes) throw this.#overloaded("bytes", bounds.inFlightBytes);
    this.#batches += 1;
    this.#events += batch.count;
    this.#bytes += size;
  }

  leave(batch: PackedBatch): void {
    this.#batches -= 1;
    this.#events -= batch.count;
    this.#bytes -= batch.bytes.length;
    if (this.#batches === 0) for (const wake of this.#idle.splice(0)) wake();
  }

  /** What the batch left behind may be in the log or not: it takes its room until `forget`, and nobody waits for it to go. */
  remember(batch: PackedBatch): void {
    this.#events += batch.count;
    this.#bytes += batch.bytes.length;
  }

  forget(batch: PackedBatch): void {
    this.#events -= batch.count;
    this.#bytes -= batch.bytes.length;
  }

  /** Resolves when nothing is under way. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#batches === 0) resolve();
      else this.#idle.push(resolve);
    });
  }

  #checkSize({ bytes, bounds, count }: PackedBatch): void {
    const { batchBytes, batchEvents, eventBytes } = this.#bounds;
    if (count === 0) throw fieldError("invalid_request", "events", "The batch is empty. Send at least one event.");
    if (bytes.length > batchBytes) throw tooLarge(`${bytes.length} bytes`, batchBytes);
    if (count > batchEvents) throw tooLarge(`${count} events`, batchEvents);
    for (let index = 0; index < count; index += 1) {
      const size = bounds[2 * index + 1]! - bounds[2 * index]!;
      if (size > eventBytes) throw eventTooLarge(index, size, eventBytes);
    }
  }

  #overloaded(what: string, limit: number): DistributionError {
    const { retryAfterMs } = this.#bounds;
    const message = `${limit} ${what} are being made durable already. Send the batch again in ${retryAfterMs} ms.`;
    return new DistributionError("overloaded", message, { retryAfterMs });
  }
}

function tooLarge(what: string, limit: number): DistributionError {
  return fieldError("batch_too_large", "events", `The batch has ${what}; the limit is ${limit}. Send several batches.`);
}
