/**
 * Checkpoints of tables: a file a partition, so that a restart reads the log from there and not from its beginning.
 * A checkpoint is a cache: a damaged or missing one costs time, never data.
 */
import { mkdirSync } from "node:fs";
import { open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import type { StoredBatch } from "../brokers/contract.ts";
import { packMessages } from "../events/index.ts";
import type { PartitionTail, TableSeed } from "./partition-tail.ts";
import type { TableEntry } from "./table.ts";

export interface Checkpoints {
  /** Undefined when there is none that can be trusted. */
  load(topic: string, partition: number): Promise<TableSeed | undefined>;
  save(tail: PartitionTail): Promise<void>;
}

/** The file: a line with the CRC-32 of all that follows, a line with this as JSON, then the events' messages one after the other. */
interface Header {
  readonly version: 1;
  readonly epoch: string;
  readonly offset: string;
  /** Offset, append time in ns, and message length of every event, oldest change first. */
  readonly entries: readonly (readonly [offset: string, appendedAt: string, length: number])[];
}

const NEWLINE = 10;

export function createFileCheckpoints(directory: string): Checkpoints {
  mkdirSync(directory, { recursive: true });
  const pathOf = (topic: string, partition: number): string => join(directory, `${topic}-${partition}.table`);

  return {
    async load(topic, partition) {
      try {
        return parse(await readFile(pathOf(topic, partition)));
      } catch {
        return undefined;
      }
    },
    async save(tail) {
      const bytes = render(tail);
      if (!bytes) return;
      const path = pathOf(tail.topic.name, tail.partition);
      const file = await open(`${path}.new`, "w");
      try {
        await file.writeFile(bytes);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(`${path}.new`, path);
    },
  };
}

function render({ table, head }: PartitionTail): Buffer | undefined {
  if (!table) return undefined;
  const entries: TableEntry[] = [];
  table.changedSince(0, (entry) => {
    entries.push({ number: entry.number, stored: entry.stored, index: entry.index });
    return true;
  });
  const messages = entries.map(({ stored: { batch }, index }) =>
    batch.bytes.subarray(batch.bounds[2 * index], batch.bounds[2 * index + 1]),
  );
  const header: Header = {
    version: 1,
    epoch: head.epoch,
    offset: head.offset,
    entries: entries.map(({ stored, index }, at) => [
      stored.offsetAt(index),
      String(stored.appendedAt),
      messages[at]!.length,
    ]),
  };
  const checked = Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), ...messages]);
  return Buffer.concat([Buffer.from(`${crc32(checked)}\n`), checked]);
}

function parse(file: Buffer): TableSeed | undefined {
  const start = file.indexOf(NEWLINE) + 1;
  const end = file.indexOf(NEWLINE, start);
  if (file.toString("latin1", 0, start - 1) !== String(crc32(file.subarray(start)))) return undefined;
  const header: Header = JSON.parse(file.toString("utf8", start, end));
  const body = file.subarray(end + 1);
  if (header.version !== 1) return undefined;
  let at = 0;
  const entries = header.entries.map(([offset, appendedAt, length]) => {
    const message = body.subarray(at, at + length);
    at += length;
    return storedMessage(message, header.epoch, offset, BigInt(appendedAt));
  });
  return { after: { epoch: header.epoch, offset: header.offset }, entries };
}

/** A batch of the one message. */
function storedMessage(message: Uint8Array, epoch: string, offset: string, appendedAt: bigint): StoredBatch {
  const batch = packMessages([message]);
  return { epoch, appendedAt, offsetAt: () => offset, batch };
}
