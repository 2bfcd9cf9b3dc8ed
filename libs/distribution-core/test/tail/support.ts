/** Small words for tests of what lies behind the log: topics, events, stored batches, and brokers that go with the test. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createEmbeddedBroker } from "@distribution/broker-embedded";
import { Event, EventClass } from "@distribution/proto-types/distribution/v1/event";
import { createMemoryBroker, createSimulatedRuntime } from "@distribution/testkit/simulation";
import { onTestFinished } from "vitest";
import type { Broker, StoredBatch } from "../../src/brokers/contract.ts";
import { createEnvelope, decodeEvent, EVENT_FIELD, messageAt, packEvents } from "../../src/events/index.ts";
import type { Logger } from "../../src/observability/index.ts";
import type { PlacedEvent, RingBatch, Table } from "../../src/tail/index.ts";
import type { TopicDefinition } from "../../src/topics.ts";

export function topic(name: string, more: Partial<TopicDefinition> = {}): TopicDefinition {
  return {
    name,
    description: name,
    partitions: 1,
    retention: {},
    compaction: false,
    eventTypes: [],
    ringBytes: 1024 * 1024,
    ...more,
  };
}

export const TABLE = { keys: 1_000, bytes: 1024 * 1024 };

/** `id` or `id:key`. */
export function event(name: string, more: Partial<Event> = {}): Event {
  const [id, key = ""] = name.split(":");
  return Event.fromPartial({
    id: id!,
    key,
    source: "/test",
    type: "test.event.v1",
    class: EventClass.QUOTE,
    contentType: "application/json",
    data: Buffer.from(JSON.stringify({ id })),
    ...more,
  });
}

/** A batch as a log has it: offsets count up by one from `first`. */
export function storedOf(names: readonly string[], first = 0, more: Partial<StoredBatch> = {}): StoredBatch {
  const batch = packEvents(names.map((name) => event(name)));
  return { epoch: "e1", appendedAt: 1n, offsetAt: (index) => String(first + index), batch, ...more };
}

const envelope = createEnvelope();

/** Applies a whole batch, as the tail does. */
export function applyAll(table: Table, { first, stored }: RingBatch): void {
  const { bytes, bounds, count } = stored.batch;
  for (let index = 0; index < count; index += 1) {
    envelope.read(bytes, bounds[2 * index]!, bounds[2 * index + 1]!);
    table.apply(first + index, stored, index, envelope.startOf(EVENT_FIELD.key), envelope.endOf(EVENT_FIELD.key));
  }
}

export const numeric = (a: string, b: string): number => Number(a) - Number(b);

export const idAt = ({ batch }: Pick<StoredBatch, "batch">, index: number): string =>
  decodeEvent(messageAt(batch, index)).id;

export const idsOf = (stored: Pick<StoredBatch, "batch">): string[] =>
  Array.from({ length: stored.batch.count }, (_, index) => idAt(stored, index));

export const idsPlaced = (events: readonly PlacedEvent[]): string[] => events.map(({ bytes }) => decodeEvent(bytes).id);

/** A folder that goes with the test. */
export function folder(): string {
  const directory = mkdtempSync(join(tmpdir(), "core-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** The real embedded broker, closed with the test. */
export async function openEmbedded(directory = folder()): Promise<Broker> {
  const broker = await createEmbeddedBroker({ directory });
  onTestFinished(() => broker.close());
  return broker;
}

/** Simulated time, and a broker in it whose faults the test decides. */
export function openSimulated(seed = 1) {
  const runtime = createSimulatedRuntime(seed);
  return { runtime, broker: createMemoryBroker(runtime) };
}

/** Appends one batch of `id` or `id:key`; the offsets that it got. */
export async function put(broker: Broker, name: string, names: readonly string[], partition = 0): Promise<string[]> {
  const batch = packEvents(names.map((each) => event(each)));
  const [appended] = await broker.append([{ topic: name, partition, batch }]);
  return names.map((_, index) => appended!.offsetAt(index));
}

export interface LogLine {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly fields: object;
  readonly message: string;
}

export function createRecorder(): Logger & { readonly lines: LogLine[] } {
  const lines: LogLine[] = [];
  const at = (level: LogLine["level"]) => (fields: object, message: string) =>
    void lines.push({ level, fields, message });
  return { lines, debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

/** Resolves once it holds; gives up only with the test's own time. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setImmediate(resolve));
}

/** A broker whose readers can be held: while they are, what they read waits. */
export function holdReaders(broker: Broker): { readonly broker: Broker; hold(): void; release(): void } {
  let gate = Promise.withResolvers<void>();
  gate.resolve();
  return {
    broker: {
      ...broker,
      async read(...place) {
        const reader = await broker.read(...place);
        return {
          start: reader.start,
          async next(maxBytes) {
            const batches = await reader.next(maxBytes);
            await gate.promise;
            return batches;
          },
          close: () => reader.close(),
        };
      },
    },
    hold() {
      gate = Promise.withResolvers<void>();
    },
    release: () => gate.resolve(),
  };
}
