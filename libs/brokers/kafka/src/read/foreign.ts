/** Reads one partition of a topic that others write to, record by record, whatever lies in it. */
import { fromRecord, KAFKA_BINDING, NoEventError } from "@distribution/broker-common";
import type { ForeignReader, ForeignRecord } from "@distribution/core/brokers";
import { fieldError } from "@distribution/core/errors";
import type { LogRecord } from "./record-batches.ts";
import type { Source } from "./source.ts";

/** `time`: Unix ns. */
export function foreignRecord(epoch: string, record: LogRecord, time: bigint): ForeignRecord {
  return {
    ...{ epoch, offset: record.offset.toString(), key: record.key, value: record.value, time },
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

export interface ForeignReaderOptions {
  readonly source: Source<ForeignRecord>;
  /** Ends what the source waits for. */
  readonly abort: AbortController;
  /** Told once, when the reader is closed. */
  onClose(reader: ForeignReader): void;
}

export function createForeignReader({ source, abort, onClose }: ForeignReaderOptions): ForeignReader {
  let rest: readonly ForeignRecord[] = [];
  let closed = false;
  const reader: ForeignReader = {
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
