/** Reads one partition of a topic that others write to, record by record, whatever lies in it. */
import { fromRecord, KAFKA_BINDING, NoEventError } from "@distribution/broker-common";
import type { ForeignReader, ForeignRecord } from "@distribution/core/brokers";
import { fieldError } from "@distribution/core/errors";
import type { LogRecord } from "./record.ts";
import type { DamagedBatch } from "./record-batches.ts";
import type { Gathering, Source } from "./source.ts";
import type { Start } from "./start.ts";

const NS_PER_MS = 1_000_000n;

/** Its time is its own, whatever lies before it: a record that is read again is the same. */
function foreignRecord(epoch: string, record: LogRecord): ForeignRecord {
  return {
    ...{ epoch, offset: record.offset.toString(), key: record.key, value: record.value },
    time: timeOf(record.time),
    headers: record.headers.map(([name, value]) => [name, value ?? Buffer.alloc(0)]),
    events() {
      try {
        return fromRecord(record, KAFKA_BINDING);
      } catch (failure) {
        if (!(failure instanceof NoEventError)) throw failure;
        throw fieldError("invalid_event", "record", failure.message);
      }
    },
  };
}

export function createForeignGathering(epoch: string): Gathering<ForeignRecord> {
  let records: ForeignRecord[] = [];
  return {
    add: (record) => void records.push(foreignRecord(epoch, record)),
    take() {
      const taken = records;
      records = [];
      return taken;
    },
  };
}

/** Kafka's -1: its writer said none. */
const timeOf = (ms: bigint): bigint => (ms > 0n ? ms * NS_PER_MS : 0n);

/** A batch that cannot be read, as one record. */
export function damagedRecord(epoch: string, { bytes, last, time }: DamagedBatch, why: string): ForeignRecord {
  const damage = `The record batch that ends at ${last} ${why}.`;
  return {
    ...{ epoch, offset: last.toString(), key: undefined, headers: [], value: bytes, time: timeOf(time), damage },
    events() {
      throw fieldError("invalid_event", "record", damage);
    },
  };
}

export interface ForeignReaderOptions {
  readonly start: Start;
  readonly source: Source<ForeignRecord>;
  /** Ends what the source waits for. */
  readonly abort: AbortController;
  /** Told once, when the reader is closed. */
  onClose(reader: ForeignReader): void;
}

export function createForeignReader({ start, source, abort, onClose }: ForeignReaderOptions): ForeignReader {
  let rest: readonly ForeignRecord[] = [];
  let closed = false;
  const reader: ForeignReader = {
    start: { epoch: start.epoch, offset: start.offset },
    async next(maxRecords) {
      try {
        if (rest.length === 0 && !closed) rest = await source.fetch();
      } catch (failure) {
        if (closed) return [];
        await reader.close();
        throw failure;
      }
      if (closed) return [];
      const given = rest.slice(0, maxRecords);
      rest = rest.slice(maxRecords);
      return given;
    },
    async close() {
      if (closed) return;
      closed = true;
      rest = [];
      abort.abort();
      onClose(reader);
    },
  };
  return reader;
}
