/** What ingest has to know of each topic, and found out about each of its event types once. */
import { eventClassToNumber } from "@distribution/proto-types/distribution/v1/event";
import { fieldError } from "../errors.ts";
import { EVENT_CLASS_NAMES, type EventPath, invalidEvent } from "../events/index.ts";
import type { Counter, Metrics } from "../observability/index.ts";
import type { RouteDecision, Router, RouteSelector } from "../routing/contract.ts";
import type { EventTypeDefinition, TopicDefinition } from "../topics.ts";
import { createPayloadChecks, type PayloadCheck, type PayloadChecks } from "./payload-check.ts";
import { encodeStamp } from "./stamps.ts";
import { Target } from "./target.ts";

/** Types remembered of one topic; publishers choose them where the topic lists none, so it starts anew beyond. */
const MAX_TYPES = 4096;

/** What events that took one decision need. */
export interface Way {
  readonly decision: RouteDecision;
  readonly destinations: readonly TopicIntake[];
  /** The payload checks of the named topic and of the destinations, each once. */
  readonly checks: readonly PayloadCheck[];
  /** What is put behind an event that states its class, and behind one that does not. */
  readonly stamp: Uint8Array;
  readonly stampWithClass: Uint8Array;
}

/** One event type on the topic that publishers name. */
export interface TypeIntake {
  readonly type: string;
  /** The class that the topic's catalogue gives the type; 0: none. */
  readonly eventClass: number;
  readonly selector: RouteSelector;
  /** Where no event needs to be asked. */
  readonly fixedWay: Way | undefined;
  readonly ways: Map<RouteDecision, Way>;
}

export interface TopicCounters {
  readonly events: Counter;
  readonly bytes: Counter;
  readonly duplicates: Counter;
  readonly gaps: Counter;
  readonly outOfOrder: Counter;
}

export class TopicIntake {
  readonly topic: TopicDefinition;
  readonly targets: readonly Target[];
  readonly #checks: PayloadChecks;
  readonly counters: TopicCounters;
  readonly #catalogue: ReadonlyMap<string, EventTypeDefinition>;
  readonly types = new Map<string, TypeIntake>();

  constructor(topic: TopicDefinition, metrics: Metrics) {
    const labels = { topic: topic.name };
    this.topic = topic;
    this.targets = Array.from({ length: topic.partitions }, (_, partition) => new Target(topic.name, partition));
    this.#checks = createPayloadChecks(topic);
    this.#catalogue = new Map(topic.eventTypes.map((definition) => [definition.type, definition]));
    this.counters = {
      events: metrics.counter("distribution_ingest_events_total", labels),
      bytes: metrics.counter("distribution_ingest_bytes_total", labels),
      duplicates: metrics.counter("distribution_ingest_duplicates_total", labels),
      gaps: metrics.counter("distribution_ingest_sequence_gaps_total", labels),
      outOfOrder: metrics.counter("distribution_ingest_out_of_order_total", labels),
    };
  }

  /** Throws `invalid_event` at `path`.type when the topic does not take the type. */
  assertTakes(type: string, path: EventPath): void {
    if (this.#catalogue.size === 0 || this.#catalogue.has(type)) return;
    const known = [...this.#catalogue.keys()].join(", ");
    throw invalidEvent(path, `Topic ${this.topic.name} takes no ${type}. It takes: ${known}.`, "type");
  }

  checkOf(type: string): PayloadCheck {
    return this.#checks.of(this.#catalogue.get(type));
  }

  /** The class of the type in the topic's catalogue; 0: none. */
  classOf(type: string): number {
    const definition = this.#catalogue.get(type);
    return definition === undefined ? 0 : eventClassToNumber(definition.class);
  }
}

/** All topics of the service, and the ways that the router's present rules give their events. */
export class Intakes {
  readonly all: readonly TopicIntake[];
  readonly #byName: ReadonlyMap<string, TopicIntake>;
  readonly #router: Router;
  #version = 0;

  constructor(topics: readonly TopicDefinition[], router: Router, metrics: Metrics) {
    this.all = topics.map((topic) => new TopicIntake(topic, metrics));
    this.#byName = new Map(this.all.map((intake) => [intake.topic.name, intake]));
    this.#router = router;
  }

  /** Throws `unknown_topic`. Forgets what older rules said. */
  of(topic: string): TopicIntake {
    if (this.#version !== this.#router.version) {
      this.#version = this.#router.version;
      for (const intake of this.all) intake.types.clear();
    }
    const intake = this.#byName.get(topic);
    if (intake) return intake;
    const known = [...this.#byName.keys()].join(", ");
    throw fieldError("unknown_topic", "topic", `No topic of this service is ${topic}. It has: ${known}.`);
  }

  /** Throws `invalid_event` at `path`.type. */
  type(intake: TopicIntake, type: string, path: EventPath): TypeIntake {
    const known = intake.types.get(type);
    if (known) return known;
    intake.assertTakes(type, path);
    const selector = this.#router.select(intake.topic.name, type);
    const made: TypeIntake = {
      type,
      eventClass: intake.classOf(type),
      selector,
      fixedWay: selector.fixed && this.#createWay(intake, selector.fixed, type, path),
      ways: new Map(),
    };
    if (intake.types.size === MAX_TYPES) intake.types.clear();
    intake.types.set(type, made);
    return made;
  }

  /** The way of the event at `bytes[start, end)`, for types without a fixed one. */
  way(intake: TopicIntake, type: TypeIntake, bytes: Uint8Array, start: number, end: number, path: EventPath): Way {
    const decision = type.selector.decide(bytes, start, end);
    const known = type.ways.get(decision);
    if (known) return known;
    const way = this.#createWay(intake, decision, type.type, path);
    if (type.ways.size === MAX_TYPES) type.ways.clear();
    type.ways.set(decision, way);
    return way;
  }

  #createWay(named: TopicIntake, decision: RouteDecision, type: string, path: EventPath): Way {
    const destinations = decision.destinations.map((topic) => this.of(topic.name));
    const checked = new Map([[named.topic.message, named.checkOf(type)]]);
    for (const destination of destinations) {
      destination.assertTakes(type, path);
      const { message } = destination.topic;
      if (!checked.has(message)) checked.set(message, destination.checkOf(type));
    }
    return {
      decision,
      destinations,
      checks: [...checked.values()],
      stamp: encodeStamp(decision, 0),
      stampWithClass: encodeStamp(decision, named.classOf(type)),
    };
  }
}

/** Throws `invalid_event` at `path`.class when the publisher states another class than the catalogue. */
export function assertClass(type: TypeIntake, stated: number, path: EventPath): void {
  if (stated === type.eventClass || stated === 0 || type.eventClass === 0) return;
  const [wrong, right] = [EVENT_CLASS_NAMES[stated], EVENT_CLASS_NAMES[type.eventClass]];
  throw invalidEvent(path, `Events of type ${type.type} are of class ${right}, not ${wrong}.`, "class");
}
