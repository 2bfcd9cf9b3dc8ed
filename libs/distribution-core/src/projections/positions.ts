/** How far a projection is in each partition of its topics, and who waits for it to come further. */
import type { Position } from "../brokers/contract.ts";
import { DistributionError, fieldError } from "../errors.ts";

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

interface Waiting {
  readonly position: Position;
  readonly resolve: () => void;
  readonly reject: (why: DistributionError) => void;
}

/** `compare` orders two offsets of one partition and epoch. */
export function createPositions(topics: readonly string[], compare: (a: string, b: string) => number): Positions {
  /** Of each topic by partition, without the ones that have not begun. */
  const places = new Map<string, Position[]>(topics.map((topic) => [topic, []]));
  let waiting: Waiting[] = [];
  let closed = false;

  const get = (topic: string, partition: number): Position | undefined => places.get(topic)?.[partition];
  const isReached = ({ topic, partition, epoch, offset }: Position): boolean => {
    const now = get(topic, partition);
    return now !== undefined && now.epoch === epoch && compare(now.offset, offset) >= 0;
  };
  const stopped = () => new DistributionError("unavailable", "The projection stopped before it came to the position.");

  return {
    get,
    set(position) {
      places.get(position.topic)![position.partition] = position;
      if (waiting.length === 0) return;
      const there = waiting.filter((each) => isReached(each.position));
      if (there.length === 0) return;
      waiting = waiting.filter((each) => !there.includes(each));
      for (const { resolve } of there) resolve();
    },
    all: () => [...places.values()].flatMap((partitions) => Object.values(partitions)),
    async reached(position) {
      if (!places.has(position.topic)) {
        throw fieldError("invalid_request", "position.topic", `must be one of ${topics.join(", ")}`);
      }
      if (closed) throw stopped();
      if (isReached(position)) return;
      await new Promise<void>((resolve, reject) => waiting.push({ position, resolve, reject }));
    },
    clear() {
      for (const topic of places.keys()) places.set(topic, []);
    },
    close() {
      closed = true;
      for (const { reject } of waiting) reject(stopped());
      waiting = [];
    },
  };
}
