/**
 * The routes of this service: what cannot wait gets a high priority, and is copied to one topic for those who would not
 * read all the rest. Each event stays on the topic that it was published on.
 */
import type { RouteDefinition } from "@distribution/core/routing";
import { EVENT_TYPES, TOPICS } from "./topics.ts";

/** From this urgency on a decision is urgent. */
export const URGENT = 8;

export const URGENT_PRIORITY = 8;
export const HIGHEST_PRIORITY = 9;

export const COORDINATION_ROUTES: readonly RouteDefinition[] = [
  {
    name: "blocking-violations",
    when: {
      topics: [TOPICS.policies, TOPICS.urgent],
      types: [EVENT_TYPES.policyViolated],
      filter: 'data.policy_violated.severity == "VIOLATION_SEVERITY_BLOCKING"',
    },
    to: [TOPICS.policies, TOPICS.urgent],
    priority: HIGHEST_PRIORITY,
  },
  {
    name: "urgent-decisions",
    when: {
      topics: [TOPICS.decisions, TOPICS.urgent],
      // The only one that says how urgent a decision is.
      types: [EVENT_TYPES.decisionCoordinated],
      filter: `data.decision_coordinated.urgency >= ${URGENT}`,
    },
    to: [TOPICS.decisions, TOPICS.urgent],
    priority: URGENT_PRIORITY,
  },
  // Whoever publishes where the copies lie: it goes home, where its rules and read models are.
  {
    name: "violations-home",
    when: { topics: [TOPICS.urgent], types: [EVENT_TYPES.policyViolated] },
    to: [TOPICS.policies],
  },
  {
    name: "decisions-home",
    when: { topics: [TOPICS.urgent], types: [EVENT_TYPES.decisionCoordinated] },
    to: [TOPICS.decisions],
  },
];
