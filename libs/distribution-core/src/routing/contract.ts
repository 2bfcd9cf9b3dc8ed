/**
 * Routing: rules, as data, that say to which topics an event goes, with which priority and to which regions.
 *
 * Rules are tried in the order they are listed. Every rule that matches adds its destinations; one with `stop` is the
 * last that is tried. An event for which no rule names a destination goes to the topic its publisher named, so that
 * nothing vanishes: a rule can send an event elsewhere, never nowhere. Internal topics are neither covered nor destinations.
 */
import type { Filter, TopicSchema } from "../subscriptions/contract.ts";
import type { TopicDefinition } from "../topics.ts";

/** All that are given must hold. Patterns: tokens joined by dots, `*` stands for one token and `>` for one or more at the end. */
export interface RouteCondition {
  /** Topics that publishers name. Absent: every topic but internal ones. */
  readonly topics?: readonly string[] | undefined;
  /** Event types. Absent: every type. */
  readonly types?: readonly string[] | undefined;
  /** Event keys, as they are. Absent: every key. */
  readonly keys?: readonly string[] | undefined;
  /** A filter in CEL over the event. Absent: every event. */
  readonly filter?: string | undefined;
}

export interface RouteDefinition {
  /** For operators, metrics and errors: [a-z0-9-], at most 64 characters; `default` is the rule that is always there. */
  readonly name: string;
  readonly when: RouteCondition;
  /** Topics that matching events go to, none of them internal; each takes every type that the route covers. Empty: the rule changes priority and regions only. */
  readonly to: readonly string[];
  /**
   * 0 to 9, written into Event.priority for filters; of several rules the highest. Absent: left as the publisher set it.
   * What overtakes on its way to a subscriber is a topic's priority: send a copy to a topic that has one.
   */
  readonly priority?: number | undefined;
  /** Written into the event's extension `regions`, joined by commas; of several rules all. Absent: left as it is. */
  readonly regions?: readonly string[] | undefined;
  /** No later rule is tried when this one matches. */
  readonly stop?: boolean | undefined;
}

/** What becomes of an event; one object for all events that the same rules matched. */
export interface RouteDecision {
  /** Names of the rules that matched, in their order; `default` where none of them named a destination. */
  readonly routes: readonly string[];
  /** At least one, each once, in the order in which the service defines its topics. */
  readonly destinations: readonly TopicDefinition[];
  readonly priority: number | undefined;
  /** Sorted, each once; empty: nothing is said about regions. */
  readonly regions: readonly string[];
  /** Counts events that went this way, for the metrics of its routes. */
  count(events: number): void;
}

/** The rules left to ask about events of one type published to one topic. */
export interface RouteSelector {
  /** The answer for every such event, where no rule looks at keys or contents. */
  readonly fixed: RouteDecision | undefined;
  /** The answer for the event whose stored message lies at `bytes[start, end)`. */
  decide(bytes: Uint8Array, start: number, end: number): RouteDecision;
}

/** The definition, of which `default` has a name only, and what it did. */
export interface RouteStats extends Partial<RouteDefinition> {
  readonly name: string;
  /** Events it matched that became durable, since the process started. */
  readonly events: number;
}

export interface RouteExplanation {
  readonly topic: string;
  readonly type: string;
  readonly key: string;
  /** Every rule, in order, and why it did or did not match. */
  readonly rules: readonly { readonly name: string; readonly matched: boolean; readonly because: string }[];
  readonly destinations: readonly string[];
  readonly priority: number | undefined;
  readonly regions: readonly string[];
}

export interface Router {
  /** Rises with every `replace`: selectors of an earlier version are out of date. */
  readonly version: number;
  readonly definitions: readonly RouteDefinition[];
  /** Throws `unknown_topic`. Cached: ask once a run of events of one type. */
  select(topic: string, type: string): RouteSelector;
  /** For operators: what would become of this stored event, and why. Throws `unknown_topic` and `invalid_event`. */
  explain(topic: string, event: Uint8Array): RouteExplanation;
  /** One a rule, in order, and `default` last. */
  stats(): readonly RouteStats[];
  /** All rules at once, from the next event on; throws what `createRouter` throws and then keeps the old ones. */
  replace(definitions: readonly RouteDefinition[]): void;
}

/** `parseFilter` of the filter language. Throws `invalid_filter` or `filter_too_costly`. */
export type FilterParser = (source: string, schema: TopicSchema) => Filter;
