/**
 * Reads one partition and waits at its head. Where one ledger follows another it asks whether the topic is still the same one
 * and nothing between was deleted, so that a gap is told and never passed over.
 */
import { sizeOf } from "@distribution/broker-common";
import type { PartitionReader } from "@distribution/core/brokers";
import { type DistributionError, fieldError } from "@distribution/core/errors";
import type { PackedBatch } from "@distribution/core/events";
import { missedBetween } from "../admin/stats.ts";
import { failureOf } from "../failures.ts";
import { compareEntries, comparePlaces, type EntryId, formatOffset } from "../offset.ts";
import { PortError, type PortMessage } from "../port.ts";
import { isWhole, positionGone } from "./bounds.ts";
import { EntryCounter, eventsOf, recordDamaged } from "./events.ts";
import { type Opening, type ReadParts, wallMs } from "./opening.ts";
import { Quiet } from "./quiet.ts";
import { Stored } from "./stored.ts";

export interface TailReader extends PartitionReader {
  /** Ends it: a waiting `next` rejects with this, at once. */
  fail(reason: DistributionError): void;
}

export function createReader(parts: ReadParts, opening: Opening, onClose: (reader: TailReader) => void): TailReader {
  const { topics, settings } = parts;
  const { topic, partition, reader: port, start } = opening;
  const { name } = topic.config;
  const where = `${name}/${partition}`;
  let { received } = opening;
  /** What was given, or is before what will be. */
  let at = start;
  /** What was received, up to where it was seen to follow without a gap. */
  let reached: EntryId = { ledger: start.ledger, entry: start.index === 0 ? start.entry - 1n : start.entry };
  let rest: readonly Stored[] = [];
  const counter = new EntryCounter();
  const quiet = new Quiet(topic.config);
  /** What was the newest entry when it was opened has been received to its end. */
  let isPast = opening.newest.entry === undefined;
  /** The last entry that was received was to its end. */
  let isEntire = true;
  if (isPast) quiet.endedAt(opening.newest.atMs);
  let newest = 0n;
  let busy = false;
  let closed = false;
  let failed: DistributionError | undefined;

  const close = async (): Promise<void> => {
    if (closed) return;
    closed = true;
    watch?.cancel();
    rest = [];
    received = [];
    onClose(reader);
    await port.close();
  };

  /** What this process knows of the topic by now; other processes' changes come with `topicRefreshMs`. */
  const assertThere = (): void => {
    if (failed !== undefined) throw failed;
    const now = topics.seen(name);
    if (now === undefined) return;
    if (now.epoch !== topic.epoch)
      throw positionGone(topic, partition, at, `the topic was deleted; its epoch is ${now.epoch} now`);
    const floor = now.floors.get(partition);
    if (floor !== undefined && comparePlaces(at, floor) < 0) {
      throw positionGone(topic, partition, at, `the log was truncated up to ${formatOffset(floor)}`);
    }
  };

  /** Asks, where a ledger begins, what became of the one before. */
  const follow = async (next: EntryId): Promise<void> => {
    const [now, stats] = await Promise.all([topics.refresh(name), topics.stats(name, partition)]);
    if (now.epoch !== topic.epoch || isWhole(now, partition, stats, wallMs(settings))) return;
    // What is missing of a compacted topic is what compaction took: retention leaves it alone.
    if (now.config.compaction || quiet.isWhole(stats, wallMs(settings))) return;
    if (missedBetween(stats, reached, next)) {
      throw positionGone(topic, partition, at, `retention has deleted events before ${next.ledger}.${next.entry}`);
    }
  };

  const storedOf = (message: PortMessage): Stored | undefined => {
    const { place, time } = message;
    if (time > newest) newest = time;
    let batch: PackedBatch;
    try {
      batch = eventsOf(message, where);
    } catch (failure) {
      // What the reader is past may be damaged; it counts as one event.
      const index = counter.before(place, 1) + 1;
      if (comparePlaces({ ledger: place.ledger, entry: place.entry, index }, at) <= 0) return undefined;
      throw failure;
    }
    const stored = new Stored(topic.epoch, newest * 1_000_000n, batch, place, counter.before(place, batch.count));
    return newest < opening.notBefore ? undefined : stored.after(at);
  };

  const pass = ({ place, time }: PortMessage): void => {
    reached = place;
    isEntire = place.batchIndex < 0 || place.batchIndex === place.batchSize - 1;
    quiet.endedAt(Math.min(Number(time), wallMs(settings)));
    const { entry, atMs } = opening.newest;
    if (isPast || entry === undefined || !isEntire || compareEntries(place, entry) !== 0) return;
    isPast = true;
    quiet.endedAt(atMs);
  };

  const look = async (): Promise<void> => {
    const [entry, nowMs] = [reached, wallMs(settings)];
    if (isEntire) quiet.see(await topics.stats(name, partition), entry, nowMs);
  };
  const watch =
    quiet.lookEveryMs === undefined
      ? undefined
      : settings.runtime.timers.every(quiet.lookEveryMs, () => void look().catch(() => undefined));

  /** The first `count` of what was received. One that is damaged is told of when what lies before it was given. */
  const takeIn = (count: number): void => {
    const stored: Stored[] = [];
    let taken = 0;
    try {
      while (taken < count) {
        const some = storedOf(received[taken]!);
        if (some !== undefined) stored.push(some);
        taken += 1;
      }
    } catch (failure) {
      if (stored.length === 0) throw failure;
    }
    pass(received[taken - 1]!);
    received = received.slice(taken);
    rest = stored;
  };

  const read = async (maxBytes: number): Promise<readonly Stored[]> => {
    while (!closed) {
      assertThere();
      if (rest.length > 0) return take(maxBytes);
      if (received.length === 0) received = await port.receive(Math.max(maxBytes, 1));
      if (closed || received.length === 0) break;
      let count = 0;
      while (count < received.length && received[count]!.place.ledger === reached.ledger) count += 1;
      if (count === 0) {
        const { place } = received[0]!;
        await follow(place);
        reached = place;
        continue;
      }
      takeIn(count);
    }
    if (failed !== undefined) throw failed;
    return [];
  };

  /** At most `maxBytes` from the front of `rest`, at least one event. */
  const take = (maxBytes: number): Stored[] => {
    let taken = 0;
    let room = maxBytes;
    while (taken < rest.length && rest[taken]!.batch.bytes.length <= room) {
      room -= rest[taken]!.batch.bytes.length;
      taken += 1;
    }
    const given = rest.slice(0, taken);
    rest = rest.slice(taken);
    if (taken === 0) {
      const [head, tail] = split(rest[0]!, maxBytes);
      given.push(head);
      rest = tail === undefined ? rest.slice(1) : [tail, ...rest.slice(1)];
    }
    at = given.at(-1)!.last;
    return given;
  };

  const reader: TailReader = {
    start: { epoch: topic.epoch, offset: formatOffset(start) },
    async next(maxBytes) {
      if (!Number.isSafeInteger(maxBytes) || maxBytes < 1) {
        throw fieldError("invalid_request", "maxBytes", `must be a whole number of at least 1, not ${maxBytes}`);
      }
      if (busy) throw fieldError("invalid_request", "next", "one call at a time; await the one before");
      busy = true;
      try {
        return await read(maxBytes);
      } catch (failure) {
        const wasClosed = closed;
        await close().catch(() => undefined);
        if (wasClosed && failed === undefined) return [];
        if (failure instanceof PortError && failure.entry !== undefined) {
          throw recordDamaged(where, failure.entry, `cannot be read: ${failure.message}`, failure);
        }
        throw failed ?? failureOf(failure, `${where} cannot be read on`);
      } finally {
        busy = false;
        // Told once: afterwards it is closed like any other.
        failed = undefined;
      }
    },
    close,
    fail(reason) {
      if (closed) return;
      failed = reason;
      // A waiting `next` sees it when its receive ends.
      void port.close().catch(() => undefined);
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
