/**
 * The life of a decision: coordinated, then approved, rejected, superseded or expired; an approved one is executed,
 * superseded or expired. What has ended changes no more.
 */
import { fieldError } from "@distribution/core/errors";
import { compareDecimals } from "@distribution/core/events";
import type { JudgedEvent } from "@distribution/core/ingest";
import type { CoordinationEvent, DecisionCoordinated } from "@distribution/proto-types/coordination/v1/coordination";
import { checkId, checkInstrument, shown } from "./ids.ts";
import { ACTIONS, type NameOf, nameOf } from "./names.ts";

export const DECISION_STATES = ["coordinated", "approved", "rejected", "superseded", "executed", "expired"] as const;
export type DecisionState = (typeof DECISION_STATES)[number];

/** What may follow. */
export const FOLLOWERS: Readonly<Record<DecisionState, readonly DecisionState[]>> = {
  coordinated: ["approved", "rejected", "superseded", "expired"],
  approved: ["executed", "superseded", "expired"],
  rejected: [],
  superseded: [],
  executed: [],
  expired: [],
};

export const MAX_URGENCY = 9;

/** What was coordinated, and what has become of it. Decimals as they were published; times are Unix nanoseconds. */
export interface Decision {
  readonly state: DecisionState;
  readonly strategy: string;
  readonly portfolioId: string;
  readonly instrument: string;
  readonly action: NameOf<typeof ACTIONS>;
  readonly quantity: string;
  /** Empty: not stated. */
  readonly notional: string;
  readonly confidence: string;
  readonly urgency: number;
  /** When it was coordinated, by the upstream's clock. */
  readonly createdAt: bigint;
  /** 0: no end. */
  readonly validUntil: bigint;
  readonly intelligenceIds: readonly string[];
}

type Payload = NonNullable<CoordinationEvent["payload"]>;

const STATE_OF: Readonly<Partial<Record<Payload["$case"], DecisionState>>> = {
  decisionCoordinated: "coordinated",
  decisionApproved: "approved",
  decisionRejected: "rejected",
  decisionSuperseded: "superseded",
  decisionExecuted: "executed",
  decisionExpired: "expired",
};

/** The state that the event brings a decision to. Throws `invalid_event` for one that is about no decision's state. */
export function reachedState({ payload }: CoordinationEvent): DecisionState {
  const state = payload && STATE_OF[payload.$case];
  if (state) return state;
  throw fieldError("invalid_event", "data", "must say what became of a decision.");
}

/**
 * The decision after the event; the given one is not changed. Throws `illegal_transition` for what cannot follow, and
 * `invalid_event` for what no decision can be.
 */
export function nextDecision(decision: Decision | undefined, event: JudgedEvent<CoordinationEvent>): Decision {
  const { envelope, payload: said } = event;
  const state = reachedState(said);
  checkKey(envelope.key, said.decisionId);
  if (decision === undefined && said.payload?.$case === "decisionCoordinated")
    return coordinated(said, said.payload.value);
  checkFollows(said.decisionId, decision, state);
  checkSame(decision, said);
  if (said.payload?.$case === "decisionSuperseded") checkSuperseding(said.decisionId, said.payload.value.supersededBy);
  if (said.payload?.$case === "decisionExecuted") checkFilled(said.payload.value.filledQuantity, decision.quantity);
  return { ...decision, state };
}

/** Throws `invalid_event`: order is kept by key, so an event about a decision has it as its key. */
export function checkKey(key: string, decisionId: string): void {
  checkId(decisionId, "data.decision_id");
  if (key === decisionId) return;
  const message = `must be the decision_id, ${decisionId} (partitionkey in CloudEvents); it is ${shown(key)}.`;
  throw fieldError("invalid_event", "key", message);
}

function coordinated(said: CoordinationEvent, value: DecisionCoordinated): Decision {
  const { strategy, portfolioId, instrument, eventTime } = said;
  const { quantity, notional, confidence, urgency, validUntil, intelligenceIds } = value;
  checkId(strategy, "data.strategy");
  checkId(portfolioId, "data.portfolio_id");
  checkInstrument(instrument, "data.instrument");
  const refuse = (field: string, message: string) => fieldError("invalid_event", `data.${field}`, message);
  const inside = (field: string, message: string) => refuse(`decision_coordinated.${field}`, message);
  if (eventTime <= 0n) throw refuse("event_time", "must be stated: when it was coordinated, Unix nanoseconds.");
  const action = nameOf(ACTIONS, value.action, "data.decision_coordinated.action");
  if (!isStated(quantity) || compareDecimals(quantity, "0") <= 0) {
    throw inside("quantity", `must be above zero; it is ${shown(quantity)}.`);
  }
  if (!isStated(confidence) || compareDecimals(confidence, "0") < 0 || compareDecimals(confidence, "1") > 0) {
    throw inside("confidence", `must be from 0 to 1; it is ${shown(confidence)}.`);
  }
  if (urgency > MAX_URGENCY) throw inside("urgency", `must be 0 to ${MAX_URGENCY}; it is ${urgency}.`);
  if (validUntil !== 0n && validUntil < eventTime) {
    throw inside("valid_until", `must not be before event_time, ${eventTime}, or 0 for no end; it is ${validUntil}.`);
  }
  return {
    ...{ state: "coordinated", strategy, portfolioId, instrument, action, quantity, notional, confidence, urgency },
    ...{ createdAt: eventTime, validUntil, intelligenceIds },
  };
}

function checkFollows(
  decisionId: string,
  decision: Decision | undefined,
  state: DecisionState,
): asserts decision is Decision {
  if (decision === undefined) {
    const message = `Decision ${decisionId} is not known, so it cannot be ${state}: coordinate it first. What changed too long ago is not kept.`;
    throw fieldError("illegal_transition", "type", message);
  }
  const followers = FOLLOWERS[decision.state];
  if (followers.includes(state)) return;
  const what = followers.length === 0 ? "nothing may follow" : `next it can be ${followers.join(", ")}`;
  const message = `Decision ${decisionId} is ${decision.state}: ${what}, not ${state}.`;
  throw fieldError("illegal_transition", "type", message);
}

function checkSame(decision: Decision, { decisionId, strategy, portfolioId, instrument }: CoordinationEvent): void {
  const fields = [
    ["strategy", decision.strategy, strategy],
    ["portfolio_id", decision.portfolioId, portfolioId],
    ["instrument", decision.instrument, instrument],
  ] as const;
  for (const [field, was, is] of fields) {
    if (was === is) continue;
    const message = `Decision ${decisionId} has ${shown(was)}, which stays; it cannot become ${shown(is)}.`;
    throw fieldError("illegal_transition", `data.${field}`, message);
  }
}

function checkSuperseding(decisionId: string, by: string): void {
  const path = "data.decision_superseded.superseded_by";
  checkId(by, path);
  if (by === decisionId) throw fieldError("invalid_event", path, "must be another decision than the one superseded.");
}

function checkFilled(filled: string, quantity: string): void {
  if (filled === "") return;
  if (compareDecimals(filled, "0") >= 0 && compareDecimals(filled, quantity) <= 0) return;
  const message = `must be from 0 to the decision's quantity, ${quantity}; it is ${shown(filled)}.`;
  throw fieldError("invalid_event", "data.decision_executed.filled_quantity", message);
}

/** Of a field whose text ingest has found to be a decimal, or empty. */
const isStated = (text: string): boolean => text !== "";
