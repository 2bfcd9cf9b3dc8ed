/** ACK frames, and what is acknowledged of batches that are not acknowledged as a whole. */
import { TransitMap } from "@distribution/collections";
import type { MessageId } from "../contract.ts";
import { COMMAND } from "../wire/commands.ts";
import { varint64Size, varintSize, writeVarint, writeVarint64 } from "../wire/writer.ts";

/** An id as ACK has it: a whole entry, or with the bits of those of its messages that stay open. */
export interface AckedId {
  readonly ledgerId: bigint;
  readonly entryId: bigint;
  readonly openBits?: readonly bigint[];
  readonly batchSize?: number;
}

export const ACK_TYPE = { individual: 0, cumulative: 1 } as const;

function idSize({ ledgerId, entryId, openBits = [], batchSize = 0 }: AckedId): number {
  let size = 2 + varint64Size(ledgerId) + varint64Size(entryId);
  for (const word of openBits) size += 1 + varint64Size(word);
  return batchSize > 0 ? size + 1 + varintSize(batchSize) : size;
}

/** `ACK{1: consumer, 2: type, 3: ids, 8: request}` in a frame. */
export function ackFrame(consumerId: number, type: number, ids: readonly AckedId[], requestId: number): Buffer {
  let body = 5 + varintSize(consumerId) + varintSize(requestId) - 1;
  for (const id of ids) {
    const size = idSize(id);
    body += 1 + varintSize(size) + size;
  }
  const size = 3 + varintSize(body) + body;
  const frame = Buffer.allocUnsafe(8 + size);
  frame.writeUInt32BE(4 + size, 0);
  frame.writeUInt32BE(size, 4);
  frame[8] = 8;
  frame[9] = COMMAND.ack;
  frame[10] = COMMAND.ack * 8 + 2;
  let pos = writeVarint(frame, 11, body);
  pos = writeVarint(frame, writeVarint(frame, pos, 8), consumerId);
  pos = writeVarint(frame, writeVarint(frame, pos, 16), type);
  for (const id of ids) pos = writeId(frame, pos, id);
  writeVarint(frame, writeVarint(frame, pos, 64), requestId);
  return frame;
}

function writeId(frame: Buffer, at: number, id: AckedId): number {
  const { openBits = [], batchSize = 0 } = id;
  let pos = writeVarint(frame, writeVarint(frame, at, 26), idSize(id));
  pos = writeVarint64(frame, writeVarint(frame, pos, 8), id.ledgerId);
  pos = writeVarint64(frame, writeVarint(frame, pos, 16), id.entryId);
  for (const word of openBits) pos = writeVarint64(frame, writeVarint(frame, pos, 40), word);
  return batchSize > 0 ? writeVarint(frame, writeVarint(frame, pos, 48), batchSize) : pos;
}

/** An entry of which something was acknowledged. */
export interface Touched {
  readonly id: MessageId;
  /** Bits of the batch's messages that are open; undefined: it is acknowledged as a whole. */
  readonly open: Uint32Array | undefined;
  /** Open messages. */
  left: number;
}

interface Partial extends Touched {
  readonly open: Uint32Array;
}

/** Remembers of each batch which of its messages are open, from its first partial acknowledgement to its last. */
export class PartialAcks {
  readonly #partials = new TransitMap<string, Partial>();

  get size(): number {
    return this.#partials.size;
  }

  /** The entry was given out again with these bits open; undefined: all. */
  given(id: MessageId, openBits: readonly bigint[] | undefined): void {
    if (this.#partials.size === 0 && openBits === undefined) return;
    const key = keyOf(id);
    this.#partials.delete(key);
    if (openBits === undefined || openBits.length === 0) return;
    const partial = allOpen(id);
    for (let index = 0; index < id.batchSize; index++) {
      if ((((openBits[index >> 6] ?? 0n) >> BigInt(index & 63)) & 1n) === 0n) settle(partial, index);
    }
    if (partial.left > 0) this.#partials.set(key, partial);
  }

  ack(id: MessageId): Touched {
    if (id.batchIndex < 0 || id.batchSize <= 1) {
      if (this.#partials.size > 0) this.#partials.delete(keyOf(id));
      return { id, open: undefined, left: 0 };
    }
    return this.#settle(id, id.batchIndex);
  }

  /** Everything up to and including this message. */
  ackCumulative(id: MessageId): Touched {
    for (const [key, partial] of this.#partials) {
      const { ledgerId, entryId } = partial.id;
      if (ledgerId < id.ledgerId || (ledgerId === id.ledgerId && entryId < id.entryId)) this.#partials.delete(key);
    }
    if (id.batchIndex < 0 || id.batchIndex >= id.batchSize - 1) {
      this.#partials.delete(keyOf(id));
      return { id, open: undefined, left: 0 };
    }
    return this.#settle(id, 0);
  }

  /** Closes the messages from `first` to that of the id. */
  #settle(id: MessageId, first: number): Touched {
    const key = keyOf(id);
    let partial = this.#partials.get(key);
    if (partial === undefined) {
      partial = allOpen(id);
      this.#partials.set(key, partial);
    }
    for (let index = first; index <= id.batchIndex; index++) settle(partial, index);
    if (partial.left === 0) this.#partials.delete(key);
    return partial;
  }

  clear(): void {
    this.#partials.clear();
  }
}

/** What to tell the broker; undefined: nothing, because the batch has open messages and the broker counts batches. */
export function ackedId({ id, open, left }: Touched, byIndex: boolean): AckedId | undefined {
  const { ledgerId, entryId, batchSize } = id;
  if (left === 0 || open === undefined) return batchSize > 0 ? { ledgerId, entryId, batchSize } : { ledgerId, entryId };
  return byIndex ? { ledgerId, entryId, openBits: wordsOf(open), batchSize } : undefined;
}

/** The same of a cumulative acknowledgement: a broker that counts batches is told of the entry before. */
export function ackedCumulative(touched: Touched, byIndex: boolean): AckedId | undefined {
  const told = ackedId(touched, byIndex);
  const { ledgerId, entryId } = touched.id;
  if (told !== undefined) return touched.left === 0 ? { ledgerId, entryId } : told;
  return entryId > 0n ? { ledgerId, entryId: entryId - 1n } : undefined;
}

const keyOf = ({ ledgerId, entryId }: MessageId): string => `${ledgerId}:${entryId}`;

function allOpen(id: MessageId): Partial {
  const open = new Uint32Array(2 * Math.ceil(id.batchSize / 64));
  for (let index = 0; index < id.batchSize; index++) open[index >> 5]! |= 1 << (index & 31);
  return { id, open, left: id.batchSize };
}

function settle(partial: Partial, index: number): void {
  const bit = 1 << (index & 31);
  const word = partial.open[index >> 5] ?? 0;
  if ((word & bit) === 0) return;
  partial.open[index >> 5] = word & ~bit;
  partial.left--;
}

/** As 64-bit words, little end first, as Java's BitSet has them. */
function wordsOf(open: Uint32Array): bigint[] {
  const words: bigint[] = [];
  for (let i = 0; i < open.length; i += 2) {
    words.push(BigInt.asIntN(64, (BigInt(open[i + 1]!) << 32n) | BigInt(open[i]!)));
  }
  return words;
}
