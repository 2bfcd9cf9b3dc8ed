/** One partition on its way to the projections of a group that read its topic. */
import type { Position } from "../brokers/contract.ts";
import { DistributionError } from "../errors.ts";
import type { Runtime } from "../runtime/index.ts";
import { type BeginningOptions, findBeginning } from "./beginning.ts";
import type { Intake } from "./contract.ts";
import { createReceiver } from "./incoming.ts";
import { createLogCursor, type LogCursor, type LogCursorOptions, type LogPlace } from "./log-cursor.ts";

/** One projection, and what feeds it. */
export interface Fed {
  readonly intake: Intake;
  /** Of its group: those of its topics. */
  lanes: readonly Lane[];
  /** It has not all of what was in the log when it began. */
  rebuilding: boolean;
  /** Changes with every event, and when it is built anew. */
  taken: number;
  /** Names of the partitions of which it had more history than the log has now. */
  readonly lost: Set<string>;
}

export interface Lane {
  /** For people: topic/partition. */
  readonly name: string;
  readonly topic: string;
  readonly partition: number;
  readonly cursor: LogCursor;
  /** Gives the events that are next to the projections. False: `spent` said that the turn is over. */
  take(spent: () => boolean): boolean;
  /** It has all that the lane has given. */
  join(fed: Fed): void;
  /** True: nobody is left. */
  leave(fed: Fed): boolean;
}

export interface LaneOptions
  extends Omit<LogCursorOptions, "runtime" | "locate" | "onGone">,
    Pick<BeginningOptions, "rebuildMs"> {
  readonly runtime: Pick<Runtime, "clock" | "timers">;
  readonly readers: readonly Fed[];
  /** The log no longer has what follows their positions: they read no further here. Never empty. */
  readonly onLost: (lost: readonly Fed[]) => void;
}

interface Reader {
  readonly fed: Fed;
  /** Up to here it has everything already. */
  skipTo: string | undefined;
}

export function createLane(options: LaneOptions): Lane {
  const { broker, tail } = options;
  const topic = tail.topic.name;
  const { partition } = tail;
  const name = `${topic}/${partition}`;
  const receive = createReceiver(tail.topic);
  let readers = options.readers.map((fed): Reader => ({ fed, skipTo: undefined }));
  const positionOf = ({ fed }: Reader): Position | undefined => fed.intake.position(topic, partition);

  const lose = (lost: readonly Reader[]): void => {
    for (const reader of lost) {
      options.logger.warn(
        { projection: reader.fed.intake.name, position: positionOf(reader) },
        "The log no longer has what follows a projection's position; the projection is built anew.",
      );
      reader.fed.lost.add(name);
    }
    if (lost.length > 0) options.onLost(lost.map(({ fed }) => fed));
  };

  const locate = async (): Promise<LogPlace> => {
    const { epoch } = (await broker.admin.partitions(topic))[partition]!;
    lose(readers.filter((reader) => (positionOf(reader)?.epoch ?? epoch) !== epoch));
    if (readers.some((reader) => !positionOf(reader))) {
      const { position, cut, since } = await findBeginning(options, tail.topic, partition);
      for (const reader of readers) {
        if (positionOf(reader)) continue;
        reader.fed.intake.begin(position, cut || reader.fed.lost.has(name) ? since : undefined);
      }
    }
    // The group ended meanwhile; nobody asks for the answer.
    if (readers.length === 0) throw new DistributionError("unavailable", "No projection reads here any more.");
    const places = readers.map((reader) => positionOf(reader)!);
    const lowest = places.reduce((a, b) => (broker.compareOffsets(a.offset, b.offset) <= 0 ? a : b));
    for (const [at, { offset }] of places.entries()) {
      readers[at]!.skipTo = broker.compareOffsets(offset, lowest.offset) > 0 ? offset : undefined;
    }
    return lowest;
  };

  const onGone = (gone: LogPlace): void => {
    const isGone = (position: Position | undefined): boolean =>
      position !== undefined &&
      (position.epoch !== gone.epoch || broker.compareOffsets(position.offset, gone.offset) <= 0);
    lose(readers.filter((reader) => isGone(positionOf(reader))));
  };

  const skips = (reader: Reader, offset: string): boolean => {
    if (reader.skipTo === undefined) return false;
    if (broker.compareOffsets(offset, reader.skipTo) <= 0) return true;
    reader.skipTo = undefined;
    return false;
  };

  const cursor = createLogCursor({ ...options, locate, onGone });
  return {
    name,
    topic,
    partition,
    cursor,
    take(spent) {
      const { stored, index } = cursor.next()!;
      const { appendedAt } = stored;
      const { bytes, bounds } = stored.batch;
      let end = index;
      let over = false;
      while (!over && end < stored.batch.count) {
        const position = { topic, partition, epoch: stored.epoch, offset: stored.offsetAt(end) };
        const incoming = receive({ position, appendedAt, bytes, start: bounds[2 * end]!, end: bounds[2 * end + 1]! });
        for (const reader of readers) {
          if (!skips(reader, position.offset)) reader.fed.intake.take(incoming);
        }
        end += 1;
        over = spent();
      }
      const position = { topic, partition, epoch: stored.epoch, offset: stored.offsetAt(end - 1) };
      for (const { fed, skipTo } of readers) {
        if (skipTo !== undefined) continue;
        fed.intake.moved(position);
        fed.taken += end - index;
      }
      cursor.advance(end - index);
      return !over;
    },
    join(fed) {
      readers.push({ fed, skipTo: undefined });
    },
    leave(fed) {
      readers = readers.filter((reader) => reader.fed !== fed);
      return readers.length === 0;
    },
  };
}
