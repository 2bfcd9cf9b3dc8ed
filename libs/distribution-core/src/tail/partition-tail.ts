/**
 * One partition's tail: the only reader of its log's head in this process, feeding the ring and the table.
 * It numbers events densely and tells `onEvents` what came; it survives a broker that goes away by reading on where it was.
 */
import type { Broker, PartitionReader, Position, ReadFrom, StoredBatch } from "../brokers/contract.ts";
import { DistributionError, toDistributionError } from "../errors.ts";
import type { Logger } from "../observability/index.ts";
import type { Runtime, Timer } from "../runtime/index.ts";
import type { TopicDefinition } from "../topics.ts";
import { createKeySpans } from "./key-spans.ts";
import { createRing, type Ring, type RingBatch } from "./ring.ts";
import { createTable, type Table } from "./table.ts";

/** A place between two events: after the one at `offset`, before the one numbered `number`. */
export interface Place {
  readonly number: number;
  readonly epoch: string;
  readonly offset: string;
}

/** The log lost events that were not read yet, or began anew: reading went on at `to`. */
export interface Loss {
  readonly from: Place;
  readonly to: Place;
}

export interface PartitionTail {
  readonly topic: TopicDefinition;
  readonly partition: number;
  readonly ring: Ring;
  readonly table: Table | undefined;
  /** Where it began to read: of a partition that was added while the service runs, the partition's beginning. */
  readonly start: Place;
  /** After the newest event read. */
  readonly head: Place;
  /** Why the tail does not move although its log does, until it has moved again or nothing is left to read. */
  readonly trouble: string | undefined;
  /** The trouble is one that trying again does not mend: a damaged record. */
  readonly damaged: boolean;
  /**
   * Resolves when everything that was in the log at start is in ring and table, or when trying again cannot help
   * (a damaged record): then `trouble` says why, and ring and table hold what came before it.
   */
  readonly caughtUp: Promise<void>;
  /** The place before the event of this number; undefined when ring and head no longer know it. */
  placeBefore(number: number): Place | undefined;
  /** The place after the event at this offset; undefined when ring and head do not know it. */
  placeAfter(epoch: string, offset: string): Place | undefined;
  /** The first loss at this number or later, of the newest ones: nothing that lay between its places was read. */
  lossAfter(number: number): Loss | undefined;
  positionAt(place: Place): Position;
  close(): Promise<void>;
}

export interface TableSeed {
  readonly after: { readonly epoch: string; readonly offset: string };
  /** The table's events at that position, oldest change first, one a batch. */
  readonly entries: readonly StoredBatch[];
}

export interface PartitionTailOptions {
  readonly broker: Broker;
  readonly topic: TopicDefinition;
  readonly partition: number;
  readonly runtime: Runtime;
  readonly logger: Logger;
  readonly seed?: TableSeed | undefined;
  /** The partition was added while the service runs: it is read from its beginning, table or not. */
  readonly added?: boolean;
  /** It is there, at its start; what comes is told from now on. Must not throw. */
  readonly onOpen?: (tail: PartitionTail) => void;
  /** What just came after `from`, in log order; never empty. Must not throw. */
  readonly onEvents: (tail: PartitionTail, batches: readonly RingBatch[], from: Place) => void;
  /** The log lost events between the two places, or its history changed. Must not throw. */
  readonly onLost: (tail: PartitionTail, from: Place, to: Place) => void;
  /** Its `trouble` came or went. Must not throw. */
  readonly onTrouble?: (tail: PartitionTail) => void;
}

/** Bytes asked of the broker at a time: about a millisecond of matching. */
const READ_BYTES = 256 * 1024;
/** Milliseconds until the first try after a failure; each further one waits twice as long, up to the most. */
const RETRY_MS = 250;
const MAX_RETRY_MS = 5_000;
/** Losses remembered for readers that are behind them. */
const MAX_LOSSES = 64;
/** Reasons remembered to log each once; a failure whose text is never the same must not fill the memory. */
const MAX_REASONS = 100;

/**
 * Rejects with what the broker rejects with when trying again can help: it is away. A partition that it refuses for good
 * as it seems is opened all the same: in trouble, and tried again as after any failure.
 */
export async function openPartitionTail(options: PartitionTailOptions): Promise<PartitionTail> {
  const { broker, topic, partition, runtime, logger, seed } = options;
  const table = topic.table && createTable({ maxKeys: topic.table.keys, maxBytes: topic.table.bytes });
  const spansOf = createKeySpans();
  const applyToTable = (target: Table, { first, stored }: RingBatch, keys: Uint32Array): void => {
    for (let index = 0; index < stored.batch.count; index += 1) {
      target.apply(first + index, stored, index, keys[2 * index]!, keys[2 * index + 1]!);
    }
  };

  const opened = await openReader(options);
  let { reader } = opened;
  const usable =
    seed !== undefined && reader.start.epoch === seed.after.epoch && reader.start.offset === seed.after.offset;
  const seeds = usable && table ? seed.entries : [];
  if (table) {
    for (const [number, stored] of seeds.entries())
      applyToTable(table, { first: number, stored }, spansOf(stored.batch));
  }
  const ring = createRing({ bytes: topic.ringBytes, onEvict: (batch) => table?.detach(batch) }, seeds.length);

  const start: Place = { number: ring.next, ...reader.start };
  let head = start;
  let trouble: string | undefined;
  let damaged = false;
  let closed = false;
  const endOfLog = async (): Promise<{ epoch: string; offset: string }> => {
    const info = (await broker.admin.partitions(topic.name))[partition];
    return info ? { epoch: info.epoch, offset: info.end } : head;
  };
  const goals = endOfLog().catch(async (failure: unknown) => {
    await reader.close();
    throw failure;
  });
  let goal = (await goals).offset;
  const reached = Promise.withResolvers<void>();
  const checkCaughtUp = (): void => {
    if (broker.compareOffsets(head.offset, goal) >= 0) reached.resolve();
  };

  /** What can fail comes first: a batch is in ring and table and behind the head, or in none of them. */
  const keep = (stored: StoredBatch): RingBatch => {
    const offset = stored.offsetAt(stored.batch.count - 1);
    const keys = table && readKeys(stored);
    const batch = ring.push(stored);
    if (table && keys) applyToTable(table, batch, keys);
    head = { number: ring.next, epoch: stored.epoch, offset };
    return batch;
  };

  const readKeys = (stored: StoredBatch): Uint32Array => {
    try {
      return spansOf(stored.batch);
    } catch (cause) {
      const place = `${topic.name}/${partition} epoch ${stored.epoch} offset ${stored.offsetAt(0)}`;
      const message = `The record at ${place} holds what is no event: ${toDistributionError(cause).message} Give it up by truncating to its end.`;
      throw new DistributionError("record_damaged", message, { cause });
    }
  };

  const take = (list: readonly StoredBatch[]): void => {
    const from = head;
    const came: RingBatch[] = [];
    try {
      for (const stored of list) came.push(keep(stored));
    } finally {
      // What came before a batch that cannot be read has come.
      if (came.length > 0) {
        options.onEvents(tail, came, from);
        checkCaughtUp();
      }
    }
  };

  /**
   * After a failure: reads on after the head, or says what was lost and reads from the oldest event there is.
   * True when nothing is left to read.
   */
  const reopen = async (): Promise<boolean> => {
    const end = await endOfLog();
    try {
      reader = await broker.read(topic.name, partition, { after: head });
    } catch (failure) {
      if (toDistributionError(failure).code !== "position_gone") throw failure;
      reader = await broker.read(topic.name, partition, { at: "earliest" });
      const from = head;
      // Another history: what the table knows was never in it, and where the old one ended says nothing about it.
      if (reader.start.epoch !== from.epoch) {
        table?.clear();
        goal = end.epoch === reader.start.epoch ? end.offset : reader.start.offset;
      }
      ring.breakOff();
      head = { number: ring.next, ...reader.start };
      losses.push({ from, to: head });
      if (losses.length > MAX_LOSSES) losses.shift();
      options.onLost(tail, from, head);
      checkCaughtUp();
    }
    return head.epoch === end.epoch && broker.compareOffsets(head.offset, end.offset) >= 0;
  };

  const losses: Loss[] = [];
  let retryMs = RETRY_MS;
  const reasons = new Set<string>();
  const setTrouble = (reason: string | undefined): void => {
    const changed = (trouble === undefined) !== (reason === undefined);
    trouble = reason;
    if (changed) options.onTrouble?.(tail);
  };
  const recovered = (): void => {
    setTrouble(undefined);
    retryMs = RETRY_MS;
    if (reasons.size > 0) reasons.clear();
  };
  const failed = (failure: unknown): void => {
    const { code, message, definition } = toDistributionError(failure);
    // Reading from the oldest event there is mends `position_gone`; the others come again with every try.
    damaged = !definition.retry && code !== "position_gone";
    setTrouble(message);
    if (!reasons.has(message)) {
      if (reasons.size === MAX_REASONS) reasons.clear();
      reasons.add(message);
      logger.error({ topic: topic.name, partition, code, err: failure }, "The tail stopped; trying on.");
    }
    if (damaged) reached.resolve();
  };

  let endPause: (() => void) | undefined;
  const pause = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const timer = runtime.timers.after(ms, resolve);
      endPause = () => {
        timer.cancel();
        resolve();
      };
    });
  const nextTurn = (): Promise<void> => new Promise((resolve) => runtime.timers.soon(resolve));

  const run = async (): Promise<void> => {
    let alive = true;
    let quiet: Timer | undefined;
    while (!closed) {
      try {
        const waits = !alive && (await reopen());
        alive = true;
        // Closed while the reader was being opened: `close` knew the one before only.
        if (closed) return await reader.close();
        // At the head `next` gives nothing until an event comes; one that waits and does not fail is as good as one that gave.
        if (waits) quiet = runtime.timers.after(retryMs, recovered);
        const list = await reader.next(READ_BYTES).finally(() => quiet?.cancel());
        if (list.length === 0) return;
        take(list);
        recovered();
        // The next batch may be there already: sockets get their turn first.
        await nextTurn();
      } catch (failure) {
        alive = false;
        failed(failure);
        if (!closed) await pause(retryMs);
        retryMs = Math.min(retryMs * 2, MAX_RETRY_MS);
      }
    }
  };

  const tail: PartitionTail = {
    topic,
    partition,
    ring,
    table,
    start,
    get head() {
      return head;
    },
    get trouble() {
      return trouble;
    },
    get damaged() {
      return trouble !== undefined && damaged;
    },
    caughtUp: reached.promise,
    placeBefore(number) {
      if (number === head.number) return head;
      const batch = ring.find(number - 1);
      if (!batch) return undefined;
      return { number, epoch: batch.stored.epoch, offset: batch.stored.offsetAt(number - 1 - batch.first) };
    },
    placeAfter(epoch, offset) {
      if (epoch !== head.epoch) return undefined;
      if (offset === head.offset) return head;
      const number = ring.numberOf(offset, broker.compareOffsets);
      return number === undefined ? undefined : { number: number + 1, epoch, offset };
    },
    lossAfter: (number) => losses.find(({ from }) => from.number >= number),
    positionAt: ({ epoch, offset }) => ({ topic: topic.name, partition, epoch, offset }),
    async close() {
      closed = true;
      endPause?.();
      await reader.close();
      await running;
    },
  };
  options.onOpen?.(tail);
  if (!opened.refused) checkCaughtUp();
  const running = run();
  return tail;
}

interface Opened {
  readonly reader: PartitionReader;
  /** The reader stands in for one that could not be opened: it rejects with the reason. */
  readonly refused: boolean;
}

async function openReader(options: PartitionTailOptions): Promise<Opened> {
  try {
    return { reader: await openFirst(options), refused: false };
  } catch (failure) {
    const error = toDistributionError(failure);
    if (error.definition.retry) throw failure;
    const start = await startOf(options);
    const reader = { start, next: () => Promise.reject(error), close: () => Promise.resolve() };
    return { reader, refused: true };
  }
}

/** A topic with a table is read from its checkpoint, or else from its beginning; another one from its end, unless it was added. */
async function openFirst(options: PartitionTailOptions): Promise<PartitionReader> {
  const { broker, topic, partition, seed, logger } = options;
  const from: ReadFrom = { at: readsAll(options) ? "earliest" : "latest" };
  if (!seed) return broker.read(topic.name, partition, from);
  try {
    return await broker.read(topic.name, partition, { after: seed.after });
  } catch (failure) {
    if (toDistributionError(failure).code !== "position_gone") throw failure;
    logger.warn(
      { topic: topic.name, partition },
      "The table's checkpoint is older than the log; building it from the log.",
    );
    return broker.read(topic.name, partition, from);
  }
}

/** Where the reader would start that could not be opened, as near as that can be known. */
async function startOf(options: PartitionTailOptions): Promise<PartitionReader["start"]> {
  const { broker, topic, partition, seed } = options;
  const { epoch, start, end } = (await broker.admin.partitions(topic.name))[partition]!;
  if (seed && seed.after.epoch === epoch) return seed.after;
  return { epoch, offset: readsAll(options) ? start : end };
}

const readsAll = ({ topic, added }: PartitionTailOptions): boolean => added === true || topic.table !== undefined;
