/** The events of one message with their place in the log. */
import { cut } from "@distribution/broker-common";
import type { StoredBatch } from "@distribution/core/brokers";
import type { PackedBatch } from "@distribution/core/events";
import { compareEntries, type EntryId, formatOffset, type Place } from "../offset.ts";

export class Stored implements StoredBatch {
  readonly epoch: string;
  readonly batch: PackedBatch;
  readonly appendedAt: bigint;
  readonly #entry: EntryId;
  /** Events of the entry that go before these. */
  readonly #before: number;

  constructor(epoch: string, appendedAt: bigint, batch: PackedBatch, entry: EntryId, before: number) {
    this.epoch = epoch;
    this.appendedAt = appendedAt;
    this.batch = batch;
    this.#entry = entry;
    this.#before = before;
  }

  placeAt(index: number): Place {
    const { ledger, entry } = this.#entry;
    return { ledger, entry, index: this.#before + index + 1 };
  }

  offsetAt(index: number): string {
    return formatOffset(this.placeAt(index));
  }

  get last(): Place {
    return this.placeAt(this.batch.count - 1);
  }

  /** What comes after the place; undefined when nothing does. */
  after(place: Place): Stored | undefined {
    const order = compareEntries(this.#entry, place);
    const passed = order > 0 ? 0 : order < 0 ? this.batch.count : Math.max(0, place.index - this.#before);
    if (passed === 0) return this;
    return passed >= this.batch.count ? undefined : this.cut(passed, this.batch.count);
  }

  /** Events `from` up to, not including, `to`, without copying their bytes. */
  cut(from: number, to: number): Stored {
    const { epoch, appendedAt, batch } = this;
    return new Stored(epoch, appendedAt, cut(batch, from, to), this.#entry, this.#before + from);
  }
}
