/** What policies said of decisions. It has no order to keep: each event stands for itself. */
import { fieldError } from "@distribution/core/errors";
import type { JudgedEvent } from "@distribution/core/ingest";
import type { CoordinationEvent } from "@distribution/proto-types/coordination/v1/coordination";
import { checkKey } from "./decision.ts";
import { checkId } from "./ids.ts";
import { nameOf, SEVERITIES } from "./names.ts";

/** Throws `invalid_event` for what no policy can say. */
export function checkPolicyEvent({ envelope, payload: said }: JudgedEvent<CoordinationEvent>): void {
  const { payload, decisionId } = said;
  checkKey(envelope.key, decisionId);
  if (payload?.$case === "policyChecked") {
    checkId(payload.value.policyId, "data.policy_checked.policy_id");
  } else if (payload?.$case === "policyViolated") {
    checkId(payload.value.policyId, "data.policy_violated.policy_id");
    nameOf(SEVERITIES, payload.value.severity, "data.policy_violated.severity");
  } else {
    throw fieldError("invalid_event", "data", "must say what a policy said.");
  }
}
