/** What a subscription tells its owner, beside events. */
import type { Ledger, Position } from "@distribution/proto-types/distribution/v1/frames";
import type { DistributionClientError } from "../errors.ts";
import type { SnapshotNotice } from "./intake.ts";
import type { Gap } from "./lanes.ts";

export type SubscriptionState =
  /** Waits for a session, or for the service's answer. */
  "starting" | "live" | "paused" | "closed";

export interface Started {
  /** The stream starts after these. */
  readonly positions: readonly Position[];
  /** False: the requested start is no longer there; a gap says what is missing. */
  readonly recovered: boolean;
  /** Goes on after an earlier session of this client. */
  readonly resumed: boolean;
}

export interface SubscriptionEvents {
  /** In its place between events: told when the consumer comes there. */
  gap: Gap;
  /** All events of the snapshot were given to the consumer. */
  snapshot: SnapshotNotice;
  state: SubscriptionState;
  started: Started;
  /** At the interval that the profile names. Counts begin anew with each session. */
  ledger: Ledger;
  /** A handler failed, or the service refused something that had no answer to wait for. */
  error: DistributionClientError;
}
