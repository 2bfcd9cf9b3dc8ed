/** Small words for this package's tests. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createEmbeddedBroker, type EmbeddedBrokerOptions } from "@distribution/broker-embedded";
import type { Broker, TopicConfig } from "@distribution/core/brokers";
import { type Runtime, systemRuntime } from "@distribution/core/runtime";
import { batchOf, type ReadEvent, readEvents } from "@distribution/testkit/broker";
import { onTestFinished } from "vitest";

/** A folder that goes with the test. */
export function folder(): string {
  const directory = mkdtempSync(join(tmpdir(), "embedded-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** A broker that is closed with the test, unless the test closed it. */
export async function openBroker(options: Partial<EmbeddedBrokerOptions> = {}): Promise<Broker> {
  const directory = options.directory ?? folder();
  const broker = await createEmbeddedBroker({ ...options, directory });
  onTestFinished(() => broker.close());
  return broker;
}

export async function topicOf(broker: Broker, name: string, config: Partial<TopicConfig> = {}): Promise<string> {
  await broker.admin.ensureTopic({ name, partitions: 1, retention: {}, compaction: false, ...config });
  return name;
}

/** Appends one batch to partition 0: an event for each name, `id` or `id:key`, each with this much data. */
export async function put(broker: Broker, topic: string, names: readonly string[], dataBytes = 0): Promise<void> {
  const data = new Uint8Array(dataBytes);
  const events = names.map((name) => ({ id: name.split(":")[0]!, key: name.split(":")[1] ?? "", data }));
  await broker.append([{ topic, partition: 0, batch: batchOf(events) }]);
}

/** Everything that partition 0 has now. */
export async function readAll(broker: Broker, topic: string): Promise<ReadEvent[]> {
  const [info] = await broker.admin.partitions(topic);
  if (info!.end === info!.start) return [];
  const reader = await broker.read(topic, 0, { at: "earliest" });
  const events: ReadEvent[] = [];
  while (events.at(-1)?.offset !== info!.end) events.push(...(await readEvents(reader, 1)));
  await reader.close();
  return events;
}

export const idsOfEvents = (events: readonly ReadEvent[]): string[] => events.map(({ id }) => id);

/** The system's runtime with a wall clock that the test sets, Unix nanoseconds. */
export function clockAt(start: bigint): Runtime & { wall: bigint } {
  const runtime = {
    ...systemRuntime,
    wall: start,
    clock: { monotonicMs: systemRuntime.clock.monotonicMs, wallNs: () => runtime.wall },
  };
  return runtime;
}
