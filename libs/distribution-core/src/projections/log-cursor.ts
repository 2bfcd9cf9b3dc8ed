/**
 * A cursor over one partition: what comes next is in the tail's ring as long as the cursor is not further behind than that,
 * and is read from the log otherwise. So it holds back nobody and costs no memory, however far behind it is.
 */
import type { Broker, PartitionReader, StoredBatch } from "../brokers/contract.ts";
import { DistributionError, toDistributionError } from "../errors.ts";
import type { Logger } from "../observability/index.ts";
import type { Runtime } from "../runtime/index.ts";
import type { PartitionTail } from "../tail/index.ts";
import { createAttempts, type Trouble } from "./attempts.ts";

export interface LogPlace {
  readonly epoch: string;
  readonly offset: string;
}

/** Events `index` and on of the batch come next. */
export interface NextEvents {
  readonly stored: StoredBatch;
  readonly index: number;
}

export interface LogCursor {
  /** What is there to be taken. Where nothing is, and not all was read, reading begins, and `onChange` tells when it ends. */
  next(): NextEvents | undefined;
  /** So many events of what `next` gave are taken. */
  advance(count: number): void;
  /** Something is being read. */
  readonly busy: boolean;
  /** It has been where the log ended when reading began, or at the tail's head. */
  readonly caughtUp: boolean;
  /** It has all that the tail has. */
  readonly atHead: boolean;
  /** Why it does not come on although its log does: at the tail's head, as the tail does not. */
  readonly trouble: Trouble | undefined;
  /** Events up to the tail's head; while it reads the log, at most so many. */
  readonly lag: number;
  close(): Promise<void>;
}

export interface LogCursorOptions {
  readonly broker: Pick<Broker, "read" | "admin" | "compareOffsets">;
  readonly tail: PartitionTail;
  readonly runtime: Pick<Runtime, "timers">;
  readonly logger: Logger;
  /** The place to begin after; asked until it answers. */
  readonly locate: () => Promise<LogPlace>;
  /** The log no longer has what follows the place. `locate` is asked next, and has to know better then. */
  readonly onGone: (place: LogPlace) => void;
  /** There may be something to take, or the cursor is in another state. */
  readonly onChange: () => void;
}

/** Bytes asked of the broker at a time. */
const READ_BYTES = 256 * 1024;

export function createLogCursor(options: LogCursorOptions): LogCursor {
  const { broker, tail, logger } = options;
  const { topic, partition } = tail;
  /** After the event taken last; undefined until it is located. */
  let place: LogPlace | undefined;
  /** Of the next event in the ring; undefined while the log is read. */
  let number: number | undefined;
  let reader: PartitionReader | undefined;
  /** What was read and is not taken, from event `index` of the first one on. */
  let loaded: readonly StoredBatch[] = [];
  let index = 0;
  /** What the log had when reading began. */
  let goal: LogPlace | undefined;
  let left = 0;
  let headThen = tail.head.number;
  let caughtUp = false;
  let given: NextEvents | undefined;
  let closed = false;

  /** Where it was, and what it was to reach. */
  const forget = (): void => {
    place = undefined;
    number = undefined;
    goal = undefined;
    caughtUp = false;
    given = undefined;
  };
  const onFailure = (failure: unknown): boolean => {
    void reader?.close().catch(() => undefined);
    reader = undefined;
    const { code, message } = toDistributionError(failure);
    if (code === "position_gone" && place) {
      const gone = place;
      forget();
      options.onGone(gone);
      return true;
    }
    if (attempts.trouble?.message !== message) {
      logger.error(
        { topic: topic.name, partition, code, err: failure },
        "Projections cannot read a partition; trying on.",
      );
    }
    return false;
  };
  const attempts = createAttempts({ runtime: options.runtime, onChange: options.onChange, onFailure });

  const look = async (): Promise<void> => {
    const { epoch, end, events } = (await broker.admin.partitions(topic.name))[partition]!;
    goal ??= { epoch, offset: end };
    left = events;
    headThen = tail.head.number;
  };
  const locate = async (current: () => boolean): Promise<void> => {
    await look();
    const found = await options.locate();
    if (current()) place = found;
  };
  const read = async (current: () => boolean): Promise<void> => {
    if (!reader) {
      await look();
      const opened = await broker.read(topic.name, partition, { after: place! });
      if (!current()) return opened.close();
      reader = opened;
      if (checkCaughtUp()) options.onChange();
    }
    const batches = await reader.next(READ_BYTES);
    if (!current()) return;
    // Nobody here closed it: the broker did.
    if (batches.length === 0) throw new DistributionError("unavailable", "The broker closed its reader.");
    loaded = batches;
  };
  /** Nobody needs the reader any more, whether or not it says so itself. */
  const leaveLog = async (): Promise<void> => {
    attempts.cancel();
    loaded = [];
    index = 0;
    const old = reader;
    reader = undefined;
    await old?.close().catch(() => undefined);
  };

  const checkCaughtUp = (): boolean => {
    if (!caughtUp && place) {
      if (number !== undefined) caughtUp = number >= tail.head.number;
      else if (goal?.epoch === place.epoch) caughtUp = broker.compareOffsets(place.offset, goal.offset) >= 0;
    }
    return caughtUp;
  };

  const inRing = (): NextEvents | undefined => {
    if (number === undefined && place && loaded.length === 0) {
      number = tail.placeAfter(place.epoch, place.offset)?.number;
      if (number !== undefined) void leaveLog();
    }
    if (number === undefined || number === tail.head.number) return undefined;
    const batch = tail.ring.find(number);
    if (batch) return { stored: batch.stored, index: number - batch.first };
    // Let go, or broken off: the log has it, or says that it is gone.
    number = undefined;
    return undefined;
  };

  return {
    next() {
      if (closed) return undefined;
      given = inRing();
      if (!given && number === undefined) {
        given = loaded[0] && { stored: loaded[0], index };
        if (!given) attempts.run(place ? read : locate);
      }
      checkCaughtUp();
      return given;
    },
    advance(count) {
      const { stored, index: first } = given!;
      place = { epoch: stored.epoch, offset: stored.offsetAt(first + count - 1) };
      if (number !== undefined) number += count;
      else {
        left -= count;
        index = first + count;
        if (index === stored.batch.count) {
          loaded = loaded.slice(1);
          index = 0;
        }
      }
      checkCaughtUp();
    },
    get busy() {
      return attempts.busy;
    },
    get caughtUp() {
      return caughtUp;
    },
    get atHead() {
      return number === tail.head.number;
    },
    get trouble() {
      const { head, trouble, damaged } = tail;
      if (number !== head.number || trouble === undefined) return attempts.trouble;
      return { message: trouble, passing: !damaged };
    },
    get lag() {
      if (number !== undefined) return tail.head.number - number;
      return Math.max(0, left) + tail.head.number - headThen;
    },
    async close() {
      closed = true;
      await leaveLog();
    },
  };
}
