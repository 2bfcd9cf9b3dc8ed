/** History from the log and the latest from the table: what REST and the command line ask for. */
import type { Broker, PartitionInfo, PartitionReader, StoredBatch } from "../brokers/contract.ts";
import { DistributionError } from "../errors.ts";
import { createPace, type Runtime } from "../runtime/index.ts";
import type { Matcher, TopicSchema } from "../subscriptions/contract.ts";
import type { HistoryRequest, PlacedEvent, Queries } from "./contract.ts";
import type { PartitionTail } from "./partition-tail.ts";
import { placed } from "./placed.ts";
import { createSelection, type Selection } from "./selection.ts";
import type { Table, TableEntry } from "./table.ts";
import type { Tail } from "./tail.ts";

export interface QueriesOptions {
  readonly broker: Broker;
  readonly tail: Tail;
  /** A matcher of its own for each query: the same motion as live matching. */
  readonly createMatcher: (schema: TopicSchema) => Matcher;
  readonly runtime: Pick<Runtime, "clock" | "timers">;
}

const READ_BYTES = 256 * 1024;

export function createQueries({ broker, tail, createMatcher, runtime }: QueriesOptions): Queries {
  const tailsOf = (topic: string): readonly PartitionTail[] => {
    const tails = tail.partitions(topic);
    if (tails.length === 0) throw new DistributionError("unknown_topic", `This service has no topic ${topic}.`);
    return tails;
  };

  return {
    async *history(request) {
      const tails = tailsOf(request.topic);
      const selects = createSelection(createMatcher, tails[0]!.topic, request.keys, request.filter);
      const infos = await broker.admin.partitions(request.topic);
      const cursors: LogCursor[] = [];
      try {
        for (const info of infos) cursors.push(await openCursor(broker, request, info));
        for (let oldest = await oldestOf(cursors); oldest; oldest = await oldestOf(cursors)) {
          const events = oldest.take(selects);
          if (events.length > 0) yield events;
        }
      } finally {
        await Promise.all(cursors.map((cursor) => cursor.close()));
      }
    },

    async latest(topic, keys, filter) {
      const tails = tailsOf(topic);
      const selects = createSelection(createMatcher, tails[0]!.topic, [], filter);
      const wanted = [...new Set(keys)].map((key) => Buffer.from(key, "utf8"));
      // All in this turn, so that it belongs together.
      const positions = tails.map((each) => each.positionAt(each.head));
      const tables = tails.map((each) => openTable(each, wanted));
      const events: PlacedEvent[] = [];
      const pace = createPace(runtime);
      try {
        for (let oldest = oldestChange(tables); oldest; oldest = oldestChange(tables)) {
          const { stored, index } = oldest.entry!;
          if (selects(stored, index)) events.push(placed(topic, oldest.partition, stored, index));
          oldest.advance();
          if (pace.spent()) await pace.next();
        }
      } finally {
        for (const table of tables) table.close();
      }
      return { positions, events };
    },
  };
}

/** What is asked for of one partition's table, as it was when it was opened, oldest change first. */
interface TableCursor {
  readonly partition: number;
  /** Undefined at the end. */
  readonly entry: TableEntry | undefined;
  advance(): void;
  close(): void;
}

/** Taken from the table at a time. */
const STEP_KEYS = 256;

/** No keys: all. Throws `not_supported`. */
function openTable({ topic, partition, table }: PartitionTail, keys: readonly Uint8Array[]): TableCursor {
  if (!table) throw new DistributionError("not_supported", `Topic ${topic.name} keeps no table of latest events.`);
  const snapshot = keys.length === 0 ? table.snapshot() : undefined;
  let entries = snapshot ? snapshot.next(STEP_KEYS) : entriesOf(table, keys);
  let at = 0;
  return {
    partition,
    get entry() {
      return entries[at];
    },
    advance() {
      at += 1;
      if (at < entries.length || !snapshot) return;
      entries = snapshot.next(STEP_KEYS);
      at = 0;
    },
    close: () => snapshot?.close(),
  };
}

/** As they are now. */
function entriesOf(table: Table, keys: readonly Uint8Array[]): readonly TableEntry[] {
  const found = keys.flatMap((key) => table.get(key) ?? []);
  return found.map((entry) => ({ ...entry })).sort((a, b) => a.number - b.number);
}

function oldestChange(tables: readonly TableCursor[]): TableCursor | undefined {
  let oldest: TableCursor | undefined;
  let appendedAt = 0n;
  for (const table of tables) {
    const { entry } = table;
    if (!entry || (oldest && entry.stored.appendedAt >= appendedAt)) continue;
    oldest = table;
    ({ appendedAt } = entry.stored);
  }
  return oldest;
}

/** One partition of a history: from where the request starts to the end of the log as it was then. */
interface LogCursor {
  /** The next batch, read when it is needed; undefined at the end. */
  peek(): Promise<StoredBatch | undefined>;
  /** The events of the peeked batch that are wanted. */
  take(selects: Selection): readonly PlacedEvent[];
  close(): Promise<void>;
}

async function openCursor(broker: Broker, request: HistoryRequest, info: PartitionInfo): Promise<LogCursor> {
  const after = request.after?.find(({ partition }) => partition === info.partition);
  const reader: PartitionReader = await broker.read(info.topic, info.partition, after ? { after } : request.from);
  let last = reader.start.offset;
  let batches: readonly StoredBatch[] = [];
  let next = 0;
  let ended = false;
  const atEnd = (): boolean => broker.compareOffsets(last, info.end) >= 0;

  return {
    async peek() {
      if (ended) return undefined;
      if (next === batches.length) {
        if (atEnd()) return undefined;
        batches = await reader.next(READ_BYTES);
        next = 0;
      }
      const batch = batches[next];
      ended = batch === undefined || (request.to !== undefined && batch.appendedAt >= request.to);
      return ended ? undefined : batch;
    },
    take(selects) {
      const stored = batches[next]!;
      next += 1;
      const events: PlacedEvent[] = [];
      for (let index = 0; index < stored.batch.count && !atEnd(); index += 1) {
        last = stored.offsetAt(index);
        if (selects(stored, index)) events.push(placed(info.topic, info.partition, stored, index));
      }
      ended = atEnd();
      return events;
    },
    close: () => reader.close(),
  };
}

async function oldestOf(cursors: readonly LogCursor[]): Promise<LogCursor | undefined> {
  let oldest: LogCursor | undefined;
  let appendedAt = 0n;
  for (const cursor of cursors) {
    const batch = await cursor.peek();
    if (!batch || (oldest && batch.appendedAt >= appendedAt)) continue;
    oldest = cursor;
    appendedAt = batch.appendedAt;
  }
  return oldest;
}
