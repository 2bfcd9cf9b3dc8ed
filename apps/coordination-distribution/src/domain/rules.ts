/**
 * What may come in: the machines of decisions and conflicts, and what policy events have to hold.
 *
 * A decision with a blocking violation on record cannot be approved. Of this process that is a promise: a violation that it
 * acknowledged before the approval came is seen, as the approval waits for what is on its way there. A violation that comes
 * later, or by another replica and not through the log yet, cannot be foreseen: then the decision's answer says that it
 * was approved against policy.
 */
import { fieldError } from "@distribution/core/errors";
import type { IngestService } from "@distribution/core/ingest";
import { CoordinationEvent } from "@distribution/proto-types/coordination/v1/coordination";
import { nextConflict } from "./conflict.ts";
import { type Decision, nextDecision } from "./decision.ts";
import { checkPolicyEvent } from "./policy.ts";
import { violationList, violationsByChange } from "./read-models/policies.ts";
import type { ReadModels } from "./read-models.ts";
import { TOPICS } from "./topics.ts";

export function govern(ingest: Pick<IngestService, "govern">, models: ReadModels): void {
  const payload = CoordinationEvent;
  ingest.govern({
    ...{ topic: TOPICS.decisions, payload, by: [models.decisions], beside: [models.violations] },
    claims: ({ envelope: { key } }) => [decisionClaim(key)],
    current: (key) => models.decisions.find(key)?.state.decision,
    next(before: Decision | undefined, event) {
      const decision = nextDecision(before, event);
      if (decision.state === "approved") assertNotBlocked(models, event.payload.decisionId);
      return decision;
    },
  });
  ingest.govern({
    ...{ topic: TOPICS.policies, payload, by: [models.violations] },
    claims: ({ envelope: { key }, payload: said }) =>
      said.payload?.$case === "policyViolated" ? [decisionClaim(key)] : [],
    next(_state: undefined, event) {
      checkPolicyEvent(event);
      return undefined;
    },
  });
  ingest.govern({
    ...{ topic: TOPICS.conflicts, payload, by: [models.conflicts], next: nextConflict },
    current: (key) => models.conflicts.find(key)?.state.conflict,
  });
}

/** Of what becomes of a decision, and of the violations that keep it from that. */
const decisionClaim = (id: string): string => `decision ${id}`;

function assertNotBlocked({ violations }: ReadModels, decisionId: string): void {
  const group = violationList({ decisionId, severity: "blocking" });
  if (violations.count(violationsByChange, group) === 0) return;
  const [violation] = violations.list(violationsByChange, { group, limit: 1 }).value.entries;
  const message = `Decision ${decisionId} breaks policy ${violation!.state.policyId}, which blocks it: it can be rejected or superseded, or expire, but not be approved.`;
  throw fieldError("illegal_transition", "type", message);
}
