/** What policies said: the newest checks of each decision, every violation, and which policies there are. */
import { createProjection, defineIndex, from, lastChange } from "@distribution/core/projections";
import { CoordinationEvent } from "@distribution/proto-types/coordination/v1/coordination";
import { type NameOf, nameOf, SEVERITIES } from "../names.ts";
import { TOPICS } from "../topics.ts";
import type { Bounds } from "./decisions.ts";
import { bytesOfTexts, bytesOfTold, payloadOf, type Told, toldOf } from "./told.ts";

export interface Check extends Told {
  readonly policyId: string;
  readonly passed: boolean;
}

export interface Checks {
  /** Oldest first. */
  readonly newest: readonly Check[];
  /** Of all that came, also those that are not kept. */
  readonly count: number;
}

export type Severity = NameOf<typeof SEVERITIES>;

export interface Violation extends Told {
  readonly decisionId: string;
  readonly strategy: string;
  readonly portfolioId: string;
  readonly instrument: string;
  readonly policyId: string;
  readonly severity: Severity;
  readonly limit: string;
  readonly actual: string;
  readonly text: string;
}

export interface ViolationList {
  readonly decisionId?: string | undefined;
  readonly policyId?: string | undefined;
  readonly severity?: Severity | undefined;
}

/** The name of the list of those violations: of a decision, or else of a policy, each of all severities or of one. */
export function violationList({ decisionId, policyId, severity }: ViolationList): string {
  const [kind, id] = decisionId === undefined ? ["policy", policyId] : ["decision", decisionId];
  const list = id === undefined ? "" : `${kind}/${id}`;
  return severity === undefined ? list : `${list}/${severity}`;
}

export const violationsByChange = defineIndex<Violation, bigint>({
  name: "changed",
  group: ({ state: { decisionId, policyId, severity } }) =>
    [{}, { severity }, { decisionId }, { decisionId, severity }, { policyId }, { policyId, severity }].map(
      violationList,
    ),
  sort: lastChange,
});

/** Checks kept of a decision. */
export const MAX_CHECKS = 100;

export function createChecks(bounds: Bounds) {
  return createProjection<Checks>({
    ...{ name: "checks", version: 1, bounds },
    sources: [
      from(TOPICS.policies, CoordinationEvent, {
        key: ({ envelope, payload }) => (payload.payload?.$case === "policyChecked" ? envelope.key : undefined),
        apply(checks: Checks | undefined, event) {
          const { policyId, passed } = payloadOf(event, "policyChecked");
          const check = { policyId, passed, ...toldOf(event) };
          const newest = [...(checks?.newest ?? []), check].slice(-MAX_CHECKS);
          return { newest, count: (checks?.count ?? 0) + 1 };
        },
      }),
    ],
    sizeOf: ({ newest }) => newest.reduce((sum, check) => sum + bytesOfTold(check) + check.policyId.length + 64, 64),
  });
}

/** One entry a violation, under its event's source and id, which hold no line break. */
export function createViolations(bounds: Bounds) {
  return createProjection<Violation>({
    ...{ name: "violations", version: 1, bounds },
    // They keep a decision from being approved.
    keep: ({ severity }) => severity === "blocking",
    sources: [
      from(TOPICS.policies, CoordinationEvent, {
        key: ({ envelope: { source, id }, payload }) =>
          payload.payload?.$case === "policyViolated" ? `${source}\n${id}` : undefined,
        apply(_: Violation | undefined, event) {
          const { policyId, limit, actual, text, ...value } = payloadOf(event, "policyViolated");
          const severity = nameOf(SEVERITIES, value.severity, "data.policy_violated.severity");
          const { decisionId, strategy, portfolioId, instrument } = event.payload;
          const about = { decisionId, strategy, portfolioId, instrument };
          return { ...toldOf(event), ...about, policyId, severity, limit, actual, text };
        },
      }),
    ],
    indexes: [violationsByChange],
    sizeOf(violation) {
      const { decisionId, strategy, portfolioId, instrument, policyId, limit, actual, text } = violation;
      const texts = [decisionId, strategy, portfolioId, instrument, policyId, limit, actual, text];
      return bytesOfTold(violation) + bytesOfTexts(texts);
    },
  });
}
