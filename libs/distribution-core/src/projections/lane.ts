/** One partition on its way to the projections that read its topic. */
import type { Position } from "../brokers/contract.ts";
import type { Runtime } from "../runtime/index.ts";
import { placed } from "../tail/index.ts";
import { type BeginningOptions, findBeginning } from "./beginning.ts";
import type { Intake } from "./contract.ts";
import { createReceiver } from "./incoming.ts";
import { createLogCursor, type LogCursor, type LogCursorOptions, type LogPlace } from "./log-cursor.ts";

/** One projection, and what feeds it. */
export interface Fed {
  readonly intake: Intake;
  readonly lanes: Lane[];
  /** It has not all of what was in the log when it began. */
  rebuilding: boolean;
  /** Changes with every event, and when it is built anew. */
  taken: number;
}

export interface Lane {
  /** For people: topic/partition. */
  readonly name: string;
  readonly cursor: LogCursor;
  /** Gives the events that are next to the projections. False: `spent` said that the turn is over. */
  take(spent: () => boolean): boolean;
}

export interface LaneOptions
  extends Omit<LogCursorOptions, "runtime" | "locate" | "onGone">,
    Pick<BeginningOptions, "rebuildMs"> {
  readonly runtime: Pick<Runtime, "clock" | "timers">;
  readonly readers: readonly Fed[];
}

interface Reader {
  readonly fed: Fed;
  /** Up to here it has everything already. */
  skipTo: string | undefined;
  /** It had more of the partition's history than the log has now. */
  lost: boolean;
}

export function createLane(options: LaneOptions): Lane {
  const { broker, tail } = options;
  const topic = tail.topic.name;
  const { partition } = tail;
  const name = `${topic}/${partition}`;
  const receive = createReceiver(tail.topic);
  const readers = options.readers.map((fed): Reader => ({ fed, skipTo: undefined, lost: false }));
  const positionOf = ({ fed }: Reader): Position | undefined => fed.intake.position(topic, partition);

  const rebuild = (reader: Reader): void => {
    const { fed } = reader;
    options.logger.warn(
      { projection: fed.intake.name, position: positionOf(reader) },
      "The log no longer has what follows a projection's position; the projection is built anew.",
    );
    reader.lost = true;
    fed.intake.reset();
    fed.rebuilding = true;
    fed.taken += 1;
    // This one is asked for a place anyway.
    for (const lane of fed.lanes) if (lane !== self) lane.cursor.restart();
  };

  const locate = async (): Promise<LogPlace> => {
    const { epoch } = (await broker.admin.partitions(topic))[partition]!;
    for (const reader of readers) {
      const position = positionOf(reader);
      if (position && position.epoch !== epoch) rebuild(reader);
    }
    if (readers.some((reader) => !positionOf(reader))) {
      const { position, cut, since } = await findBeginning(options, tail.topic, partition);
      for (const reader of readers) {
        if (!positionOf(reader)) reader.fed.intake.begin(position, cut || reader.lost ? since : undefined);
      }
    }
    const places = readers.map((reader) => positionOf(reader)!);
    const lowest = places.reduce((a, b) => (broker.compareOffsets(a.offset, b.offset) <= 0 ? a : b));
    for (const [at, { offset }] of places.entries()) {
      readers[at]!.skipTo = broker.compareOffsets(offset, lowest.offset) > 0 ? offset : undefined;
    }
    return lowest;
  };

  const onGone = (gone: LogPlace): void => {
    for (const reader of readers) {
      const position = positionOf(reader);
      const ahead = position?.epoch === gone.epoch && broker.compareOffsets(position.offset, gone.offset) > 0;
      if (position && !ahead) rebuild(reader);
    }
  };

  const skips = (reader: Reader, offset: string): boolean => {
    if (reader.skipTo === undefined) return false;
    if (broker.compareOffsets(offset, reader.skipTo) <= 0) return true;
    reader.skipTo = undefined;
    return false;
  };

  const cursor = createLogCursor({ ...options, locate, onGone });
  const self: Lane = {
    name,
    cursor,
    take(spent) {
      const { stored, index } = cursor.next()!;
      let count = 0;
      let over = false;
      while (!over && index + count < stored.batch.count) {
        const event = placed(topic, partition, stored, index + count);
        const incoming = receive(event);
        for (const reader of readers) {
          if (skips(reader, event.position.offset)) continue;
          reader.fed.intake.take(incoming);
          reader.fed.taken += 1;
        }
        count += 1;
        over = spent();
      }
      cursor.advance(count);
      return !over;
    },
  };
  return self;
}
