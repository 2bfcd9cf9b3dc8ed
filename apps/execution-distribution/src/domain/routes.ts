/** The routes of this service: what a desk must not miss is on one topic, and overtakes the rest. */
import type { RouteDefinition } from "@distribution/core/routing";
import { EVENT_TYPES, TOPICS } from "./topics.ts";

export const HIGHEST_PRIORITY = 9;

export const EXECUTION_ROUTES: readonly RouteDefinition[] = [
  {
    name: "rejections",
    // Also when it is published among the alerts: it belongs to the life of its order, and is judged there.
    when: { topics: [TOPICS.orders, TOPICS.alerts], types: [EVENT_TYPES.orderRejected] },
    to: [TOPICS.orders, TOPICS.alerts],
    priority: HIGHEST_PRIORITY,
  },
  {
    name: "venue-down",
    when: {
      topics: [TOPICS.alerts],
      types: [EVENT_TYPES.alert],
      filter: 'data.alert.kind == "ALERT_KIND_VENUE_DOWN"',
    },
    to: [TOPICS.alerts],
    priority: HIGHEST_PRIORITY,
  },
];
