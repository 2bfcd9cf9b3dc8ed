/** The frames that a subscription gets alone, while it is behind: of events up to its cursors, and of its snapshot. */
import type { Position } from "../brokers/contract.ts";
import { type EventList, type InterestClass, type Lane, TOKEN_EVERY_MS } from "../subscriptions/index.ts";
import type { SubscriptionParts } from "./contract.ts";
import type { LaneCursor } from "./lane-cursor.ts";
import { positionOf } from "./notices.ts";

export class OwnFrames {
  readonly #parts: SubscriptionParts;
  readonly #shared: InterestClass;
  readonly #cursors: readonly LaneCursor[];
  #tokenAt = Number.NEGATIVE_INFINITY;

  constructor(parts: SubscriptionParts, shared: InterestClass, cursors: readonly LaneCursor[]) {
    this.#parts = parts;
    this.#shared = shared;
    this.#cursors = cursors;
  }

  /** These events, up to the cursor. */
  sendEvents(cursor: LaneCursor, list: EventList): void {
    const { encoder, outlet } = this.#parts;
    const { channel, interest } = this.#shared;
    const { lane, place, told } = cursor;
    const header = {
      ...{ channel, topic: lane.tail.topic.name, partition: lane.tail.partition, epoch: place.epoch },
      ...{ after: told, upto: place.offset, token: this.#nextToken(cursor), attempt: 1 },
    };
    cursor.told = place.offset;
    outlet.send(encoder.events(interest, header, list), list.count);
  }

  /** These events of the lane's table; `complete`: live follows from where the cursors are. */
  sendSnapshot(lane: Lane, list: EventList, complete: boolean): void {
    const { encoder, outlet, tokens } = this.#parts;
    const { channel, interest } = this.#shared;
    const positions = complete ? this.#positions() : [];
    const header = { channel, positions, complete, token: complete ? tokens.issue(positions) : "" };
    outlet.send(encoder.snapshot(interest, lane.tail.topic.name, header, list), list.count);
  }

  /** As often as its class does; and where it reaches the class, whose own next one may be long in coming. */
  #nextToken({ lane, place }: LaneCursor): string {
    const { runtime, tokens } = this.#parts;
    const now = runtime.clock.monotonicMs();
    const due = this.#shared.interest.tokens === "every-frame" || now - this.#tokenAt >= TOKEN_EVERY_MS;
    if (!due && place.offset !== lane.chain.offset) return "";
    this.#tokenAt = now;
    return tokens.issue(this.#positions());
  }

  #positions(): Position[] {
    return this.#cursors.map(({ lane, place }) => positionOf(lane, place));
  }
}
