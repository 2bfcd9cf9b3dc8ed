import type { Position } from "../brokers/contract.ts";
import type { EncodedFrame } from "../transport/contract.ts";
import type { EventList } from "./event-list.ts";
import type { Interest } from "./interest.ts";

export interface EventsHeader {
  readonly channel: number;
  readonly topic: string;
  readonly partition: number;
  readonly epoch: string;
  readonly after: string;
  readonly upto: string;
  /** Empty: none. */
  readonly token: string;
  /** 1: a first delivery. */
  readonly attempt: number;
}

export interface SnapshotHeader {
  readonly channel: number;
  readonly positions: readonly Position[];
  readonly complete: boolean;
  readonly token: string;
}

/** Makes frames of events. Injected, so that interest classes need not know the wire protocol. */
export interface EventsEncoder {
  /** One `events` frame in the interest's form: encoded once, whoever it goes to. */
  events(interest: Interest, header: EventsHeader, list: EventList): EncodedFrame;
  /** One `snapshot` frame, of events of one topic. */
  snapshot(interest: Interest, topic: string, header: SnapshotHeader, list: EventList): EncodedFrame;
}
