/** Message ids as values: comparing, and as bytes that other Pulsar clients understand. */
import type { MessageId } from "./contract.ts";
import { PulsarError } from "./errors.ts";

/** Before the first message of any topic. */
export const EARLIEST: MessageId = { ledgerId: -1n, entryId: -1n, partition: -1, batchIndex: -1, batchSize: 0 };

const LAST = 2n ** 63n - 1n;
/** After the last message of any topic. */
export const LATEST: MessageId = { ledgerId: LAST, entryId: LAST, partition: -1, batchIndex: -1, batchSize: 0 };

/**
 * Orders two ids of one topic: negative, zero, positive. An id without a batch index is its whole entry: it comes after
 * every message of the entry but the last, which it equals when it says the batch's size.
 */
export function compareMessageIds(a: MessageId, b: MessageId): number {
  if (a.ledgerId !== b.ledgerId) return a.ledgerId < b.ledgerId ? -1 : 1;
  if (a.entryId !== b.entryId) return a.entryId < b.entryId ? -1 : 1;
  if (a.batchIndex === b.batchIndex) return 0;
  return lastIndex(a) - lastIndex(b);
}

/** Of an entry as a whole: beyond every index that a batch can have, unless it is not a batch. */
function lastIndex(id: MessageId): number {
  return id.batchIndex >= 0 ? id.batchIndex : id.batchSize > 0 ? id.batchSize - 1 : 0;
}

/** `ledger:entry:partition:index/size`, for people and for `parseMessageId`. */
export function formatMessageId(id: MessageId): string {
  return `${id.ledgerId}:${id.entryId}:${id.partition}:${id.batchIndex}/${id.batchSize}`;
}

/** Throws `invalid_argument` on what `formatMessageId` did not write. */
export function parseMessageId(text: string): MessageId {
  const parts = /^(-?\d{1,19}):(-?\d{1,19}):(-?\d{1,9}):(-?\d{1,9})\/(\d{1,9})$/.exec(text);
  if (parts === null) {
    throw new PulsarError("invalid_argument", `"${text}" is no message id: ledger:entry:partition:index/size is`);
  }
  return {
    ledgerId: BigInt(parts[1] ?? ""),
    entryId: BigInt(parts[2] ?? ""),
    partition: Number(parts[3]),
    batchIndex: Number(parts[4]),
    batchSize: Number(parts[5]),
  };
}
