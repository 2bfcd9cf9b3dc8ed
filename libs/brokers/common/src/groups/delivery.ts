/** What a member is given: the events of one stored batch that are meant for it, in log order. */
import type { GroupBatch, Offset } from "@distribution/core/brokers";
import type { PackedBatch } from "@distribution/core/events";
import { pick } from "../packed.ts";
import type { Entry } from "./lane.ts";

class Delivery implements GroupBatch {
  readonly topic: string;
  readonly partition: number;
  readonly epoch: string;
  readonly appendedAt: bigint;
  readonly batch: PackedBatch;
  readonly #offsets: readonly Offset[];
  readonly #attempts: readonly number[];

  constructor(entries: readonly Entry[]) {
    const { feed, taken } = entries[0]!;
    this.topic = feed.topic;
    this.partition = feed.partition;
    this.epoch = taken.stored.epoch;
    this.appendedAt = taken.stored.appendedAt;
    this.batch = pick(
      taken.stored.batch,
      entries.map(({ place }) => place),
    );
    this.#offsets = entries.map(({ offset }) => offset);
    this.#attempts = entries.map(({ attempts }) => attempts);
  }

  offsetAt(index: number): Offset {
    return this.#offsets[index]!;
  }

  attemptAt(index: number): number {
    return this.#attempts[index]!;
  }
}

/** Entries come lane by lane; they leave partition by partition in log order, one delivery a stored batch. */
export function deliveriesOf(entries: Entry[]): GroupBatch[] {
  entries.sort((a, b) => a.feed.order - b.feed.order || a.number - b.number);
  const deliveries: GroupBatch[] = [];
  let from = 0;
  for (let to = 1; to <= entries.length; to += 1) {
    if (entries[to]?.taken === entries[from]!.taken) continue;
    deliveries.push(new Delivery(entries.slice(from, to)));
    from = to;
  }
  return deliveries;
}
