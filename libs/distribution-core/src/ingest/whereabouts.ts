/**
 * In which topics the restore met each event, and of which partitions it can say that an event is not there.
 *
 * A broker without transactions may have been left by a crash with an event in some of its topics only. So the window keeps
 * for each event that was found in the log a number, its label: the set of topics where it was met. There are as many sets
 * as there are kinds of routes, not of events.
 */
import type { TopicDefinition } from "../topics.ts";
import { MAX_LABEL } from "./identity-table.ts";
import type { TakenPublish } from "./taken-publish.ts";

/** The label of what was met in the topic of its publish and nowhere else; and of what nobody knows, as there were too many sets. */
const HOME = 0;
const ANYWHERE = MAX_LABEL;

/** What the clocks of replicas and of the broker may differ by at the edge of what is known, milliseconds. */
export const CLOCKS_DIFFER_MS = 250;

export class Whereabouts {
  /** By place: monotonic milliseconds from which on everything that was ever appended there was read. */
  readonly #since = new Map<string, number>();
  /** The set of a label is at the index before it. */
  readonly #sets: ReadonlySet<string>[] = [];
  readonly #labels = new Map<string, number>();

  /** Nothing was read. */
  clear(): void {
    this.#since.clear();
    this.#sets.length = 0;
    this.#labels.clear();
  }

  /** Everything that was appended there since then was read. Of a topic with compaction nobody can say that. */
  cover({ name, compaction }: TopicDefinition, partition: number, since: number): void {
    if (!compaction) this.#since.set(placeOf(name, partition), since);
  }

  /** What lies there could not be read to its end. */
  uncover(topic: string, partition: number): void {
    this.#since.delete(placeOf(topic, partition));
  }

  /** The label of an event that was met in one more topic. `owner`: the batch that it was met in first. */
  join(label: number, owner: TakenPublish, topic: string): number {
    if (label === ANYWHERE || this.has(label, owner, topic)) return label;
    const topics = [...(this.#sets[label - 1] ?? [homeOf(owner)]), topic].sort();
    const name = topics.join();
    const known = this.#labels.get(name);
    if (known !== undefined) return known;
    if (this.#sets.length + 1 === ANYWHERE) return ANYWHERE;
    const made = this.#sets.push(new Set(topics));
    this.#labels.set(name, made);
    return made;
  }

  has(label: number, owner: TakenPublish, topic: string): boolean {
    if (label === HOME) return topic === homeOf(owner);
    return label === ANYWHERE || this.#sets[label - 1]!.has(topic);
  }

  /** In how many topics it was met; Infinity: nobody knows. */
  count(label: number): number {
    if (label === HOME) return 1;
    return label === ANYWHERE ? Number.POSITIVE_INFINITY : this.#sets[label - 1]!.size;
  }

  /** Whether what was taken in at that time, monotonic milliseconds, would have been met if it were in the partition. */
  covers(began: number, topic: string, partition: number): boolean {
    const since = this.#since.get(placeOf(topic, partition));
    return since !== undefined && began >= since + CLOCKS_DIFFER_MS;
  }
}

const placeOf = (topic: string, partition: number): string => `${topic}/${partition}`;

/** What was found again in the log has one placement. */
const homeOf = ({ placements }: TakenPublish): string => placements[0]!.topic;
