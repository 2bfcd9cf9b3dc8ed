/** Every kind of event: where it goes, what it is called, and how its payload becomes bytes. */
import type { BinaryWriter } from "@bufbuild/protobuf/wire";
import { CoordinationEvent } from "@distribution/proto-types/coordination/v1/coordination";
import { ExecutionEvent } from "@distribution/proto-types/execution/v1/execution";
import { IntelligenceEvent } from "@distribution/proto-types/intelligence/v1/intelligence";
import { PortfolioEvent } from "@distribution/proto-types/portfolio/v1/portfolio";
import { WORLD_TOPICS as TOPICS, WORLD_EVENT_TYPES as TYPES, type WorldDomain } from "../names.ts";

/** As much of a domain's message as is common to all. */
export interface DomainMessage {
  readonly payload?: { readonly $case: string; readonly value: object } | undefined;
}

interface Encoder<Message> {
  encode(message: Message, writer: BinaryWriter): BinaryWriter;
}

export interface Kind<Message extends DomainMessage = DomainMessage> {
  readonly domain: WorldDomain;
  readonly topic: string;
  readonly type: string;
  readonly message: Encoder<Message>;
  /** Where its key stands in a life that has states. */
  readonly life?: "going" | "ended";
}

/** The payload. The writer is empty before and after. */
export function bytesOf<Message extends DomainMessage>(
  kind: Kind<Message>,
  message: Message,
  writer: BinaryWriter,
): Buffer {
  const bytes = kind.message.encode(message, writer).finish();
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

const portfolio = (topic: string, type: string): Kind<PortfolioEvent> => ({
  domain: "portfolio",
  topic,
  type,
  message: PortfolioEvent,
});

const coordination = (topic: string, type: string): Kind<CoordinationEvent> => ({
  domain: "coordination",
  topic,
  type,
  message: CoordinationEvent,
});

const decision = (type: string, life: "going" | "ended"): Kind<CoordinationEvent> => ({
  ...coordination(TOPICS.coordination.decisions, type),
  life,
});

const intelligence = (topic: string, type: string): Kind<IntelligenceEvent> => ({
  domain: "intelligence",
  topic,
  type,
  message: IntelligenceEvent,
});

const execution = (topic: string, type: string): Kind<ExecutionEvent> => ({
  domain: "execution",
  topic,
  type,
  message: ExecutionEvent,
});

const order = (type: string, life: "going" | "ended"): Kind<ExecutionEvent> => ({
  ...execution(TOPICS.execution.orders, type),
  life,
});

export const KINDS = {
  state: portfolio(TOPICS.portfolio.state, TYPES.portfolio.state),
  position: portfolio(TOPICS.portfolio.positions, TYPES.portfolio.position),
  performance: portfolio(TOPICS.portfolio.performance, TYPES.portfolio.performance),
  attribution: portfolio(TOPICS.portfolio.performance, TYPES.portfolio.attribution),
  breach: portfolio(TOPICS.portfolio.risk, TYPES.portfolio.breach),
  rebalanceProposed: portfolio(TOPICS.portfolio.rebalancing, TYPES.portfolio.rebalanceProposed),
  rebalanceCompleted: portfolio(TOPICS.portfolio.rebalancing, TYPES.portfolio.rebalanceCompleted),

  decisionCoordinated: decision(TYPES.coordination.decisionCoordinated, "going"),
  decisionApproved: decision(TYPES.coordination.decisionApproved, "going"),
  decisionRejected: decision(TYPES.coordination.decisionRejected, "ended"),
  decisionSuperseded: decision(TYPES.coordination.decisionSuperseded, "ended"),
  decisionExecuted: decision(TYPES.coordination.decisionExecuted, "ended"),
  decisionExpired: decision(TYPES.coordination.decisionExpired, "ended"),
  policyChecked: coordination(TOPICS.coordination.policies, TYPES.coordination.policyChecked),
  policyViolated: coordination(TOPICS.coordination.policies, TYPES.coordination.policyViolated),
  conflictDetected: coordination(TOPICS.coordination.conflicts, TYPES.coordination.conflictDetected),
  conflictResolved: coordination(TOPICS.coordination.conflicts, TYPES.coordination.conflictResolved),

  signal: intelligence(TOPICS.intelligence.signals, TYPES.intelligence.signal),
  news: intelligence(TOPICS.intelligence.news, TYPES.intelligence.news),
  sentiment: intelligence(TOPICS.intelligence.sentiment, TYPES.intelligence.sentiment),
  synthesis: intelligence(TOPICS.intelligence.synthesis, TYPES.intelligence.synthesis),

  orderNew: order(TYPES.execution.orderNew, "going"),
  orderAcknowledged: order(TYPES.execution.orderAcknowledged, "going"),
  orderFilled: order(TYPES.execution.orderFilled, "going"),
  orderReplaced: order(TYPES.execution.orderReplaced, "going"),
  orderCancelled: order(TYPES.execution.orderCancelled, "ended"),
  orderRejected: order(TYPES.execution.orderRejected, "ended"),
  orderExpired: order(TYPES.execution.orderExpired, "ended"),
  tradeConfirmed: execution(TOPICS.execution.confirmations, TYPES.execution.tradeConfirmed),
  alert: execution(TOPICS.execution.alerts, TYPES.execution.alert),
} as const;
