import { describe, expect, it } from "vitest";
import { DistributionError } from "../../../src/errors.ts";
import type { Guard } from "../../../src/security/index.ts";
import { OTHER, openBench } from "./support.ts";

const HEARTBEAT = 4_000;
const LIMITS = { heartbeatMs: HEARTBEAT };

describe("heartbeats", () => {
  it("come when nothing else was sent for an interval", async () => {
    const bench = await openBench({ limits: LIMITS });
    const client = bench.connect();
    await client.came("welcome");
    await bench.pass(HEARTBEAT - 100);
    expect(client.all("pong")).toEqual([]);
    await bench.pass(200);
    expect(client.all("pong")).toHaveLength(1);
    expect(BigInt(client.all("pong")[0].time)).toBeGreaterThan(0n);
  });

  it("do not come while other frames do", async () => {
    const bench = await openBench({ limits: LIMITS });
    const client = bench.connect();
    await client.subscribe({ topics: [OTHER.name] });
    for (let count = 0; count < 8; count += 1) {
      await bench.publish(OTHER.name, `${count}:a`);
      await client.received(count + 1);
      await bench.pass(HEARTBEAT / 2);
      client.peer.heard();
    }
    expect(client.all("pong")).toEqual([]);
  });

  it.each(["json", "proto"] as const)("reach clients that speak %s", async (format) => {
    const bench = await openBench({ limits: LIMITS });
    const client = bench.connect({ format });
    await bench.pass(HEARTBEAT + 100);
    expect(client.all("pong")).toHaveLength(1);
  });
});

describe("a client that is silent", () => {
  it("for two intervals is closed as silent; one below, it is not", async () => {
    const bench = await openBench({ limits: LIMITS });
    const client = bench.connect();
    await bench.pass(2 * HEARTBEAT);
    expect([client.closes, client.destroyed]).toEqual([[], false]);
    await bench.pass(HEARTBEAT / 4);
    expect(client.closes.map(({ code }) => code)).toEqual([3012]);
    expect(client.destroyed).toBe(true);
    expect(bench.engine.sessions.size).toBe(0);
    expect(bench.metrics.render()).toContain('distribution_session_closed_total{code="silent"} 1');
  });

  it.each(["a frame", "a sign of life on the wire"])("is not while %s comes now and then", async (what) => {
    const bench = await openBench({ limits: LIMITS });
    const client = bench.connect();
    for (let count = 0; count < 6; count += 1) {
      await bench.pass(HEARTBEAT);
      if (what === "a frame") client.send({ ping: {} });
      else client.peer.heard();
    }
    expect(client.closes).toEqual([]);
  });

  it("cannot be told from any other over SSE, and is kept", async () => {
    const bench = await openBench({ limits: LIMITS });
    const client = bench.connect({ wire: "sse" });
    await bench.pass(10 * HEARTBEAT);
    expect(client.closes).toEqual([]);
    expect(client.all("pong").length).toBeGreaterThan(5);
  });
});

describe("a service that goes down", () => {
  it("tells every session at once to reconnect within the time, and takes no new one", async () => {
    const bench = await openBench();
    const clients = [bench.connect(), bench.connect({ format: "proto" })];
    bench.engine.sessions.drain(3_000);
    for (const client of clients) expect(client.all("draining")).toEqual([{ reconnectWithinMs: 3_000 }]);
    expect(() => bench.connect()).toThrow(expect.objectContaining({ code: "draining" }));
  });

  it("lets go of its sessions when it closes", async () => {
    const bench = await openBench();
    const client = bench.connect();
    await client.subscribe({ topics: [OTHER.name] });
    await bench.close();
    expect([bench.engine.sessions.size, bench.engine.registry.classes]).toEqual([0, 0]);
    await bench.runtime.run(100_000);
    expect(client.all("pong")).toEqual([]);
  });
});

describe("who may connect", () => {
  it("is as many as there is room for, and another when one has gone", async () => {
    const bench = await openBench({ limits: { maxSessions: 2 } });
    const first = bench.connect();
    bench.connect();
    expect(() => bench.connect()).toThrow(expect.objectContaining({ code: "too_many_connections" }));
    expect(bench.engine.sessions.size).toBe(2);
    first.peer.closed();
    bench.connect();
    expect(bench.engine.sessions.size).toBe(2);
  });

  it("is nobody but loopback unless there is a guard that knows better", async () => {
    const bench = await openBench();
    expect(() => bench.connect({ loopback: false })).toThrow(expect.objectContaining({ code: "unauthenticated" }));
    expect(bench.engine.sessions.size).toBe(0);
  });

  it("is for the guard to say", async () => {
    const guard: Guard = {
      identify: () => ({ subject: "visitor", attributes: {} }),
      authorize(_, { kind }) {
        if (kind === "connect") throw new DistributionError("forbidden", "Not today.");
      },
    };
    const bench = await openBench({ guard });
    expect(() => bench.connect()).toThrow(expect.objectContaining({ code: "forbidden" }));
    expect(bench.engine.sessions.size).toBe(0);
  });
});

describe("what sessions tell of themselves", () => {
  it("is how many there are on each wire, how many subscriptions, and what was handed to them", async () => {
    const bench = await openBench();
    const client = bench.connect();
    const sse = bench.connect({ wire: "sse" });
    await client.subscribe({ topics: [OTHER.name] });
    await sse.subscribe({ topics: [OTHER.name] });
    await bench.publish(OTHER.name, "1:a", "2:a");
    await Promise.all([client.received(2), sse.received(2)]);
    const text = bench.metrics.render();
    expect(text).toContain('distribution_sessions{wire="websocket"} 1');
    expect(text).toContain('distribution_sessions{wire="sse"} 1');
    expect(text).toContain('distribution_sessions{wire="grpc"} 0');
    expect(text).toContain("distribution_subscriptions 2");
    expect(text).toContain('distribution_delivered_events_total{wire="websocket"} 2');
    expect(text).toMatch(/distribution_delivered_bytes_total\{wire="sse"\} [1-9]/);
    expect(bench.engine.sessions.delivered).toBe(4);
  });

  it("gives every frame over SSE a token, as each is a place to come back to", async () => {
    const bench = await openBench();
    const sse = bench.connect({ wire: "sse" });
    await sse.subscribe({ topics: [OTHER.name] });
    for (const id of ["1", "2", "3"]) {
      await bench.publish(OTHER.name, `${id}:a`);
      await sse.received(Number(id));
    }
    expect(sse.all("events").every(({ token }) => token)).toBe(true);
  });
});
