/** Every conflict with its history, listed by last change, also for each decision in it. */
import { createProjection, defineIndex, from, lastChange } from "@distribution/core/projections";
import { CoordinationEvent } from "@distribution/proto-types/coordination/v1/coordination";
import { type Conflict, type ConflictState, nextConflict } from "../conflict.ts";
import { TOPICS } from "../topics.ts";
import type { Bounds } from "./decisions.ts";
import { bytesOfTexts, bytesOfTold, type Told, toldOf } from "./told.ts";

export interface ConflictRecord {
  readonly conflict: Conflict;
  /** Detected, and resolved. */
  readonly history: readonly Told[];
}

export interface ConflictList {
  readonly state?: ConflictState | undefined;
  readonly decisionId?: string | undefined;
}

/** The name of the list of those conflicts. */
export function conflictList({ state, decisionId }: ConflictList): string {
  if (decisionId !== undefined) return `decision/${decisionId}`;
  return state === undefined ? "" : `state/${state}`;
}

/** A decision that the others were netted into is touched by their conflict, too. */
export const conflictsByChange = defineIndex<ConflictRecord, bigint>({
  name: "changed",
  group({ state: { conflict } }) {
    const { state, decisionIds, winningDecisionId } = conflict;
    const touched = winningDecisionId ? [...decisionIds, winningDecisionId] : decisionIds;
    return [...[{}, { state }].map(conflictList), ...touched.map((decisionId) => conflictList({ decisionId }))];
  },
  sort: lastChange,
});

export function createConflicts(bounds: Bounds) {
  return createProjection<ConflictRecord>({
    ...{ name: "conflicts", version: 1, bounds },
    sources: [
      from(TOPICS.conflicts, CoordinationEvent, {
        apply: (record: ConflictRecord | undefined, event) => ({
          conflict: nextConflict(record?.conflict, event),
          history: [...(record?.history ?? []), toldOf(event)],
        }),
      }),
    ],
    indexes: [conflictsByChange],
    sizeOf: ({ conflict, history }) =>
      bytesOfTexts([
        ...conflict.decisionIds,
        conflict.portfolioId,
        conflict.instrument,
        conflict.winningDecisionId ?? "",
      ]) + history.reduce((sum, told) => sum + bytesOfTold(told), 256),
    missing: (id) => `There is no conflict ${id}. GET /api/v1/conflicts lists what is known.`,
  });
}
