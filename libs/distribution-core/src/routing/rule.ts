/** One route made ready: its patterns spread over the topics it covers, its filter parsed for each of them. */

import { DistributionError, type ErrorCode, type FieldError } from "../errors.ts";
import { patternCovers } from "../events/index.ts";
import type { Counter, Metrics } from "../observability/index.ts";
import type { Filter } from "../subscriptions/contract.ts";
import type { TopicDefinition } from "../topics.ts";
import type { FilterParser, RouteDefinition } from "./contract.ts";
import { describe } from "./schema.ts";

export interface Rule {
  readonly definition: RouteDefinition;
  readonly destinations: readonly TopicDefinition[];
  /** The topics it covers, each with its filter; undefined: no filter. */
  readonly filters: ReadonlyMap<string, Filter | undefined>;
  readonly keys: ReadonlySet<string> | undefined;
  readonly counter: Counter;
}

export interface RuleContext {
  readonly topics: ReadonlyMap<string, TopicDefinition>;
  readonly parseFilter: FilterParser;
  readonly metrics: Metrics;
}

interface Mistake extends FieldError {
  readonly code: ErrorCode;
}

/** Throws, with all mistakes and the code of the first: `invalid_request`, `unknown_topic`, `invalid_filter`, `filter_too_costly`. */
export function compileRules(definitions: readonly RouteDefinition[], context: RuleContext): readonly Rule[] {
  const mistakes: Mistake[] = [];
  const seen = new Map<string, number>();
  const rules = definitions.map((definition, index) => {
    const path = `routes[${index}]`;
    const before = seen.get(definition.name);
    if (before === undefined) seen.set(definition.name, index);
    else {
      const message = `routes[${before}] has the name ${definition.name} already. Give every route its own.`;
      mistakes.push({ code: "invalid_request", path: `${path}.name`, message });
    }
    return compileRule(definition, path, context, mistakes);
  });
  const [first] = mistakes;
  if (first) throw new DistributionError(first.code, describe(mistakes), { errors: mistakes.map(asField) });
  return rules;
}

function compileRule(definition: RouteDefinition, path: string, context: RuleContext, mistakes: Mistake[]): Rule {
  const covered = coveredTopics(definition, path, context, mistakes);
  const destinations = definition.to.flatMap((name, index) => {
    const topic = routable(context).find((each) => each.name === name);
    if (topic) mistakes.push(...notTaken(definition, `${path}.to[${index}]`, topic, covered));
    else mistakes.push(noTopic(definition, `${path}.to[${index}]`, name, context));
    return topic ?? [];
  });
  const filters = new Map(
    covered.map((topic) => [topic.name, parseFor(definition, topic, path, context, mistakes)] as const),
  );
  return {
    definition,
    destinations,
    filters,
    keys: definition.when.keys && new Set(definition.when.keys),
    counter: context.metrics.counter("distribution_route_matches_total", { route: definition.name }),
  };
}

function coveredTopics(definition: RouteDefinition, path: string, context: RuleContext, mistakes: Mistake[]) {
  const all = routable(context);
  const patterns = definition.when.topics;
  if (!patterns) return all;
  for (const [index, pattern] of patterns.entries()) {
    if (all.some((topic) => patternCovers(pattern, topic.name))) continue;
    mistakes.push(noTopic(definition, `${path}.when.topics[${index}]`, pattern, context));
  }
  return all.filter((topic) => patterns.some((pattern) => patternCovers(pattern, topic.name)));
}

/** A filter has to fit every topic that the rule covers; the first that it does not fit is named. */
function parseFor(
  { when }: RouteDefinition,
  topic: TopicDefinition,
  path: string,
  { parseFilter }: RuleContext,
  mistakes: Mistake[],
): Filter | undefined {
  if (when.filter === undefined) return undefined;
  try {
    return parseFilter(when.filter, { message: topic.message });
  } catch (failure) {
    if (!(failure instanceof DistributionError)) throw failure;
    const at = `${path}.when.filter`;
    const message = `For topic ${topic.name}: ${failure.message} Correct it, or cover fewer topics in when.topics.`;
    if (!mistakes.some((mistake) => mistake.path === at)) mistakes.push({ code: failure.code, path: at, message });
    return undefined;
  }
}

/** The first type that the route sends to a topic which does not take it: its events could not be published. */
function notTaken(
  { name, when }: RouteDefinition,
  path: string,
  { name: destination, eventTypes }: TopicDefinition,
  covered: readonly TopicDefinition[],
): readonly Mistake[] {
  const taken = new Set(eventTypes.map(({ type }) => type));
  const sent = covered.flatMap((topic) => {
    if (topic.eventTypes.length === 0) return (when.types ?? []).filter((pattern) => !/[*>]/.test(pattern));
    const types = topic.eventTypes.map(({ type }) => type);
    return types.filter((type) => when.types?.some((pattern) => patternCovers(pattern, type)) ?? true);
  });
  const type = taken.size === 0 ? undefined : sent.find((each) => !taken.has(each));
  if (type === undefined) return [];
  const remedy = `Leave the type out in when.types, or add it to the event types of ${destination}: ${[...taken].join(", ")}.`;
  const message = `Route ${name} sends ${type} to ${destination}, which does not take it. ${remedy}`;
  return [{ code: "invalid_request", path, message }];
}

/** What the service tells of itself stays on its own topics, and nothing else comes there. */
function routable({ topics }: RuleContext): readonly TopicDefinition[] {
  return [...topics.values()].filter((topic) => !topic.internal);
}

function noTopic({ name: route }: RouteDefinition, path: string, named: string, context: RuleContext): Mistake {
  const has = `Choose of: ${routable(context)
    .map((topic) => topic.name)
    .join(", ")}.`;
  if (context.topics.get(named)?.internal) {
    const message = `Route ${route} names ${named}, on which only the service itself publishes. ${has}`;
    return { code: "invalid_request", path, message };
  }
  return { code: "unknown_topic", path, message: `Route ${route}: no topic of this service is ${named}. ${has}` };
}

function asField({ path, message }: Mistake): FieldError {
  return { path, message };
}
