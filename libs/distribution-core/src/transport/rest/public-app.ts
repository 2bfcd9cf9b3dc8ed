/** The public HTTP face of a service: the REST API, its documents and the page. */
import type { DescMessage } from "@bufbuild/protobuf";
import type { Express, RequestHandler, Router } from "express";
import type { PartitionInfo } from "../../brokers/contract.ts";
import type { PayloadCodec } from "../../events/index.ts";
import type { Ingest } from "../../ingest/contract.ts";
import type { Logger, Metrics } from "../../observability/index.ts";
import type { FilterParser } from "../../routing/contract.ts";
import { type Runtime, systemRuntime } from "../../runtime/index.ts";
import type { Guard, Sealer } from "../../security/index.ts";
import type { Queries } from "../../tail/contract.ts";
import type { TopicDefinition } from "../../topics.ts";
import type { OpenApiFragment, ServiceDescription } from "../documents/operation-document.ts";
import { createPageRouter } from "../page/page-router.ts";
import { type CallerOptions, createBaseApp } from "./base-app.ts";
import { catalogueOperation } from "./catalogue.ts";
import { identify, mountedAt } from "./context.ts";
import { documentOperations } from "./documents.ts";
import type { EndpointOptions } from "./endpoint-options.ts";
import { historyOperation } from "./history.ts";
import { latestOperation } from "./latest.ts";
import { DEFAULT_REST_LIMITS, type RestLimits } from "./limits.ts";
import { createOperationRouter } from "./operation-router.ts";
import { publishOperation } from "./publish.ts";
import type { Rates } from "./rates.ts";
import type { ServiceStatus } from "./service-status.ts";
import { statusOperation } from "./status.ts";
import { createTopicCatalogue } from "./topic-catalogue.ts";
import { topicOperations } from "./topics.ts";

/** Where the API lives. */
export const API_PREFIX = "/api/v1";

export interface PublicAppOptions extends CallerOptions {
  readonly service: ServiceDescription;
  readonly topics: readonly TopicDefinition[];
  readonly ingest: Ingest;
  readonly queries: Queries;
  /** Of the filter language. */
  readonly parseFilter: FilterParser;
  /** Absent: protobuf payloads are given as `data_base64`. */
  readonly payloadCodecs?: (message: DescMessage) => PayloadCodec;
  /** Signs the cursors of history pages. */
  readonly sealer: Sealer;
  readonly guard: Guard;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly status: () => ServiceStatus;
  /** The broker's `admin.partitions`. */
  readonly partitions: (topic: string) => Promise<readonly PartitionInfo[]>;
  /** Each absent bound has its default. */
  readonly limits?: Partial<RestLimits>;
  /** Absent: no rates are told. */
  readonly rates?: Rates;
  /** Takes `GET /topics/{topic}/events` of those who accept text/event-stream. Absent: they get 406. */
  readonly eventStream?: RequestHandler;
  /** The domain's own endpoints below /api/v1, for example of `createOperationRouter`. */
  readonly domainRouter?: Router;
  /** Their part of the document, for example of `openApiFragment(API_PREFIX, operations)`. */
  readonly domainOpenApi?: OpenApiFragment;
  readonly runtime?: Runtime;
}

/** Throws RangeError when the domain describes a path, schema or operation that is there already. */
export function createPublicApp(options: PublicAppOptions): Express {
  const { guard, logger, runtime = systemRuntime } = options;
  const limits = { ...DEFAULT_REST_LIMITS, ...options.limits };
  const endpoints: EndpointOptions = {
    service: options.service,
    catalogue: createTopicCatalogue(options.topics),
    ingest: options.ingest,
    queries: options.queries,
    parseFilter: options.parseFilter,
    codecs: codecsOf(options),
    sealer: options.sealer,
    limits,
    writer: { timers: runtime.timers, stallMs: limits.stallMs },
    logger,
    rates: options.rates,
    status: options.status,
    partitions: options.partitions,
  };
  const operations = [
    ...topicOperations(endpoints),
    catalogueOperation(endpoints),
    publishOperation(endpoints),
    historyOperation(endpoints),
    latestOperation(endpoints),
    statusOperation(endpoints, runtime.clock),
  ];
  const documents = documentOperations({
    service: options.service,
    topics: options.topics,
    operations,
    domain: options.domainOpenApi,
    prefix: API_PREFIX,
  });

  return createBaseApp({ ...options, random: runtime.random, urlBytes: limits.urlBytes }, (app) => {
    app.use(createPageRouter(options.service));
    app.use([API_PREFIX, ...documents.map(({ path }) => path)], identify(guard));
    if (options.eventStream) app.get(`${API_PREFIX}/topics/:topic/events`, onlyEventStreams(options.eventStream));
    app.use(API_PREFIX, createOperationRouter([...operations, ...documents]));
    // Also where people look first; not a redirect, which curl does not follow.
    app.use(createOperationRouter(documents));
    if (options.domainRouter) app.use(API_PREFIX, mountedAt(API_PREFIX), options.domainRouter);
  });
}

/** Made once: a codec prepares everything that it can. */
function codecsOf({ topics, payloadCodecs }: PublicAppOptions): ReadonlyMap<string, PayloadCodec> {
  const codecs = new Map<string, PayloadCodec>();
  for (const { name, message } of topics) if (message && payloadCodecs) codecs.set(name, payloadCodecs(message));
  return codecs;
}

/** EventSource asks for text/event-stream alone; who would rather have JSON is answered by the operation. */
function onlyEventStreams(handler: RequestHandler): RequestHandler {
  return (request, response, next) => {
    const best = request.accepts(["application/json", "application/x-ndjson", "text/event-stream"]);
    return best === "text/event-stream" ? handler(request, response, next) : next();
  };
}
