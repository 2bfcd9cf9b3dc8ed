/** What a subscription needs of the session that it belongs to, and of the service. */
import type { GapReason, StreamState } from "@distribution/proto-types/distribution/v1/frames";
import type { Broker, Position } from "../brokers/contract.ts";
import type { Counter } from "../observability/index.ts";
import type { Runtime } from "../runtime/index.ts";
import type { EventsEncoder } from "../subscriptions/encoder.ts";
import type { FrameSink } from "../subscriptions/interest-class.ts";
import type { EncodedFrame } from "../transport/contract.ts";
import type { TokenCodec } from "./token.ts";

export type SlowPolicy = "catch-up" | "drop" | "close";

export interface SubscriptionProfile {
  /** At least once: events out and unacknowledged at a time, and how long until one is sent again. Absent: at most once. */
  readonly window?: { readonly size: number; readonly ackTimeoutMs: number };
  readonly slow: SlowPolicy;
  readonly snapshot: boolean;
}

export interface GapNotice {
  readonly channel: number;
  readonly from: Position;
  readonly to: Position;
  readonly reason: GapReason;
}

export interface StateNotice {
  readonly channel: number;
  /** Of which topic; "": of all that the subscription has. */
  readonly topic: string;
  readonly state: StreamState;
  /** For people; "" where the state says it all. */
  readonly reason: string;
}

export interface Outlet extends FrameSink {
  /** False: the socket is full, until `drained`; or the session has had its share of this turn, until its next one. */
  readonly writable: boolean;
  /** `events`: how many the frame carries, for the metrics. */
  send(frame: EncodedFrame, events: number): void;
  gap(notice: GapNotice): void;
  state(notice: StateNotice): void;
  /** The subscription's profile asks to end a session that reads too slowly. */
  tooSlow(): void;
  /** The subscription can't go on, for a reason that is not the client's. */
  failed(failure: unknown): void;
}

export interface Work {
  /** Of what it does next, within its session; asked each time it begins to wait. Default 0. */
  readonly priority?: number;
  /** Does one step. True: there is more to do now. */
  step(): boolean;
}

export interface Scheduler {
  /** Idempotent while the work is waiting for its turn. */
  add(work: Work): void;
  readonly waiting: number;
}

/** What all subscriptions of a session have in common. */
export interface SubscriptionParts {
  readonly broker: Broker;
  readonly encoder: EventsEncoder;
  readonly tokens: TokenCodec;
  readonly scheduler: Scheduler;
  readonly runtime: Runtime;
  readonly redelivered: Counter;
  readonly outlet: Outlet;
}
