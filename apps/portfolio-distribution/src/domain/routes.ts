/** The routes of this service: breaches overtake the rest, and those that stop a portfolio from trading are on a topic of their own too. */
import type { RouteDefinition } from "@distribution/core/routing";
import { BLOCKING_KINDS } from "./names.ts";
import { BLOCKING_PRIORITY, BREACH_PRIORITY, EVENT_TYPES, TOPICS } from "./topics.ts";

const breaches = {
  // Also one that is published among the alerts: it belongs to its portfolio's risk, and is judged there.
  topics: [TOPICS.risk, TOPICS.alerts],
  types: [EVENT_TYPES.breach],
} as const;

export const PORTFOLIO_ROUTES: readonly RouteDefinition[] = [
  { name: "breaches", when: breaches, to: [TOPICS.risk], priority: BREACH_PRIORITY },
  {
    name: "blocking-breaches",
    when: { ...breaches, filter: `data.breach.kind in ${JSON.stringify(BLOCKING_KINDS)}` },
    to: [TOPICS.alerts],
    priority: BLOCKING_PRIORITY,
  },
];
