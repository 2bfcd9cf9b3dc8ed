/** What a subscription needs of the session that it belongs to. */
import type { GapReason } from "@distribution/proto-types/distribution/v1/frames";
import type { Position } from "../brokers/contract.ts";
import type { EncodedFrame } from "../transport/contract.ts";

export interface GapNotice {
  readonly channel: number;
  readonly from: Position;
  readonly to: Position;
  readonly reason: GapReason;
}

export interface Outlet {
  /** False: the socket is full; nothing but shared frames already on their way is sent until `drained`. */
  readonly writable: boolean;
  /** `events`: how many the frame carries, for the metrics. */
  send(frame: EncodedFrame, events: number): void;
  gap(notice: GapNotice): void;
  /** The subscription's profile asks to end a session that reads too slowly. */
  tooSlow(): void;
  /** The subscription can't go on, for a reason that is not the client's. */
  failed(failure: unknown): void;
}
