import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Router } from "express";
import { describe, expect, it, onTestFinished } from "vitest";
import { WebSocket } from "ws";
import { type Broker, partitionOf } from "../../src/brokers/index.ts";
import { DistributionError } from "../../src/errors.ts";
import { decodeEvent } from "../../src/events/index.ts";
import type { DistributionService } from "../../src/service.ts";
import { openEmbedded, until } from "../tail/support.ts";
import { event, prepare, publish, publishOn, QUOTES } from "./support.ts";

const QUOTES_OF_TWO = { ...QUOTES, partitions: 2 };
/** Keys by the partition that they are in. */
const [IN_FIRST, IN_SECOND] = [0, 1].map(
  (partition) => ["a", "b", "c"].find((key) => partitionOf(key, 2) === partition)!,
);

const ready = (service: DistributionService) => fetch(`http://127.0.0.1:${service.ports.admin}/readyz`);

async function connect(service: { readonly ports: Pick<DistributionService["ports"], "public"> }) {
  const socket = new WebSocket(`ws://127.0.0.1:${service.ports.public}/api/v1/stream`, "distribution.v1+json");
  onTestFinished(() => socket.terminate());
  // biome-ignore lint/suspicious/noExplicitAny: frames as a client without types sees them.
  const frames: any[] = [];
  let code: number | undefined;
  socket.on("message", (data) => frames.push(JSON.parse(String(data))));
  socket.on("close", (given) => {
    code = given;
  });
  await until(() => frames.length > 0);
  return { socket, frames, code: () => code, send: (frame: object) => socket.send(JSON.stringify(frame)) };
}

/** What the service told of its life: kind and payload. */
const lifeOf = async (service: DistributionService) => {
  const { events } = await service.queries.latest("test.distribution", [], undefined);
  return events.map(({ bytes }) => {
    const { type, data } = decodeEvent(bytes);
    return { kind: type.split(".")[2]!, ...JSON.parse(String(data)) };
  });
};

const taken = async (): Promise<{ server: Server; port: number }> => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return { server, port: (server.address() as AddressInfo).port };
};

const isFree = async (port: number): Promise<boolean> =>
  fetch(`http://127.0.0.1:${port}/`).then(
    () => false,
    () => true,
  );

describe("a service", () => {
  it("takes events and hands them to subscribers, on ports that it chose", async () => {
    const service = await (await prepare()).start();
    expect(new Set(Object.values(service.ports)).size).toBe(3);
    expect((await ready(service)).status).toBe(200);
    expect(service.metrics.render()).toContain("\ndistribution_ready 1\n");
    const client = await connect(service);
    client.send({ subscribe: { topics: [QUOTES.name] } });
    await until(() => client.frames.some(({ subscribed }) => subscribed));
    expect((await publish(service, event("1"))).status).toBe(201);
    await until(() => client.frames.some(({ events }) => events));
    expect(client.frames.find(({ events }) => events).events.events[0].data).toEqual({ id: "1" });
    const latest = await fetch(`http://127.0.0.1:${service.ports.public}/api/v1/topics/${QUOTES.name}/latest`);
    expect(await latest.text()).toContain('"id":"1"');
  });

  it("that is started before its broker waits for it, and says so on the admin port", async () => {
    const { server, port: adminPort } = await taken();
    await new Promise((resolve) => server.close(resolve));
    const open = await openEmbedded();
    let reasons = ["The broker is away."];
    const refuse = () => Promise.reject(new DistributionError("unavailable", "It is away."));
    const admin = new Proxy(open.admin, { get: (own, name) => (reasons.length > 0 ? refuse : Reflect.get(own, name)) });
    const broker: Broker = { ...open, admin, health: () => ({ ready: reasons.length === 0, reasons }) };
    const { start, log } = await prepare({ broker, listen: { port: 0, grpcPort: 0, adminPort } });
    const starting = start();
    await until(() =>
      log.lines.some(({ message }) =>
        message.includes("Waits for its broker, to start when it is there: The broker is away."),
      ),
    );
    const answer = await fetch(`http://127.0.0.1:${adminPort}/readyz`);
    expect([answer.status, await answer.text()]).toEqual([503, expect.stringContaining("The broker is away.")]);
    reasons = [];
    expect((await ready(await starting)).status).toBe(200);
    expect(
      log.lines.filter(({ message }) => message.includes("Waits for its broker")),
      "said once",
    ).toHaveLength(1);
  });

  it("tells of its own life on its own topic", async () => {
    const { start } = await prepare();
    const service = await start();
    const client = await connect(service);
    client.send({ subscribe: { topics: [QUOTES.name] } });
    await until(async () => (await lifeOf(service)).some(({ kind }) => kind === "subscription"));
    expect(await lifeOf(service)).toEqual(
      expect.arrayContaining([
        { kind: "status", state: "ready", reasons: [] },
        expect.objectContaining({ kind: "subscription", change: "subscribed", topics: [QUOTES.name] }),
      ]),
    );
    await publish(service, event("1", { sequence: "1" }), event("2", { sequence: "5" }));
    await until(async () => (await lifeOf(service)).some(({ kind }) => kind === "error"));
    expect((await lifeOf(service)).find(({ kind }) => kind === "error")).toMatchObject({
      part: `sequence/${QUOTES.name}`,
      message: "gap of /test at a: expected 2, got 5",
    });
  });

  it("lets nobody else tell of its life", async () => {
    const service = await (await prepare()).start();
    const data = { state: "stopped", reasons: ["forged"] };
    const forged = event("1", { type: "test.distribution.status.v1", partitionkey: "status", data });
    const answer = await publishOn("test.distribution", service, forged);
    expect([answer.status, await answer.json()]).toEqual([
      403,
      expect.objectContaining({ code: "forbidden", errors: [expect.objectContaining({ path: "topic" })] }),
    ]);
    await until(async () => (await lifeOf(service)).length > 0);
    expect(await lifeOf(service)).toContainEqual({ kind: "status", state: "ready", reasons: [] });
  });

  it("tells every ten seconds how it performs, of those ten seconds", async () => {
    const { start, timers } = await prepare();
    const service = await start();
    const names = Array.from({ length: 10 }, (_, at) => String(at));
    await publish(service, ...names.map((name) => event(name)));
    timers.fire(10_000);
    await until(async () => (await lifeOf(service)).some(({ kind }) => kind === "performance"));
    const told = async () => (await lifeOf(service)).find(({ kind }) => kind === "performance");
    const first = await told();
    expect(first).toMatchObject({ windowMs: 10_000, sessions: 0, subscriptions: 0, eventsDelivered: 0 });
    expect(first.eventsIn).toBeGreaterThanOrEqual(10);
    timers.fire(10_000);
    await until(async () => (await told()).eventsIn < 10);
  });

  it("starts degraded when a partition is refused, says which and why, lets the others flow, and says when it is well", async () => {
    let refused = true;
    const inner = await openEmbedded();
    await inner.admin.ensureTopic(QUOTES_OF_TWO);
    const old = [event("0", { partitionkey: IN_FIRST }), event("1", { partitionkey: IN_SECOND })];
    const before = await (await prepare({ broker: inner, topics: [QUOTES_OF_TWO] })).start();
    await publish(before, ...old);
    await before.stop();
    const read: typeof inner.read = (topic, partition, from) =>
      refused && topic === QUOTES.name && partition === 1
        ? Promise.reject(new DistributionError("record_damaged", "The partition is damaged."))
        : inner.read(topic, partition, from);
    const { start, timers } = await prepare({ broker: { ...inner, read }, topics: [QUOTES_OF_TWO] });
    const service = await start();
    const reasons = [`${QUOTES.name}/1: The partition is damaged.`];
    const answer = await ready(service);
    expect([answer.status, await answer.json()]).toEqual([200, { ready: true, reasons }]);
    expect(service.health.state).toBe("degraded");
    const known = async () => {
      const { events } = await service.queries.latest(QUOTES.name, [], undefined);
      return events.map(({ bytes }) => decodeEvent(bytes).id);
    };
    await publish(service, event("2", { partitionkey: IN_FIRST }));
    await until(async () => (await known()).includes("2"));
    expect(await known()).toEqual(["2"]);
    await until(async () => (await lifeOf(service)).length >= 2);
    expect(await lifeOf(service)).toEqual(
      expect.arrayContaining([
        { kind: "status", state: "degraded", reasons },
        { kind: "health", part: "tail", healthy: false, reasons },
      ]),
    );

    refused = false;
    await until(() => service.health.state === "ready");
    expect(await known()).toEqual(["1", "2"]);
    timers.fire(10_000);
    await until(async () => (await lifeOf(service)).some(({ state }) => state === "ready"));
    expect(await lifeOf(service)).toContainEqual({ kind: "health", part: "tail", healthy: true, reasons: [] });
  });

  it("answers on every port: an event stream, its documents, its status, its routes and its metrics", async () => {
    const { start } = await prepare({
      domain: () => ({ openApi: { paths: { "/own": { get: { summary: "Its own.", responses: {} } } } } as never }),
    });
    const { ports } = await start();
    const textOf = async (port: number, path: string) => (await fetch(`http://127.0.0.1:${port}${path}`)).text();
    expect(await textOf(ports.public, "/openapi.json")).toContain("/own");
    expect(JSON.parse(await textOf(ports.public, "/api/v1/status"))).toMatchObject({ state: "ready" });
    expect(JSON.parse(await textOf(ports.admin, "/admin/v1/routes"))).toBeDefined();
    expect(await textOf(ports.admin, "/metrics")).toContain("distribution_sessions");
    const giveUp = new AbortController();
    const stream = await fetch(`http://127.0.0.1:${ports.public}/api/v1/topics/${QUOTES.name}/events`, {
      headers: { accept: "text/event-stream" },
      signal: giveUp.signal,
    });
    expect(stream.headers.get("content-type")).toContain("text/event-stream");
    giveUp.abort();
  });

  it("offers what its domain adds", async () => {
    const { start } = await prepare({
      domain: ({ tail }) => ({
        router: Router().get("/own", (_, response) => void response.json({ partitions: tail.all.length })),
      }),
    });
    const service = await start();
    const response = await fetch(`http://127.0.0.1:${service.ports.public}/api/v1/own`);
    expect(await response.json()).toEqual({ partitions: 2 });
  });

  it("starts its upstream when it can take events, and stops it before it takes no more", async () => {
    const answers: number[] = [];
    const offer = async (port: number, id: string) => {
      const answer = await publish({ ports: { public: port } } as DistributionService, event(id));
      answers.push(answer.status);
    };
    let first: Promise<void> | undefined;
    const { start } = await prepare({
      upstream({ ports }) {
        first = offer(ports.public, "first");
        return { stop: () => offer(ports.public, "last") };
      },
    });
    const service = await start();
    await first;
    await service.stop();
    expect(answers).toEqual([201, 201]);
  });

  it("stops, and says why, where its upstream does not stop as it should", async () => {
    const { start, log, readers } = await prepare({
      upstream: () => ({ stop: () => Promise.reject(new Error("It hangs.")) }),
    });
    await (await start()).stop();
    expect(readers()).toBe(0);
    expect(log.lines.filter(({ level }) => level === "error")).toHaveLength(1);
  });
});

describe("a service that stops", () => {
  it("tells its clients to come back, closes them, and lets go of everything but the broker", async () => {
    const { start, readers, timers, log, broker } = await prepare({ reconnectWithinMs: 1_234 });
    const service = await start();
    const client = await connect(service);
    client.send({ subscribe: { topics: [QUOTES.name] } });
    await until(() => client.frames.some(({ subscribed }) => subscribed));
    await service.stop();
    expect(service.metrics.render()).toContain("\ndistribution_ready 0\n");
    await until(() => client.code() !== undefined);
    expect(client.frames.at(-1)).toEqual({ draining: { reconnectWithinMs: 1_234 } });
    expect(client.code()).toBe(3001);
    expect([await isFree(service.ports.public), await isFree(service.ports.admin)]).toEqual([true, true]);
    expect([readers(), timers.active(), service.health.state]).toEqual([0, 0, "stopped"]);
    expect(broker.health().ready).toBe(true);
    expect(log.lines.filter(({ level }) => level === "warn" || level === "error")).toEqual([]);
  });

  it("stops once, however often it is told to", async () => {
    const service = await (await prepare()).start();
    const first = service.stop();
    expect(service.stop()).toBe(first);
    await first;
    expect(service.stop()).toBe(first);
  });

  it("has everything that it acknowledged in the log, and is there again on the same data", async () => {
    const { start } = await prepare();
    const service = await start();
    await publish(service, event("1"));
    await service.stop();
    const again = await start();
    const { events } = await again.queries.latest(QUOTES.name, [], undefined);
    expect(events.map(({ bytes }) => decodeEvent(bytes).id)).toEqual(["1"]);
  });
});

describe("a service that cannot start", () => {
  const failures: readonly (readonly [string, () => Promise<Parameters<typeof prepare>[0]>, string])[] = [
    [
      "its public port is in use",
      async () => ({ listen: { port: (await taken()).port, grpcPort: 0, adminPort: 0 } }),
      "unavailable",
    ],
    [
      "its gRPC port is in use",
      async () => ({ listen: { port: 0, grpcPort: (await taken()).port, adminPort: 0 } }),
      "unavailable",
    ],
    [
      "its admin port is in use",
      async () => ({ listen: { port: 0, grpcPort: 0, adminPort: (await taken()).port } }),
      "unavailable",
    ],
    [
      "its domain refuses",
      async () => ({
        domain: () => {
          throw new DistributionError("invalid_request", "The domain's settings are wrong.");
        },
      }),
      "invalid_request",
    ],
    [
      "its upstream fails to start",
      async () => ({
        upstream() {
          throw new TypeError("a defect");
        },
      }),
      "internal",
    ],
  ];

  it.each(failures)("because %s says so and leaves nothing open", async (_, options, code) => {
    const { start, readers, timers, broker } = await prepare(await options());
    await expect(start()).rejects.toMatchObject({ code });
    expect([readers(), timers.active()]).toEqual([0, 0]);
    expect(broker.health().ready).toBe(true);
  });

  it.each(["test.distribution", "test.cursors"])("because a route leads to %s names the route", async (own) => {
    const routes = [{ name: "audit", when: { topics: [QUOTES.name] }, to: [QUOTES.name, own] }];
    const { start, readers, timers } = await prepare({ routes });
    await expect(start()).rejects.toThrow(/^routes\[0\]\.to\[1\]: Route audit/);
    expect([readers(), timers.active()]).toEqual([0, 0]);
  });

  it.each(["test.distribution", "test.cursors"])("because it has a topic %s of its own says so", async (own) => {
    const { start } = await prepare({ topics: [QUOTES, { ...QUOTES, name: own }] });
    await expect(start()).rejects.toThrow(`topics[1].name: ${own} is taken.`);
  });

  it("tells the clients that came meanwhile to come back", async () => {
    const { server, port } = await taken();
    await new Promise((resolve) => server.close(resolve));
    let client: Awaited<ReturnType<typeof connect>> | undefined;
    const upstream = async () => {
      client = await connect({ ports: { public: port } });
      throw new TypeError("a defect");
    };
    const { start } = await prepare({ upstream, listen: { port, grpcPort: 0, adminPort: 0 } });
    await expect(start()).rejects.toMatchObject({ code: "internal" });
    await until(() => client?.code() !== undefined);
    expect([client?.frames.at(-1), client?.code()]).toEqual([{ draining: { reconnectWithinMs: 5_000 } }, 3001]);
  });

  it("names the port that is in use", async () => {
    const { port } = await taken();
    const { start } = await prepare({ listen: { port, grpcPort: 0, adminPort: 0 } });
    await expect(start()).rejects.toThrow(`The public port 127.0.0.1:${port} is in use`);
  });

  it("because its address is not this machine's says that the port cannot be opened", async () => {
    const { start } = await prepare({ listen: { host: "192.0.2.1", port: 0, grpcPort: 0, adminPort: 0 } });
    await expect(start()).rejects.toThrow("cannot be opened");
  });

  it("can be started once the reason is gone", async () => {
    const { server, port } = await taken();
    const { start, options } = await prepare({ listen: { port, grpcPort: 0, adminPort: 0 } });
    await expect(start()).rejects.toMatchObject({ code: "unavailable" });
    await new Promise((resolve) => server.close(resolve));
    expect((await ready(await start())).status).toBe(200);
    expect(options.listen.port).toBe(port);
  });

  it("because its secret is too short says so before it opens anything", async () => {
    const { start, timers } = await prepare({ secret: new Uint8Array(31) });
    await expect(start()).rejects.toMatchObject({ code: "invalid_request" });
    expect(timers.active()).toBe(0);
  });
});
