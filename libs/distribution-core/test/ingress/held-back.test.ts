/** What of others' topics is refused for now, through a whole service. */
import { logOf } from "@distribution/testkit/broker";
import { expect, test, vi } from "vitest";
import { DistributionError, type ErrorCode } from "../../src/errors.ts";
import { packEvents } from "../../src/events/index.ts";
import { QUOTES } from "../service/support.ts";
import { EVENTS, eventOf, FROM, idsIn, idsOf, ingressService, lettersOf, until, written } from "./support.ts";

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

test("on a quiet topic it says no longer that it is held back than it is", async () => {
  const { foreign, start } = await ingressService();
  foreign.create(FROM);
  foreign.failures.push(new DistributionError("unavailable", "The broker is away."));
  const service = await start();
  await vi.waitFor(() => expect(service.health.reasons()).toEqual([`${FROM}/0: The broker is away.`]));
  await vi.waitFor(() => expect(service.health.reasons()).toEqual([]));
});

test("a partition that waits for something holds up no other one", async () => {
  const gate = Promise.withResolvers<void>();
  const { broker, foreign, start } = await ingressService([EVENTS], {}, async (real, writes) => {
    if (writes.some(({ batch }) => idsIn(batch).includes("same"))) await gate.promise;
    return real.append(writes);
  });
  const service = await start();
  const others = service.ingest.publish(QUOTES.name, packEvents([eventOf("same")]), {
    ...{ subject: "somebody", attributes: {} },
  });
  foreign.create(FROM, 2);
  // It is a repeat or not: that is not known before the other publish is settled.
  foreign.write(FROM, written(eventOf("same")));
  await vi.waitFor(() => expect(service.ingest.inFlight().batches).toBe(2));
  foreign.write(FROM, written(eventOf("free")), 1);
  await until(async () => idsOf(await logOf(broker, QUOTES.name)), ["free"]);
  gate.resolve();
  await others;
  await until(async () => idsOf(await logOf(broker, QUOTES.name)), ["free", "same"]);
});
