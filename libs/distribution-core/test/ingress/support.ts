/** A whole service on the embedded broker that reads a topic of others. */
import { Event, EventClass } from "@distribution/proto-types/distribution/v1/event";
import { logOf } from "@distribution/testkit/broker";
import { expect, onTestFinished, vi } from "vitest";
import type { Broker, PartitionWrite } from "../../src/brokers/contract.ts";
import { decodeEvent, messageAt, type PackedBatch, packEvents } from "../../src/events/index.ts";
import type { IngressTopic } from "../../src/ingress/index.ts";
import { type Runtime, systemRuntime } from "../../src/runtime/index.ts";
import { createDistributionService, type DistributionService, type ServiceOptions } from "../../src/service.ts";
import { prepare, QUOTES } from "../service/support.ts";
import { MemoryForeign } from "./foreign.ts";

export const FROM = "OMS_quotes";
export const EVENTS: IngressTopic = { from: FROM, into: QUOTES.name, form: "events" };

export const eventOf = (id: string, more: Partial<Event> = {}): Event =>
  Event.create({
    ...{ id, source: "/oms", type: "test.quote.v1", key: "k", class: EventClass.QUOTE },
    ...{ contentType: "application/json", data: Buffer.from(`{"id":"${id}"}`) },
    ...more,
  });

export const written = (...events: Event[]) => ({ value: "as it lies there", events: packEvents(events) });

/** A service that reads `FROM`; it may be started again on the same log. */
export async function ingressService(
  ingress: readonly IngressTopic[] = [EVENTS],
  more: Partial<ServiceOptions> = {},
  append?: (broker: Broker, writes: readonly PartitionWrite[]) => ReturnType<Broker["append"]>,
) {
  const foreign = new MemoryForeign();
  const ready = await prepare(more);
  const { broker } = ready;
  const options: ServiceOptions = {
    ...{ ...ready.options, ingress },
    broker: { ...broker, foreign, ...(append && { append: (writes) => append(broker, writes) }) },
  };
  return {
    ...ready,
    foreign,
    async start(): Promise<DistributionService> {
      const service = await createDistributionService(options);
      onTestFinished(() => service.stop());
      return service;
    },
  };
}

export const idsOf = (events: readonly Event[]): string[] => events.map(({ id }) => id);

export const lettersOf = async (broker: Broker) =>
  (await logOf(broker, "test.dead-letters")).map((event) => ({
    event,
    letter: JSON.parse(Buffer.from(event.data!).toString()) as Record<string, unknown>,
  }));

export const idsIn = (batch: PackedBatch): string[] =>
  Array.from({ length: batch.count }, (_, index) => decodeEvent(messageAt(batch, index)).id);

/** The system's runtime, without the patience: pauses are a hundredth of what they should be. */
export const hasty = (): Runtime => ({
  ...systemRuntime,
  timers: { ...systemRuntime.timers, after: (ms, run) => systemRuntime.timers.after(ms / 100, run) },
});

export const until = <T>(probe: () => Promise<T>, expected: T): Promise<void> =>
  vi.waitFor(async () => expect(await probe()).toEqual(expected), { timeout: 10_000, interval: 10 });
