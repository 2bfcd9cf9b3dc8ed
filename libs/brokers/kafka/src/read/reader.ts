/** Reads one partition for one caller: what it is given at most, what is read ahead, and how it ends. */
import { sizeOf } from "@distribution/broker-common";
import type { PartitionReader, StoredBatch } from "@distribution/core/brokers";
import { type DistributionError, fieldError } from "@distribution/core/errors";
import type { LogBatch } from "./log-batch.ts";
import type { Source } from "./source.ts";
import type { Start } from "./start.ts";

export interface ReaderOptions {
  readonly start: Start;
  readonly source: Source<LogBatch>;
  /** Ends what the source waits for. */
  readonly abort: AbortController;
  /** Told once, when the reader is closed. */
  onClose(reader: PartitionReader): void;
}

export function createReader({ start, source, abort, onClose }: ReaderOptions): PartitionReader {
  /** Fetched and not yet given. */
  let rest: LogBatch[] = [];
  let at = 0;
  /** One answer ahead, and no more: begun when the one before was taken. */
  let ahead: Promise<readonly LogBatch[]> | undefined;
  /** Events of the first record that were read before. */
  let skip = start.read;
  let busy = false;
  let closed = false;
  /** Ends the wait of `next`. */
  let wake: (() => void) | undefined;

  const close = (): void => {
    if (closed) return;
    closed = true;
    rest = [];
    abort.abort();
    wake?.();
    onClose(reader);
  };

  const fetch = (): Promise<readonly LogBatch[]> => {
    const under = source.fetch();
    // It fails whoever takes it, and nobody may.
    under.catch(() => undefined);
    return under;
  };

  /** The record where the reader begins, without what was read before. */
  const begin = (batches: readonly LogBatch[]): LogBatch[] => {
    const read = skip;
    skip = undefined;
    const [first] = batches;
    if (read === undefined || first?.record !== start.record) return [...batches];
    const left = first.after(read);
    return left === undefined ? batches.slice(1) : [left, ...batches.slice(1)];
  };

  /** At most `maxBytes` from the front, at least one event. */
  const take = (maxBytes: number): LogBatch[] => {
    const taken: LogBatch[] = [];
    let room = maxBytes;
    while (at < rest.length && rest[at]!.batch.bytes.length <= room) {
      const batch = rest[at]!;
      room -= batch.batch.bytes.length;
      taken.push(batch);
      at += 1;
    }
    if (taken.length > 0) return taken;
    const [head, tail] = split(rest[at]!, maxBytes);
    if (tail === undefined) at += 1;
    else rest[at] = tail;
    return [head];
  };

  const read = async (maxBytes: number): Promise<readonly StoredBatch[]> => {
    while (!closed) {
      if (at < rest.length) {
        const taken = take(maxBytes);
        if (at === rest.length) ahead ??= fetch();
        return taken;
      }
      ahead ??= fetch();
      // A promise of its own for each wait: one that lived as long as the reader would keep every answer.
      const ended = new Promise<undefined>((resolve) => {
        wake = () => resolve(undefined);
      });
      const came = await Promise.race([ahead, ended]);
      ahead = undefined;
      if (closed || came === undefined) break;
      rest = begin(came);
      at = 0;
    }
    return [];
  };

  const reader: PartitionReader = {
    start: { epoch: start.epoch, offset: start.offset },
    async next(maxBytes) {
      if (!Number.isSafeInteger(maxBytes) || maxBytes < 1) {
        throw fieldError("invalid_request", "maxBytes", `must be a whole number of at least 1, not ${maxBytes}`);
      }
      if (busy) throw fieldError("invalid_request", "next", "one call at a time; await the one before");
      busy = true;
      try {
        return await read(maxBytes);
      } catch (failure) {
        if (closed) return [];
        close();
        throw failure as DistributionError;
      } finally {
        busy = false;
      }
    },
    async close() {
      close();
    },
  };
  return reader;
}

/** As many events as fit, at least one, and what is left. */
function split(stored: LogBatch, maxBytes: number): [LogBatch, LogBatch | undefined] {
  const { batch } = stored;
  let events = 1;
  while (events < batch.count && sizeOf(batch, 0, events + 1) <= maxBytes) events += 1;
  return events === batch.count ? [stored, undefined] : [stored.cut(0, events), stored.cut(events, batch.count)];
}
