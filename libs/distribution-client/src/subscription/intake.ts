/** The service's side of a subscription: frames in, each event admitted once, in order, with the notices between them. */
import type { Gap as GapFrame, Position } from "@distribution/proto-types/distribution/v1/frames";
import type { Decode } from "../events/payload.ts";
import { type Delivery, ReceivedEvent, type Settle } from "../events/received-event.ts";
import type { EventsFrame, SnapshotFrame, WireEvent } from "../wire/frames.ts";
import type { Buffer } from "./buffer.ts";
import type { Credit } from "./credit.ts";
import type { Lane } from "./lane.ts";
import type { Gap, Lanes } from "./lanes.ts";

export interface SnapshotNotice {
  /** Live follows from here. */
  readonly positions: readonly Position[];
  /** How many events the snapshot had. */
  readonly events: number;
}

/** What has its place between events. */
export type Notice =
  | { readonly kind: "gap"; readonly value: Gap }
  | { readonly kind: "snapshot"; readonly value: SnapshotNotice };

export interface IntakeOptions<T> {
  readonly lanes: Lanes;
  readonly buffer: Buffer<ReceivedEvent<T>, Notice>;
  readonly credit: Credit;
  readonly decode: Decode<T> | undefined;
  readonly settle: Settle;
  /** Done with before, and sent again by a session that does not know. */
  acknowledged(position: Position): void;
}

export class Intake<T> {
  readonly #options: IntakeOptions<T>;
  #snapshotEvents = 0;

  constructor(options: IntakeOptions<T>) {
    this.#options = options;
  }

  /** A new session: a snapshot that was not complete begins anew. */
  begin(): void {
    this.#snapshotEvents = 0;
  }

  events(frame: EventsFrame): void {
    if (frame.attempt > 1) this.#again(frame);
    else this.#first(frame);
  }

  /** True: the last frame of the snapshot. */
  snapshot({ events, positions, complete }: SnapshotFrame): boolean {
    const { lanes, buffer, credit } = this.#options;
    const topics = lanes.topics;
    const topic = topics.size === 1 ? [...topics][0]! : "";
    let bytes = 0;
    for (const event of events) {
      bytes += event.size;
      this.#push(event, { topic, position: undefined, attempt: 1 });
    }
    credit.spend(events.length, bytes);
    this.#snapshotEvents += events.length;
    if (!complete) return false;
    lanes.move(positions);
    buffer.note({ kind: "snapshot", value: { positions, events: this.#snapshotEvents } });
    return true;
  }

  gap(frame: GapFrame): void {
    this.#options.buffer.note({ kind: "gap", value: this.#options.lanes.skip(frame) });
  }

  #first(frame: EventsFrame): void {
    const { lanes, buffer, credit } = this.#options;
    const { lane, gap } = lanes.follow(frame);
    if (gap) buffer.note({ kind: "gap", value: gap });
    let bytes = 0;
    for (const [index, event] of frame.events.entries()) {
      bytes += event.size;
      const position = positionOf(frame, index);
      if (this.#isNew(lane, position)) this.#push(event, { topic: frame.topic, position, attempt: 1 });
    }
    credit.spend(frame.events.length, bytes);
  }

  #isNew(lane: Lane, position: Position): boolean {
    const admission = lane.admit(position);
    if (admission === "settled") this.#options.acknowledged(position);
    return admission === "new";
  }

  /** Outside of the chain, and on no credit. */
  #again(frame: EventsFrame): void {
    const { lanes } = this.#options;
    for (const [index, event] of frame.events.entries()) {
      const position = positionOf(frame, index);
      if (!lanes.lane(position)?.admitAgain(position)) continue;
      this.#push(event, { topic: frame.topic, position, attempt: frame.attempt });
    }
  }

  #push(wire: WireEvent, delivery: Delivery): void {
    const { buffer, decode, settle } = this.#options;
    buffer.push(new ReceivedEvent(wire, delivery, decode, settle), wire.size);
  }
}

const positionOf = ({ topic, partition, epoch, offsets }: EventsFrame, index: number): Position => ({
  topic,
  partition,
  epoch,
  offset: offsets[index] ?? "",
});
