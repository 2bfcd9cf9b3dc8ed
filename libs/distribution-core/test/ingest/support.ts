/** Real parts for ingest tests, on a folder of their own, and a broker whose answers the test decides. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createEmbeddedBroker } from "@distribution/broker-embedded";
import { Event, EventClass } from "@distribution/proto-types/distribution/v1/event";
import { expect } from "vitest";
import type { Appended, Broker, PartitionWrite } from "../../src/brokers/contract.ts";
import { DistributionError, type ErrorCode } from "../../src/errors.ts";
import { decodeEvent, messageAt, packEvents } from "../../src/events/index.ts";
import { createIngest, type IngestOptions, type IngestService, type PublishResult } from "../../src/ingest/index.ts";
import { createMetrics, type Metrics } from "../../src/observability/index.ts";
import { createRouter, type RouteDefinition, type Router } from "../../src/routing/index.ts";
import { type Runtime, systemRuntime } from "../../src/runtime/index.ts";
import { ANONYMOUS, createLoopbackGuard, type Identity } from "../../src/security/index.ts";
import { parseFilter } from "../../src/subscriptions/filter/index.ts";
import { createMatcher } from "../../src/subscriptions/matcher/index.ts";
import type { TopicDefinition } from "../../src/topics.ts";

export function topic(name: string, partitions = 1, more: Partial<TopicDefinition> = {}): TopicDefinition {
  return {
    name,
    description: name,
    partitions,
    retention: {},
    compaction: false,
    eventTypes: [],
    ringBytes: 1024,
    ...more,
  };
}

export function event(id: string, more: Partial<Event> = {}): Event {
  const data = Buffer.from(JSON.stringify({ id }));
  return Event.fromPartial({
    id,
    source: "/feeds/a",
    type: "md.trade",
    key: "k",
    contentType: "application/json",
    data,
    ...more,
  });
}

export interface Setup {
  readonly ingest: IngestService;
  readonly broker: Broker;
  readonly router: Router;
  readonly metrics: Metrics;
  publish(events: readonly Event[], topic?: string, identity?: Identity): Promise<PublishResult>;
}

export interface SetupOptions extends Partial<Omit<IngestOptions, "broker" | "router" | "topics">> {
  readonly broker: Broker;
  readonly topics?: readonly TopicDefinition[];
  readonly routes?: readonly RouteDefinition[];
}

/** Ingest on this broker, restored and open. */
export async function open(options: SetupOptions): Promise<Setup> {
  const { broker, topics = [topic("md.trades")], routes = [], ...more } = options;
  const metrics = more.metrics ?? createMetrics();
  for (const each of topics) await broker.admin.ensureTopic(each);
  const router = createRouter({ routes, topics, parseFilter, createMatcher, metrics });
  const ingest = createIngest({
    broker,
    topics,
    router,
    runtime: systemRuntime,
    metrics,
    guard: createLoopbackGuard(),
    ...more,
  });
  await ingest.restore();
  return {
    ingest,
    broker,
    router,
    metrics,
    publish: (events, name = topics[0]!.name, identity = ANONYMOUS) =>
      ingest.publish(name, packEvents(events), identity),
  };
}

/** Embedded brokers on one folder, opened as often as a test likes; all is gone when the scope ends. */
export class Disk implements AsyncDisposable {
  readonly #directory = mkdtempSync(join(tmpdir(), "ingest-"));
  #broker: Broker | undefined;

  /** Closes what is open, as a restart would. */
  async open(): Promise<Broker> {
    await this.#broker?.close();
    this.#broker = await createEmbeddedBroker({ directory: this.#directory });
    return this.#broker;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#broker?.close();
    rmSync(this.#directory, { recursive: true });
  }
}

/** The ids in the log of a partition, oldest first. */
export async function idsIn(broker: Broker, name: string, partition = 0): Promise<readonly string[]> {
  return (await eventsIn(broker, name, partition)).map((each) => each.id);
}

export async function eventsIn(broker: Broker, name: string, partition = 0): Promise<readonly Event[]> {
  const info = (await broker.admin.partitions(name))[partition]!;
  const events: Event[] = [];
  if (info.start === info.end) return events;
  const reader = await broker.read(name, partition, { at: "earliest" });
  for (let last = info.start; last !== info.end; ) {
    for (const stored of await reader.next(1024 * 1024)) {
      for (let index = 0; index < stored.batch.count; index += 1)
        events.push(decodeEvent(messageAt(stored.batch, index)));
      last = stored.offsetAt(stored.batch.count - 1);
    }
  }
  await reader.close();
  return events;
}

/** One append that waits for the test's word. */
export interface HeldAppend {
  readonly writes: readonly PartitionWrite[];
  accept(): void;
  refuse(error: Error): void;
}

/** Keeps nothing; each append is held until the test answers it. For faults and orders that a real one seldom shows. */
export function createHeldBroker(maxBatchBytes = 1024 * 1024): {
  readonly broker: Broker;
  readonly appends: HeldAppend[];
} {
  const appends: HeldAppend[] = [];
  let next = 0;
  const unused = (): never => {
    throw new Error("not part of this double");
  };
  const broker: Broker = {
    name: "held",
    capabilities: {
      transactions: true,
      groups: false,
      individualAck: false,
      delayedRedelivery: false,
      keyShared: false,
      nativeDeduplication: false,
      exactTruncation: true,
      compaction: false,
      maxBatchBytes,
    },
    admin: {
      ensureTopic: async () => {},
      topics: async () => [],
      partitions: async () => [],
      lag: async () => [],
      truncate: async () => {},
      deleteTopic: async () => {},
      maintain: async () => {},
    },
    append(writes) {
      return new Promise((resolve, reject) => {
        const accept = () =>
          resolve(
            writes.map(({ batch }): Appended => {
              const base = next;
              next += batch.count;
              return { epoch: "e", offsetAt: (index) => String(base + index) };
            }),
          );
        appends.push({ writes, accept, refuse: reject });
      });
    },
    read: unused,
    group: unused,
    compareOffsets: (a, b) => Number(a) - Number(b),
    health: () => ({ ready: true, reasons: [] }),
    close: async () => {},
  };
  return { broker, appends };
}

/** The refusal, which must have this code, and this path where one is given. */
export async function refusal(outcome: Promise<unknown>, code: ErrorCode, path?: string): Promise<DistributionError> {
  const failure = await outcome.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(failure).toBeInstanceOf(DistributionError);
  const error = failure as DistributionError;
  expect(error.code).toBe(code);
  if (path !== undefined) expect(error.errors[0]?.path).toBe(path);
  return error;
}

/** A runtime whose clocks stand still until the test moves them. */
export function createStoppedRuntime(): Runtime & { advance(ms: number): void } {
  let elapsed = 0;
  const origin = systemRuntime.clock.wallNs();
  return {
    ...systemRuntime,
    clock: { monotonicMs: () => elapsed, wallNs: () => origin + BigInt(Math.round(elapsed * 1e6)) },
    advance(ms) {
      elapsed += ms;
    },
  };
}

export const publisher = (subject: string): Identity => ({ subject, attributes: {} });

export { EventClass };
