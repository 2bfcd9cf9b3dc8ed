/** What of others' topics is no event, or is refused for good, through a whole service. */
import { logOf } from "@distribution/testkit/broker";
import { expect, test } from "vitest";
import { DistributionError } from "../../src/errors.ts";
import type { RecordMapping } from "../../src/ingress/index.ts";
import { QUOTES } from "../service/support.ts";
import type { Written } from "./foreign.ts";
import { EVENTS, eventOf, FROM, hasty, idsIn, idsOf, ingressService, lettersOf, until, written } from "./support.ts";

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
  const labels = { topic: FROM, code: "invalid_event" };
  expect(service.metrics.counter("distribution_ingress_dead_letters_total", labels).value).toBe(1);
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

test("what the broker cannot take apart becomes a dead letter with its bytes, and the rest goes on", async () => {
  const { broker, foreign, start } = await ingressService();
  foreign.create(FROM);
  foreign.write(FROM, { value: "packed", damage: "It unpacks to more than maxDecompressedBytes, 64." });
  foreign.write(FROM, written(eventOf("a")));
  await start();
  await until(async () => idsOf(await logOf(broker, QUOTES.name)), ["a"]);
  expect((await lettersOf(broker)).map(({ letter }) => letter)).toMatchObject([
    { code: "record_damaged", message: "It unpacks to more than maxDecompressedBytes, 64.", value: btoa("packed") },
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

test("what a rule fails on by a defect is given up after some tries: it holds back nobody for ever", async () => {
  const runtime = hasty();
  let tries = 0;
  const form: RecordMapping = ({ value }) => eventOf(Buffer.from(value!).toString());
  const { broker, foreign, start } = await ingressService([{ ...EVENTS, form }], { runtime }, (real, writes) => {
    const ids = writes.flatMap(({ batch }) => idsIn(batch));
    if (writes[0]?.topic !== QUOTES.name || !ids.includes("poison")) return real.append(writes);
    tries += 1;
    throw new TypeError("The rule stumbles.");
  });
  foreign.create(FROM);
  const ids = ["a", "b", "poison", "c", "d"];
  for (const value of ids) foreign.write(FROM, { value });
  const service = await start();
  await until(async () => idsOf(await logOf(broker, QUOTES.name)), ["a", "b", "c", "d"]);
  expect(tries).toBeGreaterThan(5);
  expect(tries).toBeLessThan(20);
  const letters = await lettersOf(broker);
  expect(letters.map(({ letter }) => letter)).toMatchObject([
    { code: "internal", message: expect.stringContaining("The rule stumbles.") as unknown, value: btoa("poison") },
  ]);
  const labels = { topic: FROM, code: "internal" };
  expect(service.metrics.counter("distribution_ingress_dead_letters_total", labels).value).toBe(1);
  expect(service.health.reasons()).toEqual([expect.stringContaining("dead letters by a defect of the service")]);
});
