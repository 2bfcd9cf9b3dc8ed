/** Lists over the read models: which index and which of its lists answer a request, and what is looked up on the way. */
import { fieldError } from "@distribution/core/errors";
import { compareDecimals } from "@distribution/core/events";
import type { Answer, Entry, Page } from "@distribution/core/projections";
import type { ParameterKind } from "@distribution/core/transport/rest";
import type { ConflictState } from "./conflict.ts";
import type { DecisionState } from "./decision.ts";
import { shown } from "./ids.ts";
import { type ConflictRecord, conflictList, conflictsByChange } from "./read-models/conflicts.ts";
import { byChange, byCreation, byUrgency, type DecisionRecord, decisionList } from "./read-models/decisions.ts";
import { type Severity, type Violation, violationList, violationsByChange } from "./read-models/policies.ts";
import type { ReadModels } from "./read-models.ts";

export const DECISION_SORTS = ["changed", "created", "urgency"] as const;

export interface PageRequest {
  readonly order: "ascending" | "descending";
  readonly limit: number;
  readonly cursor: string | undefined;
}

export interface TimeRange {
  /** Unix nanoseconds; at or after. */
  readonly from: bigint | undefined;
  /** Before. */
  readonly to: bigint | undefined;
}

export interface DecisionsRequest extends PageRequest, TimeRange {
  readonly state: DecisionState | undefined;
  readonly strategy: string | undefined;
  readonly portfolio_id: string | undefined;
  readonly instrument: string | undefined;
  readonly min_confidence: string | undefined;
  readonly sort: (typeof DECISION_SORTS)[number];
}

/** Throws `invalid_request` at `limit`, `cursor` or `query.to`. */
export function listDecisions(models: ReadModels, request: DecisionsRequest): Answer<Page<DecisionRecord>> {
  const { state, strategy, portfolio_id: portfolioId, instrument, sort, from, to } = request;
  checkRange(request);
  const where = isWanted(request);
  const page = { ...pageOf(request), where };
  if (sort === "changed") {
    const group = decisionList({ state, strategy, portfolioId, instrument });
    return models.decisions.list(byChange, { ...page, group });
  }
  const group = decisionList({ state });
  return sort === "created"
    ? models.decisions.list(byCreation, { ...page, group, from, to })
    : models.decisions.list(byUrgency, { ...page, group });
}

function isWanted({ min_confidence: least, ...wanted }: DecisionsRequest) {
  const { state, strategy, portfolio_id, instrument, from, to } = wanted;
  return ({ state: { decision } }: Entry<DecisionRecord>): boolean =>
    (state === undefined || decision.state === state) &&
    (strategy === undefined || decision.strategy === strategy) &&
    (portfolio_id === undefined || decision.portfolioId === portfolio_id) &&
    (instrument === undefined || decision.instrument === instrument) &&
    (from === undefined || decision.createdAt >= from) &&
    (to === undefined || decision.createdAt < to) &&
    (least === undefined || compareDecimals(decision.confidence, least) >= 0);
}

export interface ConflictsRequest extends PageRequest {
  readonly state: ConflictState | undefined;
  readonly decision_id: string | undefined;
}

/** Throws `invalid_request` at `limit` or `cursor`. */
export function listConflicts(models: ReadModels, request: ConflictsRequest): Answer<Page<ConflictRecord>> {
  const { state, decision_id: decisionId } = request;
  return models.conflicts.list(conflictsByChange, {
    ...pageOf(request),
    group: conflictList({ state, decisionId }),
    where: ({ state: { conflict } }) => state === undefined || conflict.state === state,
  });
}

export interface ViolationsRequest extends PageRequest, TimeRange {
  readonly policy_id: string | undefined;
  readonly severity: Severity | undefined;
  readonly decision_id: string | undefined;
}

/** Throws `invalid_request` at `limit`, `cursor` or `query.to`. */
export function listViolations(models: ReadModels, request: ViolationsRequest): Answer<Page<Violation>> {
  const { policy_id: policyId, severity, decision_id: decisionId, from, to } = request;
  checkRange(request);
  return models.violations.list(violationsByChange, {
    ...{ ...pageOf(request), from, to },
    group: violationList({ decisionId, policyId, severity }),
    where: ({ state }) => policyId === undefined || state.policyId === policyId,
  });
}

const pageOf = ({ order, limit, cursor }: PageRequest): PageRequest => ({ order, limit, cursor });

function checkRange({ from, to }: TimeRange): void {
  if (from === undefined || to === undefined || from < to) return;
  throw fieldError("invalid_request", "query.to", "must be after from: nothing is before it and not before from");
}

/** A decimal of 0 to 1, as text. */
export const fraction: ParameterKind<string> = {
  schema: { type: "string", pattern: "^(0(\\.[0-9]{1,18})?|1(\\.0{1,18})?)$" },
  parse(text, path) {
    if (/^(?:0(?:\.\d{1,18})?|1(?:\.0{1,18})?)$/.test(text)) return text;
    throw fieldError("invalid_request", path, `${shown(text)} is no decimal of 0 to 1 with at most 18 places`);
  },
};
