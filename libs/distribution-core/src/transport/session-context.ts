/** What all sessions of a service share. */
import type { GapReason } from "@distribution/proto-types/distribution/v1/frames";
import type { Broker } from "../brokers/contract.ts";
import type { ErrorCode } from "../errors.ts";
import type { Ingest } from "../ingest/contract.ts";
import type { Counter, Logger } from "../observability/index.ts";
import type { Cursors, LedgerReading, Scheduler, TokenCodec } from "../qos/index.ts";
import type { Runtime } from "../runtime/index.ts";
import type { Guard } from "../security/index.ts";
import type { EventsEncoder, Registry } from "../subscriptions/index.ts";
import type { Tail } from "../tail/index.ts";
import type { TopicDefinition } from "../topics.ts";
import type { WireName } from "./contract.ts";
import type { FrameLimits } from "./frames/index.ts";
import type { Outbox } from "./outbox.ts";
import type { Session } from "./session.ts";
import type { SessionLimits } from "./session-limits.ts";

export interface SubscriptionDetails {
  readonly session: string;
  readonly subscription: number;
  readonly topics: readonly string[];
}

export interface SessionParts {
  readonly service: string;
  readonly topics: readonly TopicDefinition[];
  readonly broker: Broker;
  readonly tail: Pick<Tail, "look">;
  readonly registry: Registry;
  readonly ingest: Ingest;
  readonly cursors: Cursors;
  readonly encoder: EventsEncoder;
  readonly tokens: TokenCodec;
  readonly scheduler: Scheduler;
  readonly guard: Guard;
  readonly runtime: Runtime;
  readonly logger: Logger;
  readonly limits: SessionLimits;
  readonly frameLimits: FrameLimits;
  /** A subscription began or ended: the service's own life. */
  readonly changed: (change: "subscribed" | "unsubscribed", details: SubscriptionDetails) => void;
}

/** What went out on a wire. */
export interface WrittenCounters {
  readonly events: Counter;
  readonly bytes: Counter;
}

export interface SessionContext extends SessionParts {
  /** Durable names that live subscriptions hold, with their identity's subject before them. */
  readonly names: Set<string>;
  readonly redelivered: Counter;
  /** Handed to a wire. */
  readonly written: Readonly<Record<WireName, WrittenCounters>>;
  undelivered(ledger: LedgerReading): void;
  /** A subscriber was told of a gap. */
  gap(reason: GapReason): void;
  ended(code: ErrorCode): void;
  readonly outbox: Outbox;
  onClosed(session: Session): void;
}
