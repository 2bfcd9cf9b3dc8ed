/** How far a projection is in each partition of its topics, and who waits for it to come further. */
import { TransitMap } from "@distribution/collections";
import type { Position } from "../brokers/contract.ts";
import { DistributionError, fieldError } from "../errors.ts";
import type { Timer, Timers } from "../runtime/index.ts";
import type { Place } from "./contract.ts";

export interface Positions {
  get(topic: string, partition: number): Position | undefined;
  set(position: Position): void;
  /** By topic, in the projection's own order, and partition. */
  all(): readonly Position[];
  reached(position: Position): Promise<void>;
  clear(): void;
  /** Who waits is refused, and who comes later. */
  close(): void;
}

export interface PositionsOptions {
  /** Orders two offsets of one partition and epoch. */
  compare(a: string, b: string): number;
  readonly timers: Pick<Timers, "after">;
  /** It has all that the log has in the partition, as far as is known. */
  follows(place: Place): boolean;
}

/**
 * How often is looked, in ms, for who waits in a history in which the partition is not, while the projection follows it. That history
 * may be yet to come, so one look is not enough; but what was acknowledged is read within seconds. After two looks it is one that the
 * log had and lost before it was read, and will not come any more.
 */
const LOOK_EVERY_MS = 30_000;

interface Waiting {
  readonly position: Position;
  /** A look found it so. */
  strange: boolean;
  readonly resolve: () => void;
  readonly reject: (why: DistributionError) => void;
}

export function createPositions(topics: readonly string[], options: PositionsOptions): Positions {
  const { compare, timers, follows } = options;
  /** Of each topic by partition, without the ones that have not begun. */
  const places = new Map<string, Position[]>(topics.map((topic) => [topic, []]));
  /** By partition and epoch, the one that waits for the earliest position first. An event looks at the first of its own. */
  const waiting = new TransitMap<string, Waiting[]>();
  /** By partition, of the positions so far, the last one's last; also across `clear`. */
  const epochs = new Map<string, string[]>();
  let look: Timer | undefined;
  let closed = false;

  const partitionOf = ({ topic, partition }: Position): string => `${topic}/${partition}`;
  const historyOf = (position: Position): string => `${partitionOf(position)}/${position.epoch}`;
  const get = (topic: string, partition: number): Position | undefined => places.get(topic)?.[partition];
  const isReached = ({ topic, partition, epoch, offset }: Position): boolean => {
    const now = get(topic, partition);
    return now !== undefined && now.epoch === epoch && compare(now.offset, offset) >= 0;
  };
  const stopped = () => new DistributionError("unavailable", "The projection stopped before it came to the position.");
  const lost = () =>
    new DistributionError("unavailable", "The log lost the position before the projection came to it.");

  const wait = (position: Position): Promise<void> => {
    const name = historyOf(position);
    const list = waiting.get(name) ?? [];
    waiting.set(name, list);
    let at = list.length;
    // They come in the order of the log, or nearly so.
    while (at > 0 && compare(list[at - 1]!.position.offset, position.offset) > 0) at -= 1;
    if (isStrange(position)) lookLater();
    return new Promise<void>((resolve, reject) => list.splice(at, 0, { position, strange: false, resolve, reject }));
  };

  const isStrange = (position: Position): boolean => epochs.get(partitionOf(position))?.at(-1) !== position.epoch;
  const lookLater = (): void => {
    look ??= timers.after(LOOK_EVERY_MS, () => {
      look = undefined;
      for (const [name, list] of [...waiting]) letGo(name, list);
    });
  };
  const letGo = (name: string, list: readonly Waiting[]): void => {
    const { position } = list[0]!;
    if (!isStrange(position)) return;
    const follow = follows(position);
    const staying = list.filter(({ strange }) => !strange || !follow);
    for (const { strange, reject } of list) if (strange && follow) reject(lost());
    for (const each of staying) each.strange = follow;
    if (staying.length === 0) waiting.delete(name);
    else waiting.set(name, staying);
    if (staying.length > 0) lookLater();
  };

  /** The log has another history: positions of the ones before are not reached any more. */
  const enter = (position: Position, known: readonly string[]): void => {
    const { epoch } = position;
    const past = known.filter((each) => each !== epoch);
    epochs.set(partitionOf(position), [...past, epoch]);
    for (const each of past) {
      const name = historyOf({ ...position, epoch: each });
      for (const { reject } of waiting.get(name) ?? []) reject(stopped());
      waiting.delete(name);
    }
  };
  const isPast = (position: Position): boolean =>
    epochs.get(partitionOf(position))?.slice(0, -1).includes(position.epoch) ?? false;

  return {
    get,
    set(position) {
      places.get(position.topic)![position.partition] = position;
      const known = epochs.get(partitionOf(position)) ?? [];
      if (known.at(-1) !== position.epoch) enter(position, known);
      const name = historyOf(position);
      const list = waiting.get(name);
      if (list === undefined) return;
      let there = 0;
      while (there < list.length && isReached(list[there]!.position)) there += 1;
      for (const { resolve } of list.splice(0, there)) resolve();
      if (list.length === 0) waiting.delete(name);
    },
    all: () => [...places.values()].flatMap((partitions) => Object.values(partitions)),
    async reached(position) {
      if (!places.has(position.topic)) {
        throw fieldError("invalid_request", "position.topic", `must be one of ${topics.join(", ")}`);
      }
      if (closed || isPast(position)) throw stopped();
      if (isReached(position)) return;
      await wait(position);
    },
    clear() {
      for (const topic of places.keys()) places.set(topic, []);
    },
    close() {
      closed = true;
      look?.cancel();
      for (const { reject } of [...waiting.values()].flat()) reject(stopped());
      waiting.clear();
    },
  };
}
