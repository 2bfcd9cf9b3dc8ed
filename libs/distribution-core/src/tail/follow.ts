/** Projections of the log: their topics from some point on, then everything that comes, each event once and in log order. */
import type { Broker, ReadFrom } from "../brokers/contract.ts";
import type { PlacedEvent, Queries } from "./contract.ts";
import type { PartitionTail } from "./partition-tail.ts";
import { placed } from "./placed.ts";
import type { RingBatch } from "./ring.ts";
import type { Tail } from "./tail.ts";

export interface FollowOptions {
  readonly broker: Pick<Broker, "compareOffsets">;
  readonly tail: Tail;
  readonly queries: Queries;
  readonly topics: readonly string[];
  readonly from: ReadFrom;
  readonly apply: (topic: string, events: readonly PlacedEvent[]) => void;
  /** The log's history changed: start over. */
  readonly onLost?: (topic: string) => void;
}

/** Resolves when what was in the log is applied; from then on events are applied as they come. */
export async function followLog(options: FollowOptions): Promise<void> {
  const { broker, tail, queries, topics, apply } = options;
  /** What came while history was read: a few moments of the ring's newest part. */
  let early: (readonly [PartitionTail, readonly RingBatch[]])[] | undefined = [];
  /** Up to where history went, until the tail has passed it: the tail may be behind the log. */
  const applied = new Map<string, { epoch: string; offset: string }>();
  const wanted = new Set(topics);

  const applyLive = (partition: PartitionTail, batches: readonly RingBatch[]): void => {
    const lane = `${partition.topic.name}/${partition.partition}`;
    const last = applied.get(lane);
    let events = batches.flatMap((batch) => placedOf(partition, batch));
    if (last) {
      events = events.filter(
        ({ position }) => position.epoch !== last.epoch || broker.compareOffsets(position.offset, last.offset) > 0,
      );
      if (events.length > 0) applied.delete(lane);
    }
    if (events.length > 0) apply(partition.topic.name, events);
  };

  tail.listen({
    events(partition, batches) {
      if (!wanted.has(partition.topic.name)) return;
      if (early) early.push([partition, batches]);
      else applyLive(partition, batches);
    },
    lost: (partition) => {
      if (wanted.has(partition.topic.name)) options.onLost?.(partition.topic.name);
    },
  });

  for (const topic of topics) {
    for await (const events of queries.history({ topic, from: options.from, keys: [] })) {
      const { position } = events[events.length - 1]!;
      applied.set(`${topic}/${position.partition}`, position);
      apply(topic, events);
    }
  }
  for (const [partition, batches] of early) applyLive(partition, batches);
  early = undefined;
}

function placedOf({ topic, partition }: PartitionTail, { stored }: RingBatch): PlacedEvent[] {
  return Array.from({ length: stored.batch.count }, (_, index) => placed(topic.name, partition, stored, index));
}
