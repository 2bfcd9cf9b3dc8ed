/** What the endpoints answer, as JSON: decimals are text, and so are times (Unix nanoseconds; "0": not stated). */
import type { Position } from "@distribution/core/brokers";
import type { Entry } from "@distribution/core/projections";
import type { Conflict } from "./conflict.ts";
import type { Decision } from "./decision.ts";
import type { ConflictRecord } from "./read-models/conflicts.ts";
import type { DecisionRecord, Step } from "./read-models/decisions.ts";
import type { Check, Violation } from "./read-models/policies.ts";
import type { Told } from "./read-models/told.ts";

export interface ToldView {
  readonly source: string;
  readonly id: string;
  readonly eventTime: string;
  readonly appendedAt: string;
  readonly position: Position;
}

const toldView = ({ source, id, eventTime, appendedAt, position }: Told): ToldView => ({
  ...{ source, id, position },
  eventTime: eventTime.toString(),
  appendedAt: appendedAt.toString(),
});

export interface DecisionView extends Omit<Decision, "createdAt" | "validUntil"> {
  readonly decisionId: string;
  readonly createdAt: string;
  readonly validUntil: string;
  /** When its last event was appended. */
  readonly changedAt: string;
}

export function decisionView({ key, state: { decision }, changedAt }: Entry<DecisionRecord>): DecisionView {
  const { createdAt, validUntil, ...rest } = decision;
  return {
    decisionId: key,
    ...rest,
    createdAt: createdAt.toString(),
    validUntil: validUntil.toString(),
    changedAt: changedAt.toString(),
  };
}

/** With what the step said of its own: `approvedBy`, `rejectedBy` and `reason`, `supersededBy`, `orderIds` and `filledQuantity`. */
export type StepView = ToldView & Omit<Step, keyof Told>;

export const stepView = (step: Step): StepView => ({ ...step, ...toldView(step) });

export type CheckView = ToldView & Omit<Check, keyof Told>;

export const checkView = (check: Check): CheckView => ({ ...check, ...toldView(check) });

export type ViolationView = ToldView & Omit<Violation, keyof Told>;

export const violationView = ({ state }: Entry<Violation>): ViolationView => ({ ...state, ...toldView(state) });

export interface ConflictView extends Conflict {
  readonly conflictId: string;
  readonly detected: ToldView;
  /** Absent while it is open. */
  readonly resolved?: ToldView;
}

export function conflictView({ key, state: { conflict, history } }: Entry<ConflictRecord>): ConflictView {
  const [detected, resolved] = history;
  return {
    conflictId: key,
    ...conflict,
    detected: toldView(detected!),
    ...(resolved === undefined ? {} : { resolved: toldView(resolved) }),
  };
}
