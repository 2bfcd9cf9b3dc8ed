/** The life of a conflict between decisions: detected, then resolved once. */
import { type DistributionError, fieldError } from "@distribution/core/errors";
import type { JudgedEvent } from "@distribution/core/ingest";
import type {
  ConflictDetected,
  ConflictResolved,
  CoordinationEvent,
} from "@distribution/proto-types/coordination/v1/coordination";
import { checkId, shown } from "./ids.ts";
import { CONFLICT_KINDS, type NameOf, nameOf, RESOLUTIONS } from "./names.ts";

export const CONFLICT_STATES = ["open", "resolved"] as const;
export type ConflictState = (typeof CONFLICT_STATES)[number];

/** Decisions of one conflict: it is listed with each of them. */
export const MAX_CONFLICTING = 64;

export interface Conflict {
  readonly state: ConflictState;
  readonly kind: NameOf<typeof CONFLICT_KINDS>;
  readonly decisionIds: readonly string[];
  readonly portfolioId: string;
  readonly instrument: string;
  /** Absent while it is open. */
  readonly resolution?: NameOf<typeof RESOLUTIONS>;
  /** The decision that goes on; empty: none does. Absent while it is open. */
  readonly winningDecisionId?: string;
}

/**
 * The conflict after the event; the given one is not changed. Throws `illegal_transition` for what cannot follow, and
 * `invalid_event` for what no conflict can be.
 */
export function nextConflict(conflict: Conflict | undefined, event: JudgedEvent<CoordinationEvent>): Conflict {
  const { envelope, payload: said } = event;
  const { payload } = said;
  if (payload?.$case === "conflictDetected") {
    checkKey(envelope.key, payload.value.conflictId, "data.conflict_detected");
    return detected(conflict, said, payload.value);
  }
  if (payload?.$case === "conflictResolved") {
    checkKey(envelope.key, payload.value.conflictId, "data.conflict_resolved");
    return resolved(conflict, payload.value);
  }
  throw fieldError("invalid_event", "data", "must say what became of a conflict.");
}

function checkKey(key: string, conflictId: string, path: string): void {
  checkId(conflictId, `${path}.conflict_id`);
  if (key === conflictId) return;
  const message = `must be the conflict_id, ${conflictId} (partitionkey in CloudEvents); it is ${shown(key)}.`;
  throw fieldError("invalid_event", "key", message);
}

function detected(conflict: Conflict | undefined, said: CoordinationEvent, value: ConflictDetected): Conflict {
  const { conflictId, decisionIds } = value;
  if (conflict) throw illegal(`Conflict ${conflictId} is ${conflict.state}: it cannot be detected again.`);
  const path = "data.conflict_detected";
  const kind = nameOf(CONFLICT_KINDS, value.kind, `${path}.kind`);
  const count = decisionIds.length;
  if (count < 2 || count > MAX_CONFLICTING || new Set(decisionIds).size < count) {
    const message = `must be 2 to ${MAX_CONFLICTING} decisions, each once; there are ${count}, ${new Set(decisionIds).size} of them different.`;
    throw fieldError("invalid_event", `${path}.decision_ids`, message);
  }
  for (const [at, id] of decisionIds.entries()) checkId(id, `${path}.decision_ids[${at}]`);
  return { state: "open", kind, decisionIds, portfolioId: said.portfolioId, instrument: said.instrument };
}

function resolved(conflict: Conflict | undefined, value: ConflictResolved): Conflict {
  const { conflictId, decisionIds, winningDecisionId } = value;
  if (conflict === undefined) {
    throw illegal(
      `Conflict ${conflictId} is not known, so it cannot be resolved: detect it first. What changed too long ago is not kept.`,
    );
  }
  if (conflict.state === "resolved") throw illegal(`Conflict ${conflictId} is resolved: nothing may follow.`);
  const path = "data.conflict_resolved";
  const resolution = nameOf(RESOLUTIONS, value.resolution, `${path}.resolution`);
  const same =
    decisionIds.length === conflict.decisionIds.length && conflict.decisionIds.every((id) => decisionIds.includes(id));
  if (!same) {
    const message = `must be the decisions that were in conflict, ${conflict.decisionIds.join(", ")}.`;
    throw illegal(message, `${path}.decision_ids`);
  }
  checkWinner(conflict, winningDecisionId, resolution, `${path}.winning_decision_id`);
  return { ...conflict, state: "resolved", resolution, winningDecisionId };
}

/** Netted decisions may all give way to another that stands for them. */
function checkWinner({ decisionIds }: Conflict, winner: string, resolution: string, path: string): void {
  if (winner === "" || decisionIds.includes(winner)) return;
  if (resolution === "netted") {
    checkId(winner, path);
    return;
  }
  const message = `must be one of the decisions in conflict, ${decisionIds.join(", ")}, or empty; it is ${shown(winner)}.`;
  throw illegal(message, path);
}

const illegal = (message: string, path = "type"): DistributionError => fieldError("illegal_transition", path, message);
