/** A real HTTP server with the public application over a log in memory. */

import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createPayloadCodec } from "../../../src/events/index.ts";
import { createMetrics, type Logger } from "../../../src/observability/index.ts";
import { createLoopbackGuard, createSealer } from "../../../src/security/index.ts";
import { parseFilter } from "../../../src/subscriptions/filter/index.ts";
import type { TopicDefinition } from "../../../src/topics.ts";
import {
  createHttpServer,
  createPublicApp,
  type PublicAppOptions,
  type RestLimits,
} from "../../../src/transport/rest/index.ts";
import { createMemoryLog, FIRST_APPEND, type MemoryLog } from "./memory-log.ts";

export const SERVICE = { name: "test-distribution", version: "1.2.3", description: "Events of a <test> & more." };

const common = { partitions: 4, retention: { ms: 86_400_000 }, compaction: false, ringBytes: 1 << 20 };
export const TOPICS: readonly TopicDefinition[] = [
  {
    ...common,
    name: "test.trades",
    description: "Trades.",
    table: { keys: 1000, bytes: 1 << 20 },
    priority: 5,
    eventTypes: [{ type: "trade.v1", class: "EVENT_CLASS_TRADE", description: "A trade.", key: "instrument" }],
  },
  { ...common, name: "test.audit", description: "Anything.", eventTypes: [] },
];

export interface LogLine {
  readonly fields: object;
  readonly message: string;
}

export interface RestServer extends AsyncDisposable {
  readonly url: string;
  /** For what begins as HTTP and goes on as something else. */
  readonly http: Server;
  readonly log: MemoryLog;
  readonly metrics: ReturnType<typeof createMetrics>;
  readonly lines: readonly LogLine[];
  get(path: string, headers?: Record<string, string>): Promise<Response>;
  /** Publishes one event of each id and key, in one request each. */
  publish(
    topic: string,
    ...events: readonly { id: string; key: string; type?: string; data?: unknown }[]
  ): Promise<void>;
}

export interface RestServerOptions extends Partial<Omit<PublicAppOptions, "limits">> {
  readonly limits?: Partial<RestLimits>;
}

export async function startRest(options: RestServerOptions = {}): Promise<RestServer> {
  const metrics = createMetrics();
  const log = createMemoryLog(4, metrics);
  const lines: LogLine[] = [];
  const app = createPublicApp({
    service: SERVICE,
    topics: TOPICS,
    ingest: log.ingest,
    queries: log.queries,
    parseFilter,
    payloadCodecs: createPayloadCodec,
    sealer: createSealer(Buffer.alloc(32, 7), "test"),
    guard: createLoopbackGuard(),
    metrics,
    logger: createRecorder(lines),
    status: () => ({
      state: "ready",
      reasons: [],
      startedAt: FIRST_APPEND,
      broker: { name: "memory", ready: true, reasons: [] },
      sessions: { websocket: 2 },
      subscriptions: 3,
      interestClasses: 1,
    }),
    partitions: log.partitions,
    ...options,
  });
  const server = createHttpServer(app, options.limits);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    http: server,
    log,
    metrics,
    lines,
    get: (path, headers = {}) => fetch(url + path, { headers }),
    async publish(topic, ...events) {
      for (const event of events) {
        const response = await fetch(`${url}/api/v1/topics/${topic}/events`, publishing(cloudEvent(event)));
        if (response.status > 201) throw new Error(await response.text());
      }
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export interface TestEvent {
  readonly id: string;
  readonly key?: string;
  readonly type?: string;
  readonly data?: unknown;
}

export function cloudEvent({ id, key, type = "trade.v1", data = { price: "1.25" } }: TestEvent): object {
  return { specversion: "1.0", id, source: "/test", type, ...(key === undefined ? {} : { partitionkey: key }), data };
}

/** A structured or batched request. */
export function publishing(body: unknown): RequestInit {
  const type = Array.isArray(body) ? "application/cloudevents-batch+json" : "application/cloudevents+json";
  return { method: "POST", headers: { "content-type": type }, body: JSON.stringify(body) };
}

export interface ProblemBody {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly requestId: string;
  readonly errors: readonly { readonly path: string; readonly message: string }[];
}

/** The problem of an answer, once it is seen to be one. */
export async function problemIn(response: Response): Promise<ProblemBody> {
  const text = await response.text();
  if (response.headers.get("content-type") !== "application/problem+json") throw new Error(`no problem: ${text}`);
  return JSON.parse(text) as ProblemBody;
}

export interface PlacedJson {
  readonly position: {
    readonly topic: string;
    readonly partition: number;
    readonly epoch: string;
    readonly offset: string;
  };
  readonly appendedAt: string;
  readonly event: { readonly id: string; readonly data?: unknown; readonly [name: string]: unknown };
}

function createRecorder(lines: LogLine[]): Logger {
  const record = (fields: object, message: string): void => void lines.push({ fields, message });
  return { debug: record, info: record, warn: record, error: record };
}
