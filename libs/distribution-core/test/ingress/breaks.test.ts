/** A log of others, or what is known of it, that does not go on where it was read to, through a whole service. */
import { logOf } from "@distribution/testkit/broker";
import { expect, test, vi } from "vitest";
import { QUOTES } from "../service/support.ts";
import { EVENTS, eventOf, FROM, idsOf, ingressService, until, written } from "./support.ts";

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

test.each([
  ["created again", "earliest", ["a", "b", "new"]],
  ["created again", "latest", ["a", "b", "later"]],
  ["cut back", "earliest", ["a", "b", "new"]],
  ["cut back", "latest", ["a", "b", "later"]],
] as const)("a log that was %s goes on at its %s, and it is told", async (what, reset, expected) => {
  const { broker, foreign, start } = await ingressService([{ ...EVENTS, reset }]);
  foreign.create(FROM);
  for (const id of ["a", "b"]) foreign.write(FROM, written(eventOf(id)));
  const service = await start();
  await until(async () => idsOf(await logOf(broker, QUOTES.name)), ["a", "b"]);
  // Its reader must not see the new ones before it is told that the log is another.
  if (what === "cut back") foreign.cut(FROM, 2);
  else foreign.cut(FROM, 2, "e2");
  if (reset === "earliest") foreign.write(FROM, written(eventOf("new")));
  const broken = service.metrics.counter("distribution_ingress_breaks_total", { topic: FROM, reason: "reset" });
  await vi.waitFor(() => expect(broken.value).toBe(1));
  foreign.write(FROM, written(eventOf(reset === "earliest" ? "last" : "later")));
  await until(
    async () => idsOf(await logOf(broker, QUOTES.name)),
    reset === "earliest" ? [...expected, "last"] : [...expected],
  );
  expect(service.health.reasons()).toEqual([expect.stringMatching(/created again or cut back. It goes on/)]);
  await vi.waitFor(async () => {
    const told = (await logOf(broker, "test.distribution")).filter(({ type }) => type.endsWith(".error.v1"));
    expect(told.map(({ key }) => key)).toEqual([`error/ingress/${FROM}/0`]);
  });
});

test("a group whose progress the broker lost goes on from the service's own log", async () => {
  const { broker, foreign, log, start } = await ingressService();
  foreign.create(FROM);
  for (const id of ["a", "b"]) foreign.write(FROM, written(eventOf(id)));
  const first = await start();
  await until(async () => idsOf(await logOf(broker, QUOTES.name)), ["a", "b"]);
  await first.stop();
  foreign.progress.clear();
  foreign.write(FROM, written(eventOf("c")));
  const again = await start();
  await until(async () => idsOf(await logOf(broker, QUOTES.name)), ["a", "b", "c"]);
  expect(again.metrics.counter("distribution_ingress_records_total", { topic: FROM }).value).toBe(1);
  expect(log.lines.map(({ message }) => message)).toContainEqual(expect.stringContaining("progress is gone"));
});
