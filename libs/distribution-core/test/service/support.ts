/** A whole service on free ports, on the real embedded broker; what it holds open is counted. */
import { onTestFinished } from "vitest";
import type { Broker } from "../../src/brokers/contract.ts";
import { type Runtime, systemRuntime, type Timer } from "../../src/runtime/index.ts";
import { createDistributionService, type DistributionService, type ServiceOptions } from "../../src/service.ts";
import { createRecorder, openEmbedded, TABLE, topic } from "../tail/support.ts";

export const QUOTES = topic("test.quotes", { table: TABLE });

/** A CloudEvent. */
export const event = (id: string, more = {}) => ({
  specversion: "1.0",
  ...{ id, source: "/test", type: "test.event.v1", partitionkey: "a", data: { id } },
  ...more,
});

export const publish = (service: DistributionService, ...events: object[]) =>
  publishOn(QUOTES.name, service, ...events);

export const publishOn = (topic: string, service: DistributionService, ...events: object[]) =>
  fetch(`http://127.0.0.1:${service.ports.public}/api/v1/topics/${topic}/events`, {
    method: "POST",
    headers: { "content-type": "application/cloudevents-batch+json" },
    body: JSON.stringify(events),
  });

/** The system's runtime; its repeating timers are counted, and can be run by hand. */
export function countedRuntime() {
  const repeating = new Map<Timer, { ms: number; run: () => void }>();
  const runtime: Runtime = {
    ...systemRuntime,
    timers: {
      ...systemRuntime.timers,
      every(ms, run) {
        const timer = systemRuntime.timers.every(ms, run);
        const counted = {
          cancel() {
            repeating.delete(counted);
            timer.cancel();
          },
        };
        repeating.set(counted, { ms, run });
        return counted;
      },
    },
  };
  return {
    runtime,
    active: () => repeating.size,
    fire(every: number) {
      for (const { ms, run } of [...repeating.values()]) if (ms === every) run();
    },
  };
}

/** A broker that counts the readers that are open. */
export function countReaders(broker: Broker): { readonly broker: Broker; readers(): number } {
  let readers = 0;
  return {
    readers: () => readers,
    broker: {
      ...broker,
      async read(...place) {
        const reader = await broker.read(...place);
        readers += 1;
        let open = true;
        return {
          start: reader.start,
          next: (bytes) => reader.next(bytes),
          async close() {
            if (open) readers -= 1;
            open = false;
            await reader.close();
          },
        };
      },
    },
  };
}

export async function prepare(more: Partial<ServiceOptions> = {}) {
  const { broker, readers } = countReaders(await openEmbedded());
  const timers = countedRuntime();
  const log = createRecorder();
  const options: ServiceOptions = {
    ...{ broker, topics: [QUOTES], secret: new Uint8Array(32), logger: log, runtime: timers.runtime },
    service: { name: "test", version: "1.2.3", description: "A service." },
    listen: { port: 0, grpcPort: 0, adminPort: 0 },
    ...more,
  };
  return {
    ...{ broker, readers, timers, log, options },
    async start(): Promise<DistributionService> {
      const service = await createDistributionService(options);
      onTestFinished(() => service.stop());
      return service;
    },
  };
}
