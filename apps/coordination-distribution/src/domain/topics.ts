/** The topics of this service: what is published where, how it is kept, and in which order. */
import type { EventTypeDefinition, TopicDefinition } from "@distribution/core/topics";
import { messageOf } from "@distribution/proto-types/descriptors";
import { EventClass } from "@distribution/proto-types/distribution/v1/event";
import { examples } from "./examples.ts";

export const TOPICS = {
  decisions: "coordination.decisions",
  policies: "coordination.policies",
  conflicts: "coordination.conflicts",
  // Copies that routes make: see routes.ts.
  urgent: "coordination.urgent",
} as const;

export const EVENT_TYPES = {
  decisionCoordinated: "coordination.decision-coordinated.v1",
  decisionApproved: "coordination.decision-approved.v1",
  decisionRejected: "coordination.decision-rejected.v1",
  decisionSuperseded: "coordination.decision-superseded.v1",
  decisionExecuted: "coordination.decision-executed.v1",
  decisionExpired: "coordination.decision-expired.v1",
  policyChecked: "coordination.policy-checked.v1",
  policyViolated: "coordination.policy-violated.v1",
  conflictDetected: "coordination.conflict-detected.v1",
  conflictResolved: "coordination.conflict-resolved.v1",
} as const;

const KIB = 1024;
const MIB = 1024 * KIB;
const DAY_MS = 24 * 3_600_000;

const message = messageOf("coordination.v1.CoordinationEvent");

const type = (
  name: keyof typeof EVENT_TYPES,
  eventClass: EventClass,
  key: string,
  description: string,
): EventTypeDefinition => ({
  type: EVENT_TYPES[name],
  class: eventClass,
  description,
  key,
  member: name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
  example: examples[name],
});

const { STATE, ALERT } = EventClass;

const COORDINATED = type("decisionCoordinated", STATE, "decision_id", "Strategies agreed on a decision.");
const VIOLATED = type(
  "policyViolated",
  ALERT,
  "decision_id",
  "A decision breaks a policy: a warning, or blocking, so that it is not to be approved.",
);

/**
 * Partitions spread decisions over readers and replicas, and keep each decision's order. Retention in bytes is by
 * partition. Policies keep no table: a decision's newest check is not what all policies said of it;
 * `GET /decisions/{decision_id}` is.
 */
export const COORDINATION_TOPICS: readonly TopicDefinition[] = [
  {
    name: TOPICS.decisions,
    description: "Every decision's life, step by step; a step that cannot follow is refused.",
    partitions: 4,
    retention: { ms: 30 * DAY_MS, bytes: 4096 * MIB },
    compaction: false,
    message,
    eventTypes: [
      COORDINATED,
      type("decisionApproved", STATE, "decision_id", "It is to be carried out."),
      type("decisionRejected", STATE, "decision_id", "It is not carried out: somebody said no. Final."),
      type("decisionSuperseded", STATE, "decision_id", "Another decision takes its place. Final."),
      type("decisionExecuted", STATE, "decision_id", "Its orders have ended, and something of it was filled. Final."),
      type("decisionExpired", STATE, "decision_id", "Its time ran out. Final."),
    ],
    ringBytes: 8 * MIB,
    table: { keys: 20_000, bytes: 8 * MIB },
  },
  {
    name: TOPICS.policies,
    description: "What policies say of decisions: every check, and every violation.",
    partitions: 4,
    retention: { ms: 30 * DAY_MS, bytes: 2048 * MIB },
    compaction: false,
    message,
    eventTypes: [type("policyChecked", STATE, "decision_id", "A policy was asked about a decision."), VIOLATED],
    ringBytes: 8 * MIB,
  },
  {
    name: TOPICS.conflicts,
    description: "Decisions that cannot all be carried out as they are, and how that was settled.",
    partitions: 2,
    retention: { ms: 30 * DAY_MS, bytes: 1024 * MIB },
    compaction: false,
    message,
    eventTypes: [
      type("conflictDetected", STATE, "conflict_id", "Two or more decisions are in conflict."),
      type("conflictResolved", STATE, "conflict_id", "The conflict is settled. Final."),
    ],
    ringBytes: 4 * MIB,
    table: { keys: 10_000, bytes: 4 * MIB },
  },
  // After the topics that publishers name: a published event's position is its first destination's.
  {
    name: TOPICS.urgent,
    description:
      "Decisions of urgency 8 and 9, and blocking violations: copied by route with a high priority, all in one order, kept for longer.",
    partitions: 1,
    priority: 9,
    retention: { ms: 90 * DAY_MS, bytes: 1024 * MIB },
    compaction: false,
    message,
    eventTypes: [COORDINATED, VIOLATED],
    ringBytes: 4 * MIB,
    table: { keys: 10_000, bytes: 4 * MIB },
  },
];
