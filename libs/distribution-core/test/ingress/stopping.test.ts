/** A service that goes down while it reads topics of others. */
import { once } from "node:events";
import { logOf } from "@distribution/testkit/broker";
import { expect, onTestFinished, test, vi } from "vitest";
import { WebSocket } from "ws";
import type { ForeignMember } from "../../src/brokers/contract.ts";
import { QUOTES } from "../service/support.ts";
import { EVENTS, eventOf, FROM, hasty, idsOf, ingressService, written } from "./support.ts";

test("it stops though the broker does not answer", async () => {
  const { foreign, start } = await ingressService();
  foreign.partitions = () => new Promise(() => undefined);
  const service = await start();
  await service.stop();
  expect(service.health.state).toBe("stopped");
});

test("its clients are told at once, while ingress finishes what it is publishing and settles it", async () => {
  const gate = Promise.withResolvers<void>();
  let appending = false;
  const { broker, foreign, start } = await ingressService([EVENTS], {}, async (real, writes) => {
    if (writes[0]?.topic === QUOTES.name) {
      appending = true;
      await gate.promise;
    }
    return real.append(writes);
  });
  foreign.create(FROM);
  foreign.write(FROM, written(eventOf("a")));
  const service = await start();
  await vi.waitFor(() => expect(appending).toBe(true));
  const client = new WebSocket(`ws://127.0.0.1:${service.ports.public}/api/v1/stream`, "distribution.v1+json");
  onTestFinished(() => client.terminate());
  await once(client, "message");
  const told = once(client, "message");
  const stopped = service.stop();
  expect(JSON.parse(String((await told)[0]))).toEqual({ draining: { reconnectWithinMs: 5_000 } });
  expect(foreign.progress.get(`${FROM}/0`)).toMatchObject({ offset: "0", note: expect.stringMatching(/^begun 1 /) });
  gate.resolve();
  await stopped;
  expect(idsOf(await logOf(broker, QUOTES.name))).toEqual(["a"]);
  expect(foreign.progress.get(`${FROM}/0`)).toMatchObject({ offset: "1", note: "" });
});

test("it goes down without an ingress that does not come to an end, and says so", async () => {
  const { foreign, log, start } = await ingressService([EVENTS], { runtime: hasty() });
  foreign.create(FROM);
  const member: ForeignMember = { close: () => new Promise(() => undefined) };
  foreign.join = async () => member;
  const service = await start();
  await service.stop();
  expect(service.health.state).toBe("stopped");
  expect(log.lines.filter(({ level }) => level === "warn").map(({ message, fields }) => [message, fields])).toEqual([
    [expect.stringContaining("is not durable yet, and is not waited for"), { withinMs: 7_000 }],
  ]);
});

test("it goes down over an ingress that fails to, and says so", async () => {
  const { foreign, log, readers, start } = await ingressService();
  const member: ForeignMember = { close: () => Promise.reject(new Error("It is gone.")) };
  foreign.join = async () => member;
  await (await start()).stop();
  expect(readers()).toBe(0);
  expect(log.lines.filter(({ level }) => level === "error").map(({ message }) => message)).toEqual([
    expect.stringContaining("Ingress did not stop as it should"),
  ]);
});
