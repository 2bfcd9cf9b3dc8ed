/**
 * A distribution service: the engine, its ports, and what it tells of its own life.
 * The app says which broker, topics, routes and ports; everything here is the same for every domain.
 */
import type { Router as HttpRouter } from "express";
import type { Broker } from "./brokers/contract.ts";
import { type Engine, type EngineOptions, openEngine } from "./engine.ts";
import { DistributionError } from "./errors.ts";
import { createPayloadCodec } from "./events/index.ts";
import type { IngestService } from "./ingest/index.ts";
import { createIngress, deadLettersTopic, type Ingress, type IngressTopic } from "./ingress/index.ts";
import { createLife, type Life, lifeTopic } from "./life/index.ts";
import { observeProcess } from "./observability/event-loop.ts";
import { createLogger, createMetrics, type Logger, type Metrics } from "./observability/index.ts";
import { createProjections, type Projection, type ProjectionSettings, type Projections } from "./projections/index.ts";
import { doneWithin, pause, type Runtime, systemRuntime, type Timer } from "./runtime/index.ts";
import { createLoopbackGuard, createSealer, type Identity } from "./security/index.ts";
import { parseFilter } from "./subscriptions/index.ts";
import type { Queries, Tail } from "./tail/index.ts";
import { tellRegularly } from "./tell-regularly.ts";
import type { OpenApiFragment, ServiceDescription } from "./transport/documents/index.ts";
import { createHealth, type Health } from "./transport/health.ts";
import { createListeners, type Listen, type Listeners } from "./transport/listeners.ts";

export interface DomainParts {
  readonly tail: Tail;
  readonly queries: Queries;
  readonly ingest: IngestService;
  readonly runtime: Runtime;
  readonly logger: Logger;
}

/** What a domain adds of its own: read models and endpoints. */
export interface Domain {
  /** Below /api/v1. */
  readonly router?: HttpRouter;
  readonly openApi?: OpenApiFragment;
  /** Its read models. The service builds them from the log before it is ready, saves them, and stops them. */
  readonly projections?: readonly Pick<Projection<unknown>, "intake">[];
}

export interface UpstreamParts extends Pick<DomainParts, "ingest" | "runtime" | "logger"> {
  /** Where the service listens, as bound. */
  readonly ports: Listeners["ports"];
}

/** Something that publishes for as long as the service runs: the simulated upstream of demos and tests. */
export interface Upstream {
  /** Resolves when nothing of it is under way. */
  stop(): Promise<void>;
}

type EngineSettings = "broker" | "topics" | "routes" | "pipelines" | "checkpoints" | "ingestBounds" | "sessionLimits";

export interface ServiceOptions
  extends Pick<EngineOptions, EngineSettings>,
    Partial<Pick<EngineOptions, "guard" | "runtime" | "logger">> {
  readonly service: ServiceDescription;
  readonly listen: Listen;
  /** Signs resume tokens and cursors: at least 32 bytes, the same on all replicas and after a restart. */
  readonly secret: Uint8Array;
  /** Topics of the broker that other systems write to: read from the moment the service is ready, until it drains. */
  readonly ingress?: readonly IngressTopic[];
  readonly domain?: (parts: DomainParts) => Domain | Promise<Domain>;
  /** Starts it when the service is ready; it is stopped before the service drains. Undefined: there is none. */
  readonly upstream?: (parts: UpstreamParts) => Upstream | undefined | Promise<Upstream | undefined>;
  /** Of the domain's projections. */
  readonly projections?: ProjectionSettings;
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

/** How long a stop waits for what is being published to become durable, ms. */
const SETTLE_WITHIN_MS = 7_000;
/** After so long from its beginning, ms, a stop waits for nobody any more: a process has 15 s for it and for the end of its broker. */
const LEFT_AFTER_MS = 10_500;

/** Resolves when the service is ready for clients. The admin port answers from the beginning. */
export async function createDistributionService(options: ServiceOptions): Promise<DistributionService> {
  const { service, broker, runtime = systemRuntime, guard = createLoopbackGuard() } = options;
  const { name } = service;
  const logger = options.logger ?? createLogger(name, "info");
  const sealer = createSealer(options.secret, name);
  const metrics = createMetrics();
  const health = createHealth({ broker, runtime });
  metrics.gauge("distribution_ready", {}, () => (health.read().ready ? 1 : 0));
  const common = { service, broker, guard, runtime, logger, metrics, health };
  const listeners = await createListeners({ ...common, listen: options.listen });
  const observer = observeProcess(metrics, runtime);
  const { ingress: ways = [] } = options;
  const topics = [...options.topics, lifeTopic(name), ...(ways.length > 0 ? [deadLettersTopic(name)] : [])];
  const ownIdentity: Identity = { subject: `service:${name}`, attributes: {} };

  let engine: Engine | undefined;
  let life: Life | undefined;
  let upstream: Upstream | undefined;
  let ingress: Ingress | undefined;
  let projections: Projections | undefined;
  let telling: Timer | undefined;

  const attempt = async (stop: () => unknown, otherwise: string): Promise<void> => {
    try {
      await stop();
    } catch (err) {
      logger.error({ err }, otherwise);
    }
  };

  /** What the upstream and ingress publish, and tell, comes before life and ingest close. */
  const settle = async (): Promise<void> => {
    try {
      await attempt(() => upstream?.stop(), "The upstream did not stop as it should; the rest goes on.");
      await attempt(() => ingress?.stop(), "Ingress did not stop as it should; the rest goes on.");
      await life?.close();
    } finally {
      await engine?.ingest.drain();
    }
  };

  /** What there is by now: of a service that ran, or that did not come so far. */
  const close = async (): Promise<void> => {
    const since = runtime.clock.monotonicMs();
    health.become("draining");
    life?.tell("status", { state: "draining", reasons: [] });
    telling?.cancel();
    // Clients come back within seconds; an append may be under way for longer than that.
    engine?.sessions.drain(options.reconnectWithinMs ?? 5_000);
    if (!(await doneWithin(runtime, settle(), SETTLE_WITHIN_MS))) {
      const message =
        "What was being published is not durable yet, and is not waited for any more. Nobody was told that it is.";
      logger.warn({ withinMs: SETTLE_WITHIN_MS }, message);
      void engine?.ingest.drain();
    }
    const left = (): number => since + LEFT_AFTER_MS - runtime.clock.monotonicMs();
    if (!(await doneWithin(runtime, listeners.closePublic(), left())))
      logger.warn({}, "Some clients did not go in time, and are cut off.");
    await projections?.close();
    await engine?.close(left());
    observer.close();
    health.become("stopped");
    await listeners.closeAdmin();
  };

  try {
    await reached(broker, runtime, logger);
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
    const { tail, queries, ingest, sessions, cursors } = engine;
    life = createLife({ service: name, ingest, ownIdentity, runtime, logger });
    health.watch(tail.troubles);
    const domain = await options.domain?.({ tail, queries, ingest, runtime, logger });
    projections = createProjections({
      ...{ broker, tail, runtime, logger, metrics, ...options.projections },
      projections: domain?.projections ?? [],
    });
    health.watch(projections.troubles);
    await projections.start();
    await listeners.open({
      ...engine,
      topics,
      parseFilter,
      payloadCodecs: createPayloadCodec,
      sealer,
      partitions: (topic) => broker.admin.partitions(topic),
      domain,
    });
    if (ways.length > 0) {
      ingress = createIngress({
        ...{
          service: name,
          ingress: ways,
          topics,
          broker,
          ingest,
          ownIdentity,
          runtime,
          logger,
          metrics,
        },
        progress: cursors,
        onError: ({ code, message }, part) => life?.tell("error", { code, message, part }),
      });
      health.watch(ingress.troubles);
    }
    health.become("ready");
    const healthOf = { broker: () => broker.health().reasons, tail: tail.troubles, projections: projections.troubles };
    telling = tellRegularly({ life, metrics, runtime, sessions, topics, health, parts: healthOf });
    upstream = await options.upstream?.({ ingest, runtime, logger, ports: listeners.ports });

    let stopping: Promise<void> | undefined;
    return {
      ports: listeners.ports,
      metrics,
      health,
      ingest,
      queries,
      tail,
      stop() {
        stopping ??= close();
        return stopping;
      },
    };
  } catch (failure) {
    await close().catch((reason: unknown) =>
      logger.error({ err: reason }, "The service did not start, and what it had opened could not all be closed."),
    );
    if (failure instanceof DistributionError) throw failure;
    throw new DistributionError("internal", "The service did not start.", { cause: failure });
  }
}

/** Between two looks whether the broker is there, ms. */
const LOOK_MS = 200;

/** Resolves when the broker is ready: a host may be up before its brokers are. Until then the admin port says what is waited for. */
async function reached(broker: Broker, runtime: Runtime, logger: Logger): Promise<void> {
  let told = "";
  for (let { ready, reasons } = broker.health(); !ready; { ready, reasons } = broker.health()) {
    const why = reasons.join(" ");
    if (why !== told) logger.warn({}, `Waits for its broker, to start when it is there: ${why}`);
    told = why;
    await pause(runtime, LOOK_MS);
  }
}
