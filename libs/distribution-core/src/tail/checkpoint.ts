/**
 * Checkpoints of tables: a file a partition, so that a restart reads the log from there and not from its beginning.
 * A checkpoint is a cache: a damaged or missing one costs time, never data.
 */
import type { StoredBatch } from "../brokers/contract.ts";
import { packMessages } from "../events/index.ts";
import { createCheckedFiles, createLineReader, line } from "./checked-files.ts";
import type { PartitionTail, TableSeed } from "./partition-tail.ts";
import type { TableSnapshot } from "./table-snapshot.ts";

export interface Checkpoints {
  /** Undefined when there is none that can be trusted. */
  load(topic: string, partition: number): Promise<TableSeed | undefined>;
  /** The table as it is now, written in parts: what happens meanwhile is not in it. */
  save(tail: Pick<PartitionTail, "topic" | "partition" | "table" | "head">): Promise<void>;
}

/** A line with this as JSON, then each event, oldest change first: a line with an `EventLine`, and the event's message. */
interface Header {
  readonly version: typeof VERSION;
  readonly epoch: string;
  readonly offset: string;
  readonly events: number;
}

/** `appendedAt` in ns. */
type EventLine = readonly [offset: string, appendedAt: string, messageBytes: number];

const VERSION = 2;
/** Made in one turn of the event loop, and written at a time: half a millisecond of work. */
const PART_BYTES = 64 * 1024;
/** Taken from the table at a time. */
const STEP_KEYS = 256;

export function createFileCheckpoints(directory: string): Checkpoints {
  const files = createCheckedFiles(directory, "table");
  const nameOf = (topic: string, partition: number): string => `${topic}-${partition}`;

  return {
    async load(topic, partition) {
      try {
        const file = await files.read(nameOf(topic, partition));
        return file && parse(file);
      } catch {
        return undefined;
      }
    },
    async save({ topic, partition, table, head }) {
      if (!table) return;
      const header: Header = { version: VERSION, epoch: head.epoch, offset: head.offset, events: table.keys };
      const snapshot = table.snapshot();
      try {
        await files.write(nameOf(topic.name, partition), partsOf(header, snapshot));
      } finally {
        snapshot.close();
      }
    },
  };
}

async function* partsOf(header: Header, snapshot: TableSnapshot): AsyncGenerator<Uint8Array> {
  let parts: Uint8Array[] = [line(header)];
  let bytes = 0;
  for (let entries = snapshot.next(STEP_KEYS); entries.length > 0; entries = snapshot.next(STEP_KEYS)) {
    for (const { stored, index } of entries) {
      const { bytes: packed, bounds } = stored.batch;
      const message = packed.subarray(bounds[2 * index], bounds[2 * index + 1]);
      const head = line([stored.offsetAt(index), String(stored.appendedAt), message.length] satisfies EventLine);
      parts.push(head, message);
      bytes += head.length + message.length;
      if (bytes < PART_BYTES) continue;
      yield Buffer.concat(parts);
      parts = [];
      bytes = 0;
    }
  }
  yield Buffer.concat(parts);
}

function parse(file: Buffer): TableSeed | undefined {
  const reader = createLineReader(file);
  const { version, epoch, offset, events } = reader.line() as Header;
  if (version !== VERSION) return undefined;
  const entries = Array.from({ length: events }, () => {
    const [at, appendedAt, bytes] = reader.line() as unknown as EventLine;
    return storedMessage(reader.bytes(bytes), epoch, at, BigInt(appendedAt));
  });
  return { after: { epoch, offset }, entries };
}

/** A batch of the one message. */
function storedMessage(message: Uint8Array, epoch: string, offset: string, appendedAt: bigint): StoredBatch {
  const batch = packMessages([message]);
  return { epoch, appendedAt, offsetAt: () => offset, batch };
}
