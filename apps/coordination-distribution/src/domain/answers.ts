/** Answers that are made of several read models. */
import { type Answer, type Entry, mergeAnswers, PAGE_LIMIT } from "@distribution/core/projections";
import { CONFLICT_STATES, type ConflictState } from "./conflict.ts";
import { DECISION_STATES, type DecisionState } from "./decision.ts";
import { recordOf } from "./names.ts";
import { conflictList, conflictsByChange } from "./read-models/conflicts.ts";
import { byChange, type DecisionRecord, decisionList } from "./read-models/decisions.ts";
import { type Severity, violationList, violationsByChange } from "./read-models/policies.ts";
import { byName, type ReadModels } from "./read-models.ts";
import {
  type CheckView,
  type ConflictView,
  checkView,
  conflictView,
  type DecisionView,
  decisionView,
  type StepView,
  stepView,
  type ViolationView,
  violationView,
} from "./views.ts";

/** Violations and conflicts in one decision's answer; there are lists for more. */
export const MAX_RELATED = 100;

export interface DecisionAnswer {
  readonly decision: DecisionView;
  /** Oldest first. */
  readonly history: readonly StepView[];
  readonly policies: {
    /** A blocking violation is on record: it cannot be approved. */
    readonly blocked: boolean;
    /** It was approved all the same: the violation came later, or was on its way by another replica. */
    readonly approvedAgainstPolicy: boolean;
    /** Of all that came; `checks` has the newest. */
    readonly checkCount: number;
    readonly violationCount: number;
    /** Newest first. */
    readonly checks: readonly CheckView[];
    readonly violations: readonly ViolationView[];
  };
  /** Last changed first. */
  readonly conflicts: readonly ConflictView[];
  readonly conflictCount: number;
}

/** Throws `not_found`. */
export function readDecision(models: ReadModels, decisionId: string): Answer<DecisionAnswer> {
  const record = models.decisions.read(decisionId);
  const group = violationList({ decisionId });
  const blocking = violationList({ decisionId, severity: "blocking" });
  const violations = models.violations.list(violationsByChange, { group, limit: MAX_RELATED });
  const blocked = models.violations.list(violationsByChange, { group: blocking, limit: 1 });
  const touching = conflictList({ decisionId });
  const conflicts = models.conflicts.list(conflictsByChange, { group: touching, limit: MAX_RELATED });
  const checks = models.checks.find(decisionId) && models.checks.read(decisionId);
  const isBlocked = blocked.value.entries.length > 0;
  const { history } = record.value;
  return mergeAnswers([record, violations, blocked, conflicts, ...(checks ? [checks] : [])], {
    decision: decisionView(models.decisions.find(decisionId)!),
    history: history.map(stepView),
    policies: {
      blocked: isBlocked,
      approvedAgainstPolicy: isBlocked && history.some(({ state }) => state === "approved"),
      checkCount: checks?.value.count ?? 0,
      violationCount: models.violations.count(violationsByChange, group),
      checks: (checks?.value.newest ?? []).toReversed().map(checkView),
      violations: violations.value.entries.map(violationView),
    },
    conflicts: conflicts.value.entries.map(conflictView),
    conflictCount: models.conflicts.count(conflictsByChange, touching),
  });
}

type Counts<Name extends string> = Readonly<Record<Name, number>>;

export interface Waiting {
  readonly count: number;
  /** The one that has waited longest: absent when none waits. */
  readonly oldest?: DecisionView;
}

export interface StatusAnswer {
  /** Of those that are kept, as all counts here. */
  readonly decisions: Counts<DecisionState>;
  /** By name. */
  readonly strategies: readonly { readonly strategy: string; readonly decisions: Counts<DecisionState> }[];
  readonly waiting: { readonly forApproval: Waiting; readonly forExecution: Waiting };
  readonly conflicts: Counts<ConflictState>;
  /** Policies that were violated, by name. */
  readonly violations: readonly ({ readonly policyId: string } & Counts<Severity>)[];
}

export function readStatus({
  decisions,
  strategies,
  policies,
  violations,
  conflicts,
}: ReadModels): Answer<StatusAnswer> {
  const all = { order: "ascending", limit: PAGE_LIMIT } as const;
  // Each event of a topic changes its strategy or policy, so that these stand for all decisions and violations in the tag.
  const named = { strategies: strategies.list(byName, all), policies: policies.list(byName, all) };
  const newestConflict = conflicts.list(conflictsByChange, { limit: 1 });
  const oldestOf = (state: DecisionState) =>
    decisions.list(byChange, { group: decisionList({ state }), order: "ascending", limit: 1 });
  const waiting = { coordinated: oldestOf("coordinated"), approved: oldestOf("approved") };
  const inStates = (strategy?: string): Counts<DecisionState> =>
    recordOf(DECISION_STATES, (state) => decisions.count(byChange, decisionList({ strategy, state })));
  const waitingIn = (state: keyof typeof waiting): Waiting => ({
    count: decisions.count(byChange, decisionList({ state })),
    ...oldest(waiting[state].value.entries),
  });

  return mergeAnswers([named.strategies, named.policies, newestConflict, ...Object.values(waiting)], {
    decisions: inStates(),
    strategies: named.strategies.value.entries.map(({ key }) => ({ strategy: key, decisions: inStates(key) })),
    waiting: { forApproval: waitingIn("coordinated"), forExecution: waitingIn("approved") },
    conflicts: recordOf(CONFLICT_STATES, (state) => conflicts.count(conflictsByChange, conflictList({ state }))),
    violations: named.policies.value.entries.flatMap(({ key: policyId }) => {
      const counts = recordOf(["warning", "blocking"], (severity) =>
        violations.count(violationsByChange, violationList({ policyId, severity })),
      );
      return counts.warning + counts.blocking > 0 ? [{ policyId, ...counts }] : [];
    }),
  });
}

function oldest([entry]: readonly Entry<DecisionRecord>[]): Pick<Waiting, "oldest"> {
  return entry ? { oldest: decisionView(entry) } : {};
}
