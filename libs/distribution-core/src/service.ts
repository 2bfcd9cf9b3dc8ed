/**
 * A distribution service: the engine, its ports, and what it tells of its own life.
 * The app says which broker, topics, routes and ports; everything here is the same for every domain.
 */
import type { Router as HttpRouter } from "express";
import { type Engine, type EngineOptions, openEngine } from "./engine.ts";
import { DistributionError } from "./errors.ts";
import { createPayloadCodec } from "./events/index.ts";
import type { IngestService } from "./ingest/index.ts";
import { createLife, type Life, lifeTopic } from "./life/index.ts";
import { observeProcess } from "./observability/event-loop.ts";
import { createLogger, createMetrics, type Logger, type Metrics } from "./observability/index.ts";
import { type Runtime, systemRuntime, type Timer } from "./runtime/index.ts";
import { createLoopbackGuard, createSealer, type Identity } from "./security/index.ts";
import { parseFilter } from "./subscriptions/index.ts";
import type { Queries, Tail } from "./tail/index.ts";
import type { TopicDefinition } from "./topics.ts";
import type { OpenApiFragment, ServiceDescription } from "./transport/documents/index.ts";
import { createHealth, type Health } from "./transport/health.ts";
import { createListeners, type Listen, type Listeners } from "./transport/listeners.ts";
import type { Sessions } from "./transport/sessions.ts";

export interface DomainParts {
  readonly tail: Tail;
  readonly queries: Queries;
  readonly ingest: IngestService;
  readonly runtime: Runtime;
  readonly logger: Logger;
}

/** What a domain adds of its own: read models, endpoints, an upstream. */
export interface Domain {
  /** Below /api/v1. */
  readonly router?: HttpRouter;
  readonly openApi?: OpenApiFragment;
  /** After the service is ready. */
  start?(): void | Promise<void>;
  /** Before the service drains. */
  stop?(): Promise<void>;
}

type EngineSettings = "broker" | "topics" | "routes" | "pipelines" | "checkpoints" | "ingestBounds" | "sessionLimits";

export interface ServiceOptions
  extends Pick<EngineOptions, EngineSettings>,
    Partial<Pick<EngineOptions, "guard" | "runtime" | "logger">> {
  readonly service: ServiceDescription;
  readonly listen: Listen;
  /** Signs resume tokens and cursors: at least 32 bytes, the same on all replicas and after a restart. */
  readonly secret: Uint8Array;
  readonly domain?: (parts: DomainParts) => Domain | Promise<Domain>;
  /** Clients reconnect within this after `draining`, at a random time. Milliseconds, default 5,000. */
  readonly reconnectWithinMs?: number;
}

export interface DistributionService extends Omit<DomainParts, "runtime" | "logger"> {
  /** Where it listens, as bound. */
  readonly ports: Listeners["ports"];
  readonly metrics: Metrics;
  readonly health: Health;
  /** Tells clients, takes nothing more, lets go of everything but the broker. Idempotent; resolves when the last byte is down. */
  stop(): Promise<void>;
}

const PERFORMANCE_EVERY_MS = 10_000;

/** Resolves when the service is ready for clients. The admin port answers from the beginning. */
export async function createDistributionService(options: ServiceOptions): Promise<DistributionService> {
  const { service, broker, runtime = systemRuntime, guard = createLoopbackGuard() } = options;
  const { name } = service;
  const logger = options.logger ?? createLogger(name, "info");
  const sealer = createSealer(options.secret, name);
  const metrics = createMetrics();
  const health = createHealth({ broker, runtime });
  const common = { service, broker, guard, runtime, logger, metrics, health };
  const listeners = await createListeners({ ...common, listen: options.listen });
  const observer = observeProcess(metrics, runtime);
  const topics = [...options.topics, lifeTopic(name)];
  const ownIdentity: Identity = { subject: `service:${name}`, attributes: {} };

  let engine: Engine | undefined;
  let life: Life | undefined;
  let performance: Timer | undefined;

  try {
    engine = await openEngine({
      ...options,
      name,
      ownIdentity,
      topics,
      sealer,
      guard,
      runtime,
      logger,
      metrics,
      onSubscription: (change, { session, subscription, topics: names }) =>
        life?.tell("subscription", { change, session, subscription, topics: names }),
      onSequence: ({ kind, topic, source, key, expected, got }) =>
        life?.tell("error", {
          code: "invalid_event",
          part: `sequence/${topic}`,
          message: `${kind} of ${source} at ${key}: expected ${expected}, got ${got}`,
        }),
    });
    const opened = engine;
    const { tail, queries, ingest, sessions } = opened;
    const own = createLife({ service: name, ingest, ownIdentity, runtime, logger });
    life = own;
    health.watch(() => tail.troubles());
    const domain = await options.domain?.({ tail, queries, ingest, runtime, logger });
    await listeners.open({
      ...opened,
      topics,
      parseFilter,
      payloadCodecs: createPayloadCodec,
      sealer,
      partitions: (topic) => broker.admin.partitions(topic),
      domain,
    });
    health.become("ready");
    own.tell("status", { state: "ready", reasons: [] });
    performance = tellPerformance({ life: own, metrics, runtime, sessions, topics });
    await domain?.start?.();

    const stop = async (): Promise<void> => {
      health.become("draining");
      own.tell("status", { state: "draining", reasons: [] });
      performance?.cancel();
      try {
        await domain?.stop?.();
      } catch (failure) {
        logger.error({ err: failure }, "The domain's own part did not stop as it should; the rest goes on.");
      }
      sessions.drain(options.reconnectWithinMs ?? 5_000);
      await own.close();
      await ingest.drain();
      await listeners.closePublic();
      await opened.close();
      observer.close();
      health.become("stopped");
      await listeners.closeAdmin();
    };
    let stopping: Promise<void> | undefined;
    return {
      ports: listeners.ports,
      metrics,
      health,
      ingest,
      queries,
      tail,
      stop() {
        stopping ??= stop();
        return stopping;
      },
    };
  } catch (failure) {
    observer.close();
    performance?.cancel();
    await listeners.closePublic();
    await life?.close();
    await engine?.close();
    await listeners.closeAdmin();
    if (failure instanceof DistributionError) throw failure;
    throw new DistributionError("internal", "The service did not start.", { cause: failure });
  }
}

function tellPerformance(parts: {
  life: Life;
  metrics: Metrics;
  runtime: Runtime;
  sessions: Sessions;
  topics: readonly TopicDefinition[];
}): Timer {
  const { life, metrics, runtime, sessions, topics } = parts;
  const latency = metrics.histogram("distribution_hop_seconds", { hop: "ingested-written" });
  const ingested = topics.map(({ name }) => metrics.counter("distribution_ingest_events_total", { topic: name }));
  const read = () => ({
    eventsIn: ingested.reduce((total, { value }) => total + value, 0),
    eventsDelivered: sessions.delivered,
  });
  let before = read();
  return runtime.timers.every(PERFORMANCE_EVERY_MS, () => {
    const now = read();
    life.tell("performance", {
      windowMs: PERFORMANCE_EVERY_MS,
      eventsIn: now.eventsIn - before.eventsIn,
      eventsDelivered: now.eventsDelivered - before.eventsDelivered,
      latencyMs: { p50: latency.quantile(0.5) * 1e3, p99: latency.quantile(0.99) * 1e3 },
      sessions: sessions.size,
      subscriptions: sessions.subscriptions,
    });
    before = now;
  });
}
