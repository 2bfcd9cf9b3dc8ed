/** What a subscription tells its owner, beside events. */
import type { Ledger, Position } from "@distribution/proto-types/distribution/v1/frames";
import type { DistributionClientError } from "../errors.ts";
import type { SnapshotNotice } from "./intake.ts";
import type { Gap } from "./lanes.ts";

export type SubscriptionState =
  /** Waits for a session, or for the service's answer. */
  | "starting"
  /** A snapshot, or what was published before, comes first. */
  | "catching-up"
  /** Events come as they are published. Those that came may still wait for the consumer. */
  | "live"
  /** The service cannot read a topic at the moment: there may be newer events than came. */
  | "stale"
  | "paused"
  | "closed";

/** Why a subscription is stale. */
export interface Stale {
  readonly topic: string;
  /** For people. */
  readonly reason: string;
}

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
  /** With each `state` of stale. */
  stale: Stale;
  started: Started;
  /** At the interval that the profile names. Counts begin anew with each session. */
  ledger: Ledger;
  /** A handler failed, or the service refused something that had no answer to wait for. */
  error: DistributionClientError;
}

export interface CloseOptions {
  /** The service forgets where the durable name was: whoever uses it next begins anew. Default false. */
  readonly forget?: boolean;
}
