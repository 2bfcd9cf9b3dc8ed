/** Topics that others write to as a way in, through a whole service on the embedded broker. */
import { Event, EventClass } from "@distribution/proto-types/distribution/v1/event";
import { logOf } from "@distribution/testkit/broker";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import type { Broker, PartitionWrite } from "../../src/brokers/contract.ts";
import { DistributionError, type ErrorCode } from "../../src/errors.ts";
import { packEvents } from "../../src/events/index.ts";
import { createIngress, type IngressTopic, type RecordMapping } from "../../src/ingress/index.ts";
import { createMetrics } from "../../src/observability/index.ts";
import { systemRuntime } from "../../src/runtime/index.ts";
import { createDistributionService, type DistributionService, type ServiceOptions } from "../../src/service.ts";
import { prepare, QUOTES } from "../service/support.ts";
import { createRecorder } from "../tail/support.ts";
import { MemoryForeign, type Written } from "./foreign.ts";

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
async function ingressService(
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
    expect(event).toMatchObject({ id: `${FROM}/0/e1/2/0`, source: "/test/ingress", key: `${FROM}/0` });
    expect(letter).toEqual({
      ...{ topic: FROM, partition: 0, epoch: "e1", offset: "2", index: 0, time: "1700000000000000001" },
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

  test.each<ErrorCode>(["storage_full", "overloaded", "unavailable", "unknown_topic"])(
    "%s is tried again in order, and nothing becomes a dead letter",
    async (code) => {
      let refusals = 2;
      const { broker, foreign, start } = await ingressService([EVENTS], {}, async (real, writes) => {
        if (writes[0]?.topic !== QUOTES.name || refusals === 0) return real.append(writes);
        refusals -= 1;
        throw new DistributionError(code, "Not now.", { retryAfterMs: 1 });
      });
      foreign.create(FROM);
      foreign.write(FROM, written(eventOf("a"), eventOf("b")));
      const service = await start();
      await until(async () => idsOf(await logOf(broker, QUOTES.name)), ["a", "b"]);
      await vi.waitFor(() => expect(service.health.reasons()).toEqual([]));
      expect(refusals).toBe(0);
      expect(await lettersOf(broker)).toEqual([]);
    },
  );

  test("what ingest has no room for waits until it has", async () => {
    const gate = Promise.withResolvers<void>();
    const { broker, foreign, log, start } = await ingressService(
      [EVENTS],
      { ingestBounds: { inFlightBatches: 1 } },
      async (real, writes) => {
        if (writes[0]?.topic === QUOTES.name) await gate.promise;
        return real.append(writes);
      },
    );
    foreign.create(FROM, 2);
    foreign.write(FROM, written(eventOf("a")));
    foreign.write(FROM, written(eventOf("b")), 1);
    await start();
    const held = () => log.lines.filter(({ message }) => message.includes("held back")).map(({ fields }) => fields);
    await vi.waitFor(() => expect(held()).toMatchObject([{ topic: FROM, err: { code: "overloaded" } }]));
    gate.resolve();
    await until(async () => idsOf(await logOf(broker, QUOTES.name)).sort(), ["a", "b"]);
    expect(await lettersOf(broker)).toEqual([]);
  });

  test("`latest` is one place: what comes while it is away, before it ever read a record, is read", async () => {
    const { broker, foreign, start } = await ingressService([{ ...EVENTS, start: "latest" }]);
    foreign.create(FROM, 2);
    for (const partition of [0, 1]) foreign.write(FROM, written(eventOf(`old ${partition}`)), partition);
    const first = await start();
    foreign.failures.push(new DistributionError("unavailable", "The broker is away."));
    foreign.write(FROM, written(eventOf("a")));
    await until(async () => idsOf(await logOf(broker, QUOTES.name)), ["a"]);
    await first.stop();
    foreign.write(FROM, written(eventOf("b")), 1);
    await start();
    await until(async () => idsOf(await logOf(broker, QUOTES.name)), ["a", "b"]);
  });

  test("on a quiet topic it says no longer that it is held back than it is", async () => {
    const { foreign, start } = await ingressService();
    foreign.create(FROM);
    foreign.failures.push(new DistributionError("unavailable", "The broker is away."));
    const service = await start();
    await vi.waitFor(() => expect(service.health.reasons()).toEqual([`${FROM}/0: The broker is away.`]));
    await vi.waitFor(() => expect(service.health.reasons()).toEqual([]));
  });

  test("a letter that is there already is no obstacle, though its reason has other words now", async () => {
    let tries = 0;
    let isAway = true;
    const form: RecordMapping = ({ value }) => {
      const text = Buffer.from(value!).toString();
      if (text === "bad") throw new Error(`try ${++tries}`);
      return eventOf(text);
    };
    const { broker, foreign, start } = await ingressService([{ ...EVENTS, form }], {}, async (real, writes) => {
      if (isAway && writes[0]?.topic === QUOTES.name) throw new DistributionError("unavailable", "Away.");
      return real.append(writes);
    });
    foreign.create(FROM);
    for (const value of ["bad", "good"]) foreign.write(FROM, { value });
    const first = await start();
    await until(async () => (await lettersOf(broker)).length, 1);
    await first.stop();
    isAway = false;
    await start();
    await until(async () => idsOf(await logOf(broker, QUOTES.name)), ["good"]);
    expect(tries).toBe(2);
    expect((await lettersOf(broker)).map(({ letter }) => letter["message"])).toEqual([
      "The record's mapping failed: try 1",
    ]);
  });

  test.each<[string, string, Written]>([
    ["key", FROM, { value: "v", key: "k".repeat(1 << 20) }],
    ["headers", FROM, { value: "v", headers: Array.from({ length: 60_000 }, () => ["", Buffer.of()] as const) }],
    ["topic's name", "n".repeat(249), { value: "v" }],
  ])("a record that is no event becomes a letter however long its %s is", async (_what, from, bad) => {
    const { broker, foreign, start } = await ingressService([{ ...EVENTS, from }]);
    foreign.create(from);
    foreign.write(from, bad);
    foreign.write(from, written(eventOf("a")));
    await start();
    await until(async () => idsOf(await logOf(broker, QUOTES.name)), ["a"]);
    const letters = await lettersOf(broker);
    expect(letters.map(({ letter }) => letter)).toMatchObject([{ topic: from, offset: "1", code: "invalid_event" }]);
  });

  test("where there is no place for its cursor, records come in and it says so", async () => {
    const foreign = new MemoryForeign();
    foreign.create(FROM);
    foreign.write(FROM, written(eventOf("a")));
    let published = 0;
    const ingress = createIngress({
      ...{ service: "test", ingress: [EVENTS], topics: [QUOTES], foreign, runtime: systemRuntime },
      ...{ logger: createRecorder(), metrics: createMetrics(), onError: () => undefined },
      ownIdentity: { subject: "service:test", attributes: {} },
      ingest: { publish: () => Promise.reject(new DistributionError("unavailable", `Try ${++published}.`)) },
      progress: {
        load: () => undefined,
        save() {
          throw new DistributionError("limit_exceeded", "No name is left.");
        },
        flush: async () => undefined,
      },
    });
    await vi.waitFor(() => expect(published).toBeGreaterThan(0));
    expect(ingress.troubles()).toContain(`${FROM}: where it is read to is not kept: No name is left.`);
    await ingress.stop();
  });

  test("it stops though the broker does not answer", async () => {
    const { foreign, start } = await ingressService();
    foreign.partitions = () => new Promise(() => undefined);
    const service = await start();
    await service.stop();
    expect(service.health.state).toBe("stopped");
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
    for (const from of [QUOTES.name, "test.dead-letters", "test.cursors"])
      expect(await refusal([{ ...EVENTS, from }])).toBe("invalid_request ingress[0].from");
    expect(await refusal([EVENTS, EVENTS])).toBe("invalid_request ingress[1].from");
    const { options } = await prepare();
    await expect(createDistributionService({ ...options, ingress: [EVENTS] })).rejects.toMatchObject({
      code: "invalid_request",
      errors: [{ path: "ingress" }],
    });
  });
});
