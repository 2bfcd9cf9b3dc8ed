/** What a finding must be to be taken: the checks of `findings.ts`, the key of its event, and an id that nobody has used. */
import { fieldError } from "@distribution/core/errors";
import type { TransitionRule } from "@distribution/core/ingest";
import type { Projection } from "@distribution/core/projections";
import { FINDING, type Finding } from "./findings.ts";
import { FINDING_TYPES, TOPICS } from "./topics.ts";

/** Who has an id, for people. */
export type Owner = "a finding that is kept" | "another finding of this publish";

/**
 * One a topic that findings are published on; copies come from there, whatever topic the publisher named. An id is known when its
 * finding is kept, or is on its way, whatever its kind and symbol: `data.intelligence_id` is then refused with `event_conflict`.
 */
export function admissionRules(findings: Projection<Finding>): readonly TransitionRule<Owner, Finding>[] {
  return FINDING_TYPES.map((type) => ({
    topic: TOPICS[type],
    payload: FINDING,
    by: [findings],
    // The id may lie in any partition of any kind.
    beside: [findings],
    claims: ({ payload: { intelligenceId } }) => [`finding ${intelligenceId}`],
    current: (_, { payload: { intelligenceId } }) =>
      findings.find(intelligenceId) ? "a finding that is kept" : undefined,
    next(owner, { envelope: { key }, payload: { symbol, intelligenceId } }) {
      if (key !== symbol) {
        const rule = `must be the symbol, "${symbol}" (partitionkey in CloudEvents)`;
        throw fieldError("invalid_event", "key", `${rule}; it is ${JSON.stringify(key)}.`);
      }
      if (owner) throw taken(intelligenceId, owner);
      return "another finding of this publish";
    },
  }));
}

function taken(id: string, owner: Owner) {
  const remedy =
    "Give every finding an id of its own; to repeat one, send the event as it was, with the same source and id.";
  return fieldError("event_conflict", "data.intelligence_id", `"${id}" is the id of ${owner}. ${remedy}`);
}
