/** Why an event goes where it goes, in words for operators. Slow and obvious, and the oracle of the cached decisions. */
import { createEnvelope, EVENT_FIELD, patternCovers } from "../events/index.ts";
import type { TopicDefinition } from "../topics.ts";
import type { RouteDecision, RouteExplanation } from "./contract.ts";
import type { Rule } from "./rule.ts";

export function explainRules(
  rules: readonly Rule[],
  topic: TopicDefinition,
  event: Uint8Array,
  decide: (matched: readonly Rule[]) => RouteDecision,
): RouteExplanation {
  const envelope = createEnvelope();
  envelope.read(event, 0, event.length);
  const type = envelope.text(EVENT_FIELD.type);
  const key = envelope.text(EVENT_FIELD.key);
  const matched: Rule[] = [];
  let stoppedBy: string | undefined;
  const explained = rules.map((rule) => {
    const name = rule.definition.name;
    if (stoppedBy) return { name, matched: false, because: `not tried: ${stoppedBy} matched before and stops` };
    const obstacle = obstacleOf(rule, topic, type, key, event);
    if (obstacle) return { name, matched: false, because: obstacle };
    matched.push(rule);
    if (rule.definition.stop) stoppedBy = name;
    return { name, matched: true, because: "every condition holds" };
  });
  const { destinations, priority, regions } = decide(matched);
  return { topic: topic.name, type, key, rules: explained, destinations: destinations.map(nameOf), priority, regions };
}

/** The first condition that does not hold. */
function obstacleOf(
  rule: Rule,
  topic: TopicDefinition,
  type: string,
  key: string,
  event: Uint8Array,
): string | undefined {
  const { when } = rule.definition;
  if (topic.internal) return `topic ${topic.name} is the service's own, which no rule covers`;
  if (!rule.filters.has(topic.name)) return `topic ${topic.name} is not covered by ${list(when.topics)}`;
  if (when.types && !when.types.some((pattern) => patternCovers(pattern, type))) {
    return `type ${type} is not covered by ${list(when.types)}`;
  }
  if (rule.keys && !rule.keys.has(key)) return `key ${JSON.stringify(key)} is not one of ${list(when.keys)}`;
  if (rule.filters.get(topic.name)?.test(event) === false) return `the filter is false: ${when.filter}`;
  return undefined;
}

function list(names: readonly string[] | undefined): string {
  return (names ?? []).join(", ");
}

function nameOf(topic: TopicDefinition): string {
  return topic.name;
}
