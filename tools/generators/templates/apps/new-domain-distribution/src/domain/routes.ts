/** The routes of this service: what is large is on a topic of its own, too, which overtakes the rest. */
import type { RouteDefinition } from "@distribution/core/routing";
import { EVENT_TYPES, TOPICS } from "./topics.ts";

/** Quote currency. */
const LARGE = 1_000_000;

// Whichever topic a publisher names: every event is among the others of its instrument, and judged there.
const published = { topics: [TOPICS.events, TOPICS.large], types: [EVENT_TYPES.someEvent] };

export const NEW_DOMAIN_ROUTES: readonly RouteDefinition[] = [
  { name: "events", when: published, to: [TOPICS.events] },
  {
    name: "large",
    when: { ...published, filter: `data.some_event.amount >= ${LARGE}` },
    to: [TOPICS.large],
    priority: 9,
  },
];
