/** The stages of the core composed, top to bottom, in the way of an event; without ports, so that a simulation can run it too. */
import type { Broker } from "./brokers/contract.ts";
import { fieldError } from "./errors.ts";
import { decodeEvent, encodeEvent } from "./events/index.ts";
import { createIngest, type IngestBounds, type IngestService, type SequenceStep } from "./ingest/index.ts";
import { createHops, type Logger, type Metrics } from "./observability/index.ts";
import { type Cursors, createScheduler, createTokenCodec, cursorsTopic, openCursors } from "./qos/index.ts";
import { createRouter, type RouteDefinition, type RouteExplanation, type Router } from "./routing/index.ts";
import { doneWithin, type Runtime } from "./runtime/index.ts";
import type { Guard, Identity, Sealer } from "./security/index.ts";
import { createMatcher, createRegistry, parseFilter, type Registry, type TopicSchema } from "./subscriptions/index.ts";
import { type Checkpoints, createQueries, openTail, type Queries, type Tail } from "./tail/index.ts";
import type { TopicDefinition } from "./topics.ts";
import type { Pipeline } from "./transforms/index.ts";
import { createEventsEncoder } from "./transport/events-encoder.ts";
import { DEFAULT_FRAME_LIMITS } from "./transport/frames/index.ts";
import type { SubscriptionDetails } from "./transport/session-context.ts";
import { DEFAULT_SESSION_LIMITS, type SessionLimits } from "./transport/session-limits.ts";
import { createSessions, type Sessions } from "./transport/sessions.ts";

export interface EngineOptions {
  /** The service's name: of its own topics, tokens and metrics. */
  readonly name: string;
  readonly topics: readonly TopicDefinition[];
  readonly broker: Broker;
  /** Signs resume tokens: of a secret that is the same on all replicas and after a restart. */
  readonly sealer: Sealer;
  readonly guard: Guard;
  /** Who may publish on internal topics, known by reference. Absent: nobody. */
  readonly ownIdentity?: Identity | undefined;
  readonly runtime: Runtime;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly routes?: readonly RouteDefinition[] | undefined;
  readonly pipelines?: ReadonlyMap<string, Pipeline> | undefined;
  readonly checkpoints?: Checkpoints | undefined;
  readonly ingestBounds?: Partial<IngestBounds> | undefined;
  readonly sessionLimits?: Partial<SessionLimits> | undefined;
  readonly onSequence?: (step: SequenceStep) => void;
  /** A subscription began or ended. */
  readonly onSubscription?: (change: "subscribed" | "unsubscribed", details: SubscriptionDetails) => void;
}

export interface Engine {
  readonly router: Router;
  /** What would become of the event when it is published on the topic, and why. Throws `unknown_topic` and `invalid_event`. */
  explain(topic: string, event: Uint8Array): readonly RouteExplanation[];
  readonly ingest: IngestService;
  readonly cursors: Cursors;
  readonly tail: Tail;
  readonly queries: Queries;
  readonly registry: Registry;
  readonly sessions: Sessions;
  /**
   * After ingest was drained or given up, the sessions' clients were told and their connections ended. Leaves the broker open. The last
   * acks have this time to become durable, ms, and a second at least.
   */
  close(withinMs: number): Promise<void>;
}

const LEAST_FOR_ACKS_MS = 1_000;

/**
 * Resolves when everything that was in the log is known again: publishes and sessions can come.
 * Rejects with `invalid_request` for two topics of one name, and with what its stages refuse at their start.
 */
export async function openEngine(options: EngineOptions): Promise<Engine> {
  const { name, topics, broker, runtime, logger, metrics, guard } = options;
  // Of chance, so that nobody can choose constants that collide.
  const seed = Buffer.from(runtime.random.bytes(4)).readUInt32LE();
  const matcherOf = (schema: TopicSchema) => createMatcher(schema, { seed });
  const cursorTopic = cursorsTopic(name);
  assertNamedOnce([...topics, cursorTopic]);
  const router = createRouter({ routes: options.routes ?? [], topics, parseFilter, createMatcher: matcherOf, metrics });
  for (const topic of [...topics, cursorTopic]) await broker.admin.ensureTopic(topic);

  // ── in: admit, validate, deduplicate, transform, route, append ──
  const ingest = createIngest({
    broker,
    topics,
    router,
    runtime,
    metrics,
    guard,
    logger,
    ...(options.ownIdentity && { ownIdentity: options.ownIdentity }),
    ...(options.onSequence && { onSequence: options.onSequence }),
    ...(options.pipelines && { pipelines: options.pipelines }),
    ...(options.ingestBounds && { bounds: options.ingestBounds }),
  });
  const restored = await ingest.restore();
  if (restored.events > 0) logger.info({ ...restored }, "Ingest knows its newest events again.");

  // ── out: tail, match, encode, deliver ──
  const cursors = await openCursors({ broker, topic: cursorTopic, runtime, logger, service: name });
  const tail = await openTail({ broker, topics, runtime, logger, metrics, checkpoints: options.checkpoints });
  const tokens = createTokenCodec(options.sealer);
  const encoder = createEventsEncoder(topics);
  const hops = createHops(metrics, runtime.clock);
  const scheduler = createScheduler(runtime);
  const registry = createRegistry({
    tail,
    scheduler,
    encoder,
    createMatcher: matcherOf,
    runtime,
    metrics,
    hops,
    token: (tails, places) => tokens.issue(tails.map((each, index) => each.positionAt(places[index]!))),
  });
  const sessions = createSessions({
    service: name,
    topics,
    broker,
    tail,
    registry,
    ingest,
    cursors,
    encoder,
    tokens,
    scheduler,
    guard,
    runtime,
    logger,
    limits: { ...DEFAULT_SESSION_LIMITS, ...options.sessionLimits },
    frameLimits: DEFAULT_FRAME_LIMITS,
    metrics,
    changed: (change, details) => options.onSubscription?.(change, details),
    onFlushed() {
      encoder.endTurn();
      hops.written();
    },
  });

  return {
    router,
    explain(topic, event) {
      const pipeline = options.pipelines?.get(topic);
      const routed = pipeline?.apply(decodeEvent(event)).map((each) => encodeEvent(each)) ?? [event];
      return routed.map((each) => router.explain(topic, each));
    },
    ingest,
    cursors,
    tail,
    queries: createQueries({ broker, tail, createMatcher: matcherOf, runtime }),
    registry,
    sessions,
    async close(withinMs) {
      sessions.close();
      registry.close();
      const kept = await doneWithin(runtime, cursors.close(), Math.max(LEAST_FOR_ACKS_MS, withinMs));
      if (!kept) logger.warn({}, "The last acks are not durable in time: their events come again.");
      await tail.close();
    },
  };
}

/** One log has one definition; the topics that the service itself makes come last. */
function assertNamedOnce(topics: readonly TopicDefinition[]): void {
  const names = topics.map((topic) => topic.name);
  const index = names.findLastIndex((name, at) => names.indexOf(name) < at);
  if (index < 0) return;
  const own = "Each topic has a name of its own; <service>.distribution and <service>.cursors are the service's.";
  throw fieldError(
    "invalid_request",
    `topics[${names.indexOf(names[index]!)}].name`,
    `${names[index]} is taken. ${own}`,
  );
}
