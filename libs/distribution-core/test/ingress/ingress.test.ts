/** Topics that others write to as a way in, through a whole service on the embedded broker. */
import { logOf } from "@distribution/testkit/broker";
import { expect, test, vi } from "vitest";
import { DistributionError } from "../../src/errors.ts";
import { createIngress, type IngressTopic } from "../../src/ingress/index.ts";
import { createMetrics } from "../../src/observability/index.ts";
import { systemRuntime } from "../../src/runtime/index.ts";
import { createDistributionService } from "../../src/service.ts";
import { prepare, QUOTES } from "../service/support.ts";
import { createRecorder } from "../tail/support.ts";
import { MemoryForeign } from "./foreign.ts";
import { EVENTS, eventOf, FROM, idsOf, ingressService, until, written } from "./support.ts";

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
  await vi.waitFor(() => expect(foreign.progress.size).toBe(1));
  foreign.write(FROM, written(eventOf("a")));
  await until(async () => idsOf(await logOf(broker, QUOTES.name)), ["a"]);
  await first.stop();
  foreign.write(FROM, written(eventOf("while it was away")));
  const again = await start();
  await until(async () => idsOf(await logOf(broker, QUOTES.name)), ["a", "while it was away"]);
  expect(again.metrics.counter("distribution_ingress_records_total", { topic: FROM }).value).toBe(1);
});

test("`latest` is one place: what comes while it is away, before it ever read a record, is read", async () => {
  const { broker, foreign, start } = await ingressService([{ ...EVENTS, start: "latest" }]);
  foreign.create(FROM, 2);
  for (const partition of [0, 1]) foreign.write(FROM, written(eventOf(`old ${partition}`)), partition);
  const first = await start();
  await vi.waitFor(() => expect(foreign.progress.size).toBe(2));
  foreign.failures.push(new DistributionError("unavailable", "The broker is away."));
  foreign.write(FROM, written(eventOf("a")));
  await until(async () => idsOf(await logOf(broker, QUOTES.name)), ["a"]);
  await first.stop();
  foreign.write(FROM, written(eventOf("b")), 1);
  await start();
  await until(async () => idsOf(await logOf(broker, QUOTES.name)), ["a", "b"]);
});

test("a topic that is not there yet, and partitions that are added, are found", async () => {
  const { broker, foreign, timers, start } = await ingressService();
  const service = await start();
  const absent = `${FROM}: the broker has no such topic. Whoever writes to it has to create it, or ingress[0].from names another; it is looked for every 10 s.`;
  await vi.waitFor(() => expect(service.health.reasons()).toEqual([absent]));
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

test("where there is no place for its cursor, records come in and it says so", async () => {
  const { broker } = await prepare();
  const foreign = new MemoryForeign();
  foreign.create(FROM);
  foreign.write(FROM, written(eventOf("a")));
  let published = 0;
  const ingress = createIngress({
    ...{ service: "test", ingress: [EVENTS], topics: [QUOTES], broker: { ...broker, foreign } },
    ...{ runtime: systemRuntime, logger: createRecorder(), metrics: createMetrics(), onError: () => undefined },
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
  expect(ingress.troubles()).toContain(`${FROM}: where it is read to is kept by the group alone: No name is left.`);
  await ingress.stop();
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
