/** Which way an event goes: decisions per topic and type, cached, and per event only where a rule looks at keys or contents. */

import { fieldError } from "../errors.ts";
import { patternCovers } from "../events/index.ts";
import type { Counter, Metrics } from "../observability/index.ts";
import type { MatchBuffer, Matcher, TopicSchema } from "../subscriptions/contract.ts";
import type { TopicDefinition } from "../topics.ts";
import type { FilterParser, RouteDecision, RouteDefinition, Router, RouteSelector } from "./contract.ts";
import { explainRules } from "./explain.ts";
import { compileRules, type Rule } from "./rule.ts";
import { checkRouteShapes } from "./schema.ts";

/** Selectors kept of one topic, and decisions kept of one selector. Publishers choose types, so both start anew beyond it. */
export const MAX_CACHED = 4096;

/** The name of the rule that is always there. */
const DEFAULT_ROUTE = "default";

export interface RouterOptions {
  /** Default: none, and every event goes to the topic its publisher named. */
  readonly routes?: readonly RouteDefinition[];
  readonly topics: readonly TopicDefinition[];
  readonly parseFilter: FilterParser;
  /** The index of a topic's filters, by which rules are found. */
  readonly createMatcher: (schema: TopicSchema) => Matcher;
  readonly metrics: Metrics;
}

/**
 * Throws with the path of every mistake (`routes[2].when.filter`) and the code of the first: `invalid_request` (an
 * internal topic among them, and a type that a destination does not take), `unknown_topic`, `invalid_filter` or `filter_too_costly`.
 */
export function createRouter({ routes = [], topics, parseFilter, createMatcher, metrics }: RouterOptions): Router {
  const byName = new Map(topics.map((topic) => [topic.name, topic]));
  const fallback = metrics.counter("distribution_route_matches_total", { route: DEFAULT_ROUTE });
  const compile = (definitions: readonly RouteDefinition[]): RuleSet => {
    const checked = checkRouteShapes(definitions);
    return new RuleSet(
      compileRules(checked, { topics: byName, parseFilter, metrics }),
      topics,
      createMatcher,
      fallback,
    );
  };
  let rules = compile(routes);
  let version = 1;
  return {
    get version() {
      return version;
    },
    get definitions() {
      return rules.rules.map((rule) => rule.definition);
    },
    select: (topic, type) => rules.select(topic, type),
    explain: (topic, event) =>
      explainRules(rules.rules, rules.topic(topic), event, (selected) => rules.decide(topic, selected)),
    stats: () => [
      ...rules.rules.map((rule) => ({ ...rule.definition, events: rule.counter.value })),
      { name: DEFAULT_ROUTE, events: fallback.value },
    ],
    replace(definitions) {
      rules = compile(definitions);
      version += 1;
    },
  };
}

/** One version of the rules with what was found out about them. */
class RuleSet {
  readonly rules: readonly Rule[];
  readonly #topics: readonly TopicDefinition[];
  readonly #createMatcher: RouterOptions["createMatcher"];
  readonly #fallback: Counter;
  readonly #selectors = new Map<string, Map<string, RouteSelector>>();
  /** By topic: which rules an event meets, by their numbers, of all that cover the topic, whatever its type. */
  readonly #matchers = new Map<string, Matcher>();
  readonly #found: MatchBuffer = { ids: new Uint32Array(64), count: 0 };

  constructor(
    rules: readonly Rule[],
    topics: readonly TopicDefinition[],
    createMatcher: RouterOptions["createMatcher"],
    fallback: Counter,
  ) {
    this.rules = rules;
    this.#topics = topics;
    this.#createMatcher = createMatcher;
    this.#fallback = fallback;
    for (const topic of topics) this.#selectors.set(topic.name, new Map());
  }

  topic(name: string): TopicDefinition {
    const topic = this.#topics.find((candidate) => candidate.name === name);
    if (topic) return topic;
    const known = this.#topics.map((candidate) => candidate.name).join(", ");
    throw fieldError("unknown_topic", "topic", `No topic of this service is ${name}. It has: ${known}.`);
  }

  select(topic: string, type: string): RouteSelector {
    const selectors = this.#selectors.get(topic) ?? this.#selectors.get(this.topic(topic).name)!;
    let selector = selectors.get(type);
    if (!selector) {
      if (selectors.size === MAX_CACHED) selectors.clear();
      selector = this.#createSelector(topic, type);
      selectors.set(type, selector);
    }
    return selector;
  }

  decide(topic: string, matched: readonly Rule[]): RouteDecision {
    const named = new Set(matched.flatMap((rule) => rule.destinations));
    const isDefault = named.size === 0;
    const routes = matched.map((rule) => rule.definition.name);
    const priorities = matched.flatMap((rule) => rule.definition.priority ?? []);
    const counters = matched.map((rule) => rule.counter);
    if (isDefault) counters.push(this.#fallback);
    return {
      routes: isDefault ? [...routes, DEFAULT_ROUTE] : routes,
      destinations: isDefault ? [this.topic(topic)] : this.#topics.filter((candidate) => named.has(candidate)),
      priority: priorities.length === 0 ? undefined : Math.max(...priorities),
      regions: [...new Set(matched.flatMap((rule) => rule.definition.regions ?? []))].sort(),
      count(events) {
        for (const counter of counters) counter.value += events;
      },
    };
  }

  #createSelector(topic: string, type: string): RouteSelector {
    const rules: Rule[] = [];
    for (const rule of this.rules) {
      if (!rule.filters.has(topic) || !coversType(rule.definition, type)) continue;
      rules.push(rule);
      // A rule that always matches and stops hides every rule behind it.
      if (rule.definition.stop && !looksInside(rule, topic)) break;
    }
    if (rules.some((rule) => looksInside(rule, topic))) return this.#createLookingSelector(topic, rules);
    const fixed = this.decide(topic, rules);
    return { fixed, decide: () => fixed };
  }

  /** `rules`: those that cover the type. */
  #createLookingSelector(topic: string, rules: readonly Rule[]): RouteSelector {
    const matcher = this.#matcherOf(topic);
    const covering = new Set(rules);
    const decisions = new Map<string, RouteDecision>();
    return {
      fixed: undefined,
      decide: (bytes, start, end) => {
        const found = this.#found;
        matcher.match(bytes, start, end, found);
        const matched: Rule[] = [];
        let name = "";
        for (const number of found.ids.subarray(0, found.count).sort()) {
          const rule = this.rules[number]!;
          if (!covering.has(rule)) continue;
          matched.push(rule);
          name += `${number},`;
          if (rule.definition.stop) break;
        }
        let decision = decisions.get(name);
        if (!decision) {
          if (decisions.size === MAX_CACHED) decisions.clear();
          decision = this.decide(topic, matched);
          decisions.set(name, decision);
        }
        return decision;
      },
    };
  }

  #matcherOf(name: string): Matcher {
    const known = this.#matchers.get(name);
    if (known) return known;
    const matcher = this.#createMatcher(this.topic(name));
    for (const [number, { definition, filters }] of this.rules.entries()) {
      if (filters.has(name)) matcher.add(number, filters.get(name), definition.when.keys ?? []);
    }
    this.#matchers.set(name, matcher);
    return matcher;
  }
}

export function coversType({ when }: RouteDefinition, type: string): boolean {
  return when.types === undefined || when.types.some((pattern) => patternCovers(pattern, type));
}

function looksInside(rule: Rule, topic: string): boolean {
  return rule.keys !== undefined || rule.filters.get(topic) !== undefined;
}
