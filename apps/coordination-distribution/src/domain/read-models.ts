/**
 * What this service answers: projections of its log. They hold nothing that is not in it; the core feeds, bounds, saves
 * and restores them.
 */
import { createProjection, defineIndex, from } from "@distribution/core/projections";
import { CoordinationEvent } from "@distribution/proto-types/coordination/v1/coordination";
import { createConflicts } from "./read-models/conflicts.ts";
import { type Bounds, createDecisions } from "./read-models/decisions.ts";
import { createChecks, createViolations } from "./read-models/policies.ts";
import { TOPICS } from "./topics.ts";

export interface ReadModelBounds {
  /** Default 50,000 and 128 MiB. */
  readonly decisions: Bounds;
  /** By decision. Default 50,000 and 64 MiB. */
  readonly checks: Bounds;
  /** Default 50,000 and 64 MiB. */
  readonly violations: Bounds;
  /** Default 20,000 and 32 MiB. */
  readonly conflicts: Bounds;
  /** Strategies, and policies: those that the status has a row for. Default 1,000 and 1 MiB. */
  readonly names: Bounds;
}

const MIB = 1024 * 1024;
const DEFAULTS: ReadModelBounds = {
  decisions: { keys: 50_000, bytes: 128 * MIB },
  checks: { keys: 50_000, bytes: 64 * MIB },
  violations: { keys: 50_000, bytes: 64 * MIB },
  conflicts: { keys: 20_000, bytes: 32 * MIB },
  names: { keys: 1_000, bytes: MIB },
};

export type ReadModels = ReturnType<typeof createReadModels>;

/** By name, in no particular order. */
export const byName = defineIndex<Named, string>({ name: "by-name", sort: ({ key }) => key });

/** Something that events name: how many did. */
export interface Named {
  readonly events: number;
}

export function createReadModels(bounds: Partial<ReadModelBounds> = {}) {
  const { decisions, checks, violations, conflicts, names } = { ...DEFAULTS, ...bounds };
  return {
    decisions: createDecisions(decisions),
    checks: createChecks(checks),
    violations: createViolations(violations),
    conflicts: createConflicts(conflicts),
    strategies: createNames("strategies", TOPICS.decisions, names, ({ strategy }) => strategy),
    policies: createNames("policies", TOPICS.policies, names, ({ payload }) =>
      payload?.$case === "policyChecked" || payload?.$case === "policyViolated" ? payload.value.policyId : undefined,
    ),
  };
}

function createNames(
  name: string,
  topic: string,
  bounds: Bounds,
  nameIn: (event: CoordinationEvent) => string | undefined,
) {
  return createProjection<Named>({
    ...{ name, version: 1, bounds },
    sources: [
      from(topic, CoordinationEvent, {
        key: ({ payload }) => nameIn(payload),
        apply: (named: Named | undefined) => ({ events: (named?.events ?? 0) + 1 }),
      }),
    ],
    indexes: [byName],
    sizeOf: () => 64,
  });
}
