/** Messages as the batches of events that they are, with their places. */
import { EventRun, fromRecord, NoEventError, PULSAR_BINDING } from "@distribution/broker-common";
import { DistributionError } from "@distribution/core/errors";
import type { PackedBatch } from "@distribution/core/events";
import { type EntryId, formatOffset } from "../offset.ts";
import type { MessagePlace, PortMessage } from "../port.ts";

/** Counts the events of an entry, message by message, from its first. What compaction took out of a batch counts as one each. */
export class EntryCounter {
  #ledger = -1n;
  #entry = -1n;
  #events = 0;
  #nextMessage = 0;

  /** How many events of the entry go before the message, which has this many. */
  before({ ledger, entry, batchIndex }: MessagePlace, events: number): number {
    if (ledger !== this.#ledger || entry !== this.#entry) {
      this.#ledger = ledger;
      this.#entry = entry;
      this.#events = 0;
      this.#nextMessage = 0;
    }
    const before = this.#events + Math.max(batchIndex - this.#nextMessage, 0);
    this.#events = before + events;
    this.#nextMessage = batchIndex + 1;
    return before;
  }
}

/** Throws `record_damaged` naming the place when the message is no event; `where` is topic/partition. */
export function eventsOf(message: PortMessage, where: string): PackedBatch {
  const { lying } = message;
  if (lying !== undefined && run.add(lying) === "added") return run.take();
  try {
    return fromRecord({ headers: message.properties(), value: message.data }, PULSAR_BINDING);
  } catch (cause) {
    if (!(cause instanceof NoEventError)) throw cause;
    throw recordDamaged(where, message.place, `is no event: ${cause.message}`, cause);
  }
}

/** Of one message at a time: empty between two. */
const run = new EventRun(PULSAR_BINDING);

/** What is no event counts as one, so that a position can lie after it. */
export function countOf(message: PortMessage, where: string): number {
  try {
    return eventsOf(message, where).count;
  } catch {
    return 1;
  }
}

export function recordDamaged(
  where: string,
  { ledger, entry }: EntryId,
  why: string,
  cause: unknown,
): DistributionError {
  const offset = formatOffset({ ledger, entry, index: 0 });
  return new DistributionError("record_damaged", `${where}, what follows offset ${offset}, ${why}.`, { cause });
}
