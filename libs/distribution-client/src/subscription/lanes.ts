/** All partitions of a subscription: is the chain whole, and where would a new session go on? */
import type { Gap as GapFrame, GapReason, Position } from "@distribution/proto-types/distribution/v1/frames";
import { GapReason as REASON } from "@distribution/proto-types/distribution/v1/frames";
import type { EventsFrame } from "../wire/frames.ts";
import { Lane } from "./lane.ts";

export type GapCause =
  /** Retention removed the events. */
  | "retention"
  /** The log's history changed. */
  | "epoch"
  /** Skipped for a slow subscriber, as its profile asks. */
  | "slow"
  /** The requested position is beyond the end of the log. */
  | "future"
  /** Found by this client: a frame does not follow the one before it. */
  | "broken-chain"
  | "unknown";

/** Events between the two positions were not and will not be delivered. */
export interface Gap {
  readonly topic: string;
  readonly partition: number;
  /** After this one. Undefined: not known any more. */
  readonly from: Position | undefined;
  readonly to: Position | undefined;
  readonly reason: GapCause;
}

const CAUSES: Readonly<Partial<Record<GapReason, GapCause>>> = {
  [REASON.RETENTION]: "retention",
  [REASON.EPOCH]: "epoch",
  [REASON.SLOW]: "slow",
  [REASON.FUTURE]: "future",
};

export class Lanes {
  readonly #lanes = new Map<string, Lane>();

  /** Positions of the whole subscription, as `subscribed` named them. */
  start(positions: readonly Position[]): void {
    for (const position of positions) {
      const lane = this.#lanes.get(keyOf(position));
      if (lane) lane.start(position);
      else this.#lanes.set(keyOf(position), new Lane(position));
    }
  }

  /** The chain goes on from here, what is out stays out: after `updated` and at the end of a snapshot. */
  move(positions: readonly Position[]): void {
    for (const position of positions) this.#of(position).follow(position, position);
  }

  get topics(): ReadonlySet<string> {
    return new Set([...this.#lanes.values()].map(({ chain }) => chain.topic));
  }

  /** Where a new session is to go on: after what came, or, at least once, after what is done with. */
  resume(atLeastOnce: boolean): Position[] {
    return [...this.#lanes.values()].map((lane) => (atLeastOnce ? lane.replay() : lane.chain));
  }

  /** Where a later subscription goes on without losing what is not done with. */
  settled(): Position[] {
    return [...this.#lanes.values()].map(({ resume }) => resume);
  }

  /** The lane of a frame, moved to its end; and the gap before it, when it does not follow. */
  follow(frame: EventsFrame): { readonly lane: Lane; readonly gap: Gap | undefined } {
    const { topic, partition, epoch } = frame;
    const after = { topic, partition, epoch, offset: frame.after };
    // A partition that was added begins with its first frame.
    const lane = this.#of(after);
    const from = lane.chain;
    lane.follow(after, { ...after, offset: frame.upto });
    // The epoch may have moved with nothing lost: offsets alone are the chain.
    if (from.offset === frame.after) return { lane, gap: undefined };
    return { lane, gap: { topic, partition, from, to: after, reason: "broken-chain" } };
  }

  skip({ topic, partition, from, to, reason }: GapFrame): Gap {
    if (to) this.#of(to).follow(to, to);
    return { topic, partition, from, to, reason: CAUSES[reason] ?? "unknown" };
  }

  lane(position: Position): Lane | undefined {
    return this.#lanes.get(keyOf(position));
  }

  #of(position: Position): Lane {
    const found = this.#lanes.get(keyOf(position));
    if (found) return found;
    const lane = new Lane(position);
    this.#lanes.set(keyOf(position), lane);
    return lane;
  }
}

const keyOf = ({ topic, partition }: { topic: string; partition: number }): string => `${topic}/${partition}`;
