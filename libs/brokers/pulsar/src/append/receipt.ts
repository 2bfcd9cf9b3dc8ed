/** Where the events of a write lie. */
import type { Appended, Stored } from "@distribution/core/brokers";
import { type EntryId, formatOffset } from "../offset.ts";
import type { MessagePlace } from "../port.ts";

/** In one message with others before them. */
export class PackedReceipt implements Appended {
  readonly epoch: string;
  readonly #entry: EntryId;
  readonly #before: number;

  constructor(epoch: string, { ledger, entry }: EntryId, before: number) {
    this.epoch = epoch;
    this.#entry = { ledger, entry };
    this.#before = before;
  }

  offsetAt(index: number): string {
    const { ledger, entry } = this.#entry;
    return formatOffset({ ledger, entry, index: this.#before + index + 1 });
  }
}

/** Each event in a message of its own; without a place: Pulsar did not take it. */
export class SingleReceipt implements Stored {
  readonly epoch: string;
  readonly #places: readonly (MessagePlace | undefined)[];

  constructor(epoch: string, places: readonly (MessagePlace | undefined)[]) {
    this.epoch = epoch;
    this.#places = places;
  }

  has(index: number): boolean {
    return this.#places[index] !== undefined;
  }

  offsetAt(index: number): string {
    const { ledger, entry, batchIndex } = this.#places[index]!;
    return formatOffset({ ledger, entry, index: Math.max(batchIndex, 0) + 1 });
  }
}
