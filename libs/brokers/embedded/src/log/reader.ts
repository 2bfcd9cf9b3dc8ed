/** Reads one partition: from the newest batches where they are kept, from the log where not, and waits at the head. */

import { sizeOf } from "@distribution/broker-common";
import type { PartitionReader, ReadFrom } from "@distribution/core/brokers";
import { DistributionError, fieldError } from "@distribution/core/errors";
import type { Runtime } from "@distribution/core/runtime";
import type { Log } from "./log.ts";
import { parseOffset } from "./offset.ts";
import type { Partition } from "./partition.ts";
import { recentFrom } from "./recent.ts";
import type { Stored } from "./stored.ts";

export interface ReaderOptions {
  readonly partition: Partition;
  /** The first offset to give. */
  readonly next: number;
  readonly log: Log;
  readonly runtime: Runtime;
  /** Told once, when the reader is closed. */
  onClose(reader: PartitionReader): void;
}

/** The first offset that a reader opened there gives. Throws `position_gone`, `invalid_request`. */
export function firstOffset(partition: Partition, log: Log, from: ReadFrom): number {
  const { start, end } = partition.state;
  if ("time" in from) {
    if (typeof from.time !== "bigint")
      throw fieldError("invalid_request", "from.time", "must be Unix nanoseconds as a bigint");
    return log.seekTime(partition, from.time);
  }
  if ("after" in from) {
    const offset = parseOffset(from.after.offset, "from.after.offset");
    if (from.after.epoch !== partition.epoch) {
      throw positionGone(partition, offset, `epoch ${from.after.epoch} is over, it is epoch ${partition.epoch} now`);
    }
    if (offset < start || offset > end) {
      throw positionGone(partition, offset, `the log has what is after offset ${start}, up to ${end}`);
    }
    return offset + 1;
  }
  if (from.at !== "earliest" && from.at !== "latest") {
    throw fieldError("invalid_request", "from.at", `must be earliest or latest, not ${String(from.at)}`);
  }
  return (from.at === "earliest" ? start : end) + 1;
}

const positionGone = (partition: Partition, offset: number, why: string): DistributionError =>
  new DistributionError(
    "position_gone",
    `${partition.topic}/${partition.index} offset ${offset}: ${why}. Read from earliest.`,
  );

export function createReader(options: ReaderOptions): PartitionReader {
  const { partition, log, runtime } = options;
  let next = options.next;
  /** Read already, but over the bound of the call that read it. */
  let rest: readonly Stored[] = [];
  const place = { next };
  let busy = false;
  let closed = false;
  /** Ends the wait at the head. */
  let wake: (() => void) | undefined;
  partition.addReader(place);

  const close = (): void => {
    if (closed) return;
    closed = true;
    rest = [];
    partition.removeReader(place);
    if (wake !== undefined) {
      partition.forget(wake);
      wake();
    }
    options.onClose(reader);
  };

  const assertKept = (): void => {
    partition.assertServed();
    const { start } = partition.state;
    if (next <= start) throw positionGone(partition, next, `retention has deleted up to offset ${start}`);
  };

  /** At most `maxBytes` from the front of `rest`, at least one event. */
  const take = (maxBytes: number): Stored[] => {
    const taken: Stored[] = [];
    let room = maxBytes;
    let at = 0;
    while (at < rest.length && rest[at]!.batch.bytes.length <= room) {
      room -= rest[at]!.batch.bytes.length;
      taken.push(rest[at]!);
      at += 1;
    }
    rest = rest.slice(at);
    if (taken.length === 0) {
      const [head, tail] = split(rest[0]!, maxBytes);
      taken.push(head);
      rest = tail === undefined ? rest.slice(1) : [tail, ...rest.slice(1)];
    }
    next = taken.at(-1)!.last + 1;
    return taken;
  };

  const hold = (batches: readonly Stored[]): void => {
    rest = batches;
    const before = place.next;
    place.next = (batches.at(-1)?.last ?? next - 1) + 1;
    // Only the last of the readers has kept something from being let go of.
    const oldest = partition.recent.at(0);
    if (oldest !== undefined && before <= oldest.last) partition.letGo();
  };

  const changed = (): Promise<void> =>
    new Promise((resolve) => {
      wake = resolve;
      partition.await(resolve);
    });

  const read = async (maxBytes: number): Promise<readonly Stored[]> => {
    while (!closed) {
      assertKept();
      if (rest.length > 0) return take(maxBytes);
      const { end } = partition.state;
      if (next > end) {
        await changed();
        continue;
      }
      const recent = recentFrom(partition, next, maxBytes);
      if (recent.length > 0) {
        hold(recent);
        return take(maxBytes);
      }
      // Reading the log is synchronous: the event loop gets its turn between two reads of a long replay.
      await new Promise<void>((resolve) => runtime.timers.soon(resolve));
      if (closed) break;
      assertKept();
      const found = log.read(partition, next, end, maxBytes);
      if (found.length === 0) next = end + 1; // Compaction left nothing up to there.
      hold(found);
    }
    return [];
  };

  const reader: PartitionReader = {
    start: { epoch: partition.epoch, offset: String(next - 1) },
    async next(maxBytes) {
      if (!Number.isSafeInteger(maxBytes) || maxBytes < 1) {
        throw fieldError("invalid_request", "maxBytes", `must be a whole number of at least 1, not ${maxBytes}`);
      }
      if (busy) throw fieldError("invalid_request", "next", "one call at a time; await the one before");
      busy = true;
      try {
        return await read(maxBytes);
      } catch (failure) {
        close();
        throw failure;
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
function split(stored: Stored, maxBytes: number): [Stored, Stored | undefined] {
  const { batch } = stored;
  let events = 1;
  while (events < batch.count && sizeOf(batch, 0, events + 1) <= maxBytes) events += 1;
  return events === batch.count ? [stored, undefined] : [stored.cut(0, events), stored.cut(events, batch.count)];
}
