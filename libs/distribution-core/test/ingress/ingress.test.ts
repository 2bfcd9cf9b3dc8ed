/** Topics that others write to as a way in, through a whole service on the embedded broker. */
import { Event, EventClass } from "@distribution/proto-types/distribution/v1/event";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import type { Broker } from "../../src/brokers/contract.ts";
import { DistributionError } from "../../src/errors.ts";
import { decodeEvent, messageAt, packEvents } from "../../src/events/index.ts";
import type { IngressTopic } from "../../src/ingress/index.ts";
import { createDistributionService, type DistributionService } from "../../src/service.ts";
import { prepare, QUOTES } from "../service/support.ts";
import { MemoryForeign } from "./foreign.ts";

const FROM = "OMS_quotes";
const EVENTS: IngressTopic = { from: FROM, into: QUOTES.name, form: "events" };

const eventOf = (id: string, more: Partial<Event> = {}): Event =>
  Event.create({
    ...{ id, source: "/oms", type: "test.quote.v1", key: "k", class: EventClass.QUOTE },
    ...{ contentType: "application/json", data: Buffer.from(`{"id":"${id}"}`) },
    ...more,
  });

const written = (...events: Event[]) => ({ value: "as it lies there", events: packEvents(events) });

/** A service that reads `FROM`; it may be started again on the same log. */
async function ingressService(ingress: readonly IngressTopic[] = [EVENTS]) {
  const foreign = new MemoryForeign();
  const ready = await prepare();
  const options = { ...ready.options, ingress, broker: { ...ready.broker, foreign } };
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

/** Every event of the topic's only partition, in log order. */
async function logOf(broker: Broker, topic: string): Promise<Event[]> {
  const [info] = await broker.admin.partitions(topic);
  const events: Event[] = [];
  if (info!.end === info!.start) return events;
  const reader = await broker.read(topic, 0, { at: "earliest" });
  for (let last = info!.start; broker.compareOffsets(last, info!.end) < 0; ) {
    const batches = await reader.next(1 << 20);
    if (batches.length === 0) throw new Error(`The reader of ${topic} was closed.`);
    for (const stored of batches) {
      for (let at = 0; at < stored.batch.count; at += 1) events.push(decodeEvent(messageAt(stored.batch, at)));
      last = stored.offsetAt(stored.batch.count - 1);
    }
  }
  await reader.close();
  return events;
}

const idsOf = (events: readonly Event[]): string[] => events.map(({ id }) => id);

const lettersOf = async (broker: Broker) =>
  (await logOf(broker, "test.dead-letters")).map((event) => ({
    event,
    letter: JSON.parse(Buffer.from(event.data!).toString()) as Record<string, unknown>,
  }));

const until = <T>(probe: () => Promise<T>, expected: T): Promise<void> =>
  vi.waitFor(async () => expect(await probe()).toEqual(expected), { timeout: 10_000, interval: 10 });

describe("ingress", () => {
  test("events of a foreign topic are published in the order in which they lie there", async () => {
    const { broker, foreign, start } = await ingressService();
    foreign.create(FROM);
    foreign.write(FROM, written(eventOf("a"), eventOf("b")));
    await start();
    await until(async () => idsOf(await logOf(broker, QUOTES.name)), ["a", "b"]);
    foreign.write(FROM, written(eventOf("c")));
    await until(async () => idsOf(await logOf(broker, QUOTES.name)), ["a", "b", "c"]);
  });

  test("after a stop it goes on behind what it published, also from `latest`", async () => {
    const { broker, foreign, start } = await ingressService([{ ...EVENTS, start: "latest" }]);
    foreign.create(FROM);
    foreign.write(FROM, written(eventOf("old")));
    const first = await start();
    await vi.waitFor(() => expect(first.health.reasons()).toEqual([]));
    foreign.write(FROM, written(eventOf("a")));
    await until(async () => idsOf(await logOf(broker, QUOTES.name)), ["a"]);
    await first.stop();
    foreign.write(FROM, written(eventOf("while it was away")));
    const again = await start();
    await until(async () => idsOf(await logOf(broker, QUOTES.name)), ["a", "while it was away"]);
    expect(again.metrics.counter("distribution_ingress_records_total", { topic: FROM }).value).toBe(1);
  });

  test("what is no event becomes a dead letter with its reason, and the rest goes on", async () => {
    const { broker, foreign, start } = await ingressService();
    foreign.create(FROM);
    foreign.write(FROM, written(eventOf("a")));
    foreign.write(FROM, { value: "what?", key: "k1", headers: [["h", Buffer.from("v")]] });
    foreign.write(FROM, written(eventOf("b")));
    const service = await start();
    await until(async () => idsOf(await logOf(broker, QUOTES.name)), ["a", "b"]);
    await until(async () => (await lettersOf(broker)).length, 1);
    const [{ event, letter } = { event: undefined, letter: {} }] = await lettersOf(broker);
    expect(event).toMatchObject({ id: `${FROM}/0/e1/1/0`, source: "/test/ingress", key: `${FROM}/0` });
    expect(letter).toEqual({
      ...{ topic: FROM, partition: 0, epoch: "e1", offset: "1", index: 0, time: "1700000000000000001" },
      ...{ code: "invalid_event", path: "record", message: expect.stringContaining("no header") as unknown },
      ...{ key: "azE=", headers: [{ name: "h", value: "dg==" }], value: "d2hhdD8=", valueBytes: 5 },
    });
    expect(service.metrics.counter("distribution_ingress_dead_letters_total", { topic: FROM }).value).toBe(1);
  });

  test("an event that ingest refuses becomes a dead letter, and its neighbours are published", async () => {
    const { broker, foreign, start } = await ingressService();
    foreign.create(FROM);
    const ids = Array.from({ length: 20 }, (_, at) => `e${at}`);
    foreign.write(FROM, written(...ids.map((id, at) => eventOf(id, at % 7 === 3 ? { type: "" } : {}))));
    await start();
    const good = ids.filter((_, at) => at % 7 !== 3);
    await until(async () => idsOf(await logOf(broker, QUOTES.name)), good);
    await until(async () => (await lettersOf(broker)).map(({ letter }) => letter["index"]), [3, 10, 17]);
    for (const { letter } of await lettersOf(broker)) {
      expect(letter).toMatchObject({ code: "invalid_event", path: "event.type" });
      expect(letter["message"]).toMatch(/^event\.type: /);
    }
  });

  test("what is refused for now is tried again, and its service says so meanwhile", async () => {
    const { broker, foreign, start } = await ingressService();
    foreign.create(FROM);
    foreign.failures.push(new DistributionError("unavailable", "The broker is away."));
    foreign.write(FROM, written(eventOf("a")));
    const service = await start();
    await vi.waitFor(() => expect(service.health.reasons()).toEqual([`${FROM}/0: The broker is away.`]));
    await until(async () => idsOf(await logOf(broker, QUOTES.name)), ["a"]);
    await vi.waitFor(() => expect(service.health.reasons()).toEqual([]));
    expect(await lettersOf(broker)).toEqual([]);
  });

  test("records that are gone before they were read are told of, and the oldest that is kept comes next", async () => {
    const { broker, foreign, start } = await ingressService();
    foreign.create(FROM);
    foreign.write(FROM, written(eventOf("a")));
    const first = await start();
    await until(async () => idsOf(await logOf(broker, QUOTES.name)), ["a"]);
    await first.stop();
    for (const id of ["lost", "b"]) foreign.write(FROM, written(eventOf(id)));
    foreign.forget(FROM, 2);
    await start();
    await until(async () => idsOf(await logOf(broker, QUOTES.name)), ["a", "b"]);
    await vi.waitFor(async () => {
      const told = (await logOf(broker, "test.distribution")).filter(({ type }) => type.endsWith(".error.v1"));
      expect(told.map(({ key }) => key)).toEqual([`error/ingress/${FROM}/0`]);
    });
  });

  test("a topic that is not there yet, and partitions that are added, are found", async () => {
    const { broker, foreign, timers, start } = await ingressService();
    const service = await start();
    await vi.waitFor(() => expect(service.health.reasons()).toEqual([`${FROM}: There is no topic ${FROM}.`]));
    foreign.create(FROM);
    foreign.write(FROM, written(eventOf("a")));
    timers.fire(10_000);
    await until(async () => idsOf(await logOf(broker, QUOTES.name)), ["a"]);
    foreign.create(FROM, 2);
    foreign.write(FROM, written(eventOf("b")), 1);
    timers.fire(10_000);
    await until(async () => idsOf(await logOf(broker, QUOTES.name)), ["a", "b"]);
    expect(service.health.reasons()).toEqual([]);
  });

  test("definitions that cannot work are refused at start, naming the field", async () => {
    const refusal = async (
      ingress: readonly IngressTopic[],
      foreign: MemoryForeign | undefined = new MemoryForeign(),
    ) => {
      const { options, broker } = await prepare();
      const started = createDistributionService({
        ...options,
        ingress,
        broker: { ...broker, ...(foreign && { foreign }) },
      });
      return started.then(
        () => "started",
        (failure: DistributionError) => `${failure.code} ${failure.errors[0]?.path}`,
      );
    };
    expect(await refusal([{ ...EVENTS, into: "test.nowhere" }])).toBe("invalid_request ingress[0].into");
    expect(await refusal([{ ...EVENTS, into: "test.distribution" }])).toBe("invalid_request ingress[0].into");
    expect(await refusal([EVENTS, EVENTS])).toBe("invalid_request ingress[1].from");
    const { options } = await prepare();
    await expect(createDistributionService({ ...options, ingress: [EVENTS] })).rejects.toMatchObject({
      code: "invalid_request",
      errors: [{ path: "ingress" }],
    });
  });
});
