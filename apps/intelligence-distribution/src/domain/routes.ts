/**
 * The routes of this service. An event goes to the topic of its type, whichever topic its publisher named, so that what is
 * checked there holds of all; and to those of whom it is for. No rule stops another one.
 */
import type { RouteDefinition } from "@distribution/core/routing";
import { EVENT_TYPES, FINDING_TYPES, GOLD_TOPIC, TOPICS, URGENT_TOPIC, WORKFLOWS, workflowTopic } from "./topics.ts";

/** From here on a finding is urgent; its urgency is then its priority. */
export const URGENT = [7, 8, 9] as const;

const EVERYWHERE = ["intelligence.>"];

export const INTELLIGENCE_ROUTES: readonly RouteDefinition[] = [
  ...FINDING_TYPES.map(
    (type): RouteDefinition => ({
      name: `home-${type}`,
      when: { topics: EVERYWHERE, types: [EVENT_TYPES[type]] },
      to: [TOPICS[type]],
    }),
  ),
  ...URGENT.map(
    (urgency): RouteDefinition => ({
      name: `urgent-${urgency}`,
      when: { topics: EVERYWHERE, filter: `data.urgency == ${urgency}` },
      to: [URGENT_TOPIC],
      priority: urgency,
    }),
  ),
  {
    name: "gold",
    when: { topics: EVERYWHERE, filter: 'data.quality_tier == "QUALITY_TIER_GOLD"' },
    to: [GOLD_TOPIC],
  },
  ...WORKFLOWS.map(
    (workflow): RouteDefinition => ({
      name: `for-${workflow}`,
      when: { topics: EVERYWHERE, filter: `"${workflow}" in data.target_workflows` },
      to: [workflowTopic(workflow)],
    }),
  ),
];
