/** What a member is given: the events of one stored batch that are meant for it, in log order. */
import type { GroupBatch } from "@distribution/core/brokers";
import type { PackedBatch } from "@distribution/core/events";
import { pick } from "../log/packed.ts";
import type { Entry } from "./lane.ts";

class Delivery implements GroupBatch {
  readonly topic: string;
  readonly partition: number;
  readonly epoch: string;
  readonly appendedAt: bigint;
  readonly batch: PackedBatch;
  readonly #offsets: readonly number[];
  readonly #attempts: readonly number[];

  constructor(entries: readonly Entry[]) {
    const { feed, stored } = entries[0]!;
    this.topic = feed.partition.topic;
    this.partition = feed.partition.index;
    this.epoch = stored.epoch;
    this.appendedAt = stored.appendedAt;
    this.batch = pick(
      stored.batch,
      entries.map(({ place }) => place),
    );
    this.#offsets = entries.map(({ offset }) => offset);
    this.#attempts = entries.map(({ attempts }) => attempts);
  }

  offsetAt(index: number): string {
    return String(this.#offsets[index]);
  }

  attemptAt(index: number): number {
    return this.#attempts[index]!;
  }
}

/** Entries come lane by lane; they leave partition by partition in log order, one delivery a stored batch. */
export function deliveriesOf(entries: Entry[]): GroupBatch[] {
  entries.sort((a, b) => a.feed.partition.id - b.feed.partition.id || a.offset - b.offset);
  const deliveries: GroupBatch[] = [];
  let from = 0;
  for (let to = 1; to <= entries.length; to += 1) {
    if (entries[to]?.stored === entries[from]!.stored) continue;
    deliveries.push(new Delivery(entries.slice(from, to)));
    from = to;
  }
  return deliveries;
}
