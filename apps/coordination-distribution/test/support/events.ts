/** Events of this domain: what is usual is filled in, what a test is about is given. */
import { createPayloadCodec, encodeEvent } from "@distribution/core/events";
import type { JudgedEvent } from "@distribution/core/ingest";
import type { PlacedEvent } from "@distribution/core/tail";
import { CoordinationEvent } from "@distribution/proto-types/coordination/v1/coordination";
import { messageOf } from "@distribution/proto-types/descriptors";
import { Event } from "@distribution/proto-types/distribution/v1/event";
import { EVENT_TYPES, TOPICS } from "../../src/domain/topics.ts";

export const SOURCE = "/test/desk";
export const START = 1_767_623_400_000_000_000n;

type Payload = Readonly<Record<string, unknown>>;

export interface TestEvent {
  readonly topic: string;
  readonly id: string;
  readonly type: string;
  readonly key: string;
  /** The payload in JSON. */
  readonly data: Payload;
}

/** Fields of the payload beside its member, and of the envelope, for what is not as usual. */
export interface Fields {
  readonly id?: string;
  readonly key?: string;
  readonly strategy?: string;
  readonly portfolioId?: string;
  readonly instrument?: string;
  /** Of the payload's member. */
  readonly with?: Payload;
  /** Nanoseconds after START. */
  readonly at?: bigint;
}

type Member = keyof typeof EVENT_TYPES;

function make(topic: string, member: Member, key: string, value: Payload, fields: Fields, about: Payload): TestEvent {
  const { id = `${key} ${member}`, at = 0n, with: more, key: otherKey, ...changed } = fields;
  return {
    ...{ topic, id, type: EVENT_TYPES[member], key: otherKey ?? key },
    data: { ...about, ...changed, eventTime: String(START + at), [member]: { ...value, ...more } },
  };
}

const aboutDecision = (decisionId: string) => ({
  ...{ decisionId, strategy: "momentum", portfolioId: "growth", instrument: "coinbase:BTC-USD" },
});

const ofDecision =
  (member: Member, value: Payload, topic: string = TOPICS.decisions) =>
  (decisionId: string, fields: Fields = {}): TestEvent =>
    make(topic, member, decisionId, value, fields, aboutDecision(decisionId));

export const coordinated = ofDecision("decisionCoordinated", {
  ...{ action: "ACTION_BUY", quantity: "2", notional: "200", confidence: "0.5", urgency: 3 },
  intelligenceIds: ["i-1"],
});
export const approved = ofDecision("decisionApproved", { approvedBy: "risk-desk" });
export const rejected = ofDecision("decisionRejected", { rejectedBy: "risk-desk", reason: "Too large." });
export const superseded = ofDecision("decisionSuperseded", { supersededBy: "d-other" });
export const executed = ofDecision("decisionExecuted", { orderIds: ["o-1", "o-2"], filledQuantity: "1.5" });
export const expired = ofDecision("decisionExpired", {});

/** By the state that they bring a decision to. */
export const STEPS = { coordinated, approved, rejected, superseded, executed, expired } as const;

export const checked = (decisionId: string, policyId: string, passed = true, fields: Fields = {}): TestEvent =>
  ofDecision(
    "policyChecked",
    { policyId, passed },
    TOPICS.policies,
  )(decisionId, {
    id: `${decisionId} ${policyId} checked`,
    ...fields,
  });

export function violated(
  decisionId: string,
  policyId: string,
  severity: "WARNING" | "BLOCKING",
  fields: Fields = {},
): TestEvent {
  const value = { policyId, severity: `VIOLATION_SEVERITY_${severity}`, limit: "100", actual: "120.5", text: "Over." };
  const id = `${decisionId} ${policyId} violated`;
  return ofDecision("policyViolated", value, TOPICS.policies)(decisionId, { id, ...fields });
}

const aboutConflict = { portfolioId: "growth", instrument: "coinbase:BTC-USD" };

export function detected(conflictId: string, decisionIds: readonly string[], fields: Fields = {}): TestEvent {
  const value = { conflictId, decisionIds, kind: "CONFLICT_KIND_OPPOSITE_SIDES" };
  return make(TOPICS.conflicts, "conflictDetected", conflictId, value, fields, aboutConflict);
}

export function resolved(
  conflictId: string,
  decisionIds: readonly string[],
  winningDecisionId: string,
  fields: Fields = {},
): TestEvent {
  const value = { conflictId, decisionIds, winningDecisionId, resolution: "RESOLUTION_PRIORITIZED" };
  return make(TOPICS.conflicts, "conflictResolved", conflictId, value, fields, aboutConflict);
}

export const cloudEvent = ({ id, type, key, data }: TestEvent) => ({
  ...{ specversion: "1.0", id, source: SOURCE, type, partitionkey: key, datacontenttype: "application/json" },
  data,
});

const codec = createPayloadCodec(messageOf("coordination.v1.CoordinationEvent"));

/** With a protobuf payload. */
export function protoEvent({ id, type, key, data }: TestEvent): Event {
  const bytes = Buffer.from(codec.fromJson(data, "data"));
  return Event.create({ id, source: SOURCE, type, key, contentType: "application/protobuf", data: bytes });
}

/** As the state machines see it. */
export function judged(event: TestEvent): JudgedEvent<CoordinationEvent> {
  const envelope = protoEvent(event);
  return { envelope, payload: CoordinationEvent.decode(envelope.data!) };
}

/** As the read models see it: `offset` is also the append time. */
export function placed(event: TestEvent, offset: number, partition = 0): PlacedEvent {
  return {
    position: { topic: event.topic, partition, epoch: "e1", offset: String(offset) },
    appendedAt: BigInt(offset),
    bytes: encodeEvent(protoEvent(event)),
  };
}
