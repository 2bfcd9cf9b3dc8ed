import { describe, expect, it } from "vitest";
import { DistributionError } from "../../../src/errors.ts";
import type { Guard } from "../../../src/security/index.ts";
import { openBench, QUOTES } from "./support.ts";

const cloudEvent = (id: string, more = {}) => ({
  specversion: "1.0",
  ...{ id, source: "/test", type: "test.event.v1", partitionkey: "a", data: { id } },
  ...more,
});

describe.each(["json", "proto"] as const)("a session that speaks %s", (format) => {
  it("is welcomed with its name, its limits and who it is taken for", async () => {
    const bench = await openBench({ limits: { heartbeatMs: 5_000 } });
    const client = bench.connect({ format });
    const [welcome] = await client.came("welcome");
    expect(welcome).toMatchObject({
      ...{ service: "test", heartbeatMs: 5_000, identity: "anonymous" },
      limits: { maxFrameBytes: 2 ** 20, maxEventBytes: 2 ** 20, maxSubscriptions: 1_000, maxWindow: 10_000 },
    });
    const [other] = await bench.connect({ format }).came("welcome");
    expect(other.session).not.toBe(welcome.session);
  });

  it("subscribes and receives", async () => {
    const bench = await openBench();
    const client = bench.connect({ format });
    const { subscription, channel } = await client.subscribe({ topics: [QUOTES.name] });
    await bench.publish(QUOTES.name, "1:a");
    expect(await client.received(1, channel)).toEqual(["1"]);
    expect(await client.request({ unsubscribe: { subscription } })).toEqual({ unsubscribed: { subscription } });
    expect(bench.engine.registry.classes).toBe(0);
  });
});

describe("a session", () => {
  it("answers ping with the client's time, all digits of it", async () => {
    const client = (await openBench()).connect();
    expect(await client.request({ ping: { time: "9223372036854775807" } })).toEqual({
      pong: { time: "9223372036854775807" },
    });
  });

  it("writes what has come up in one turn in one go", async () => {
    const bench = await openBench();
    const client = bench.connect();
    await client.came("welcome");
    for (const ref of ["a", "b", "c"]) client.send({ ref, ping: {} });
    await client.came("pong", 3);
    expect(client.writes).toEqual([1, 3]);
  });

  it("publishes, and answers with positions that history knows", async () => {
    const bench = await openBench();
    const client = bench.connect();
    const events = [cloudEvent("1"), cloudEvent("2")];
    const { published } = await client.request({ publish: { topic: QUOTES.name, events } });
    expect(published.duplicates).toBe(0);
    const again = await client.request({ publish: { topic: QUOTES.name, events } });
    expect(again.published).toEqual({ positions: published.positions, duplicates: 2 });
    const seen: unknown[] = [];
    for await (const list of bench.engine.queries.history({ topic: QUOTES.name, from: { at: "earliest" }, keys: [] }))
      seen.push(...list.map(({ position }) => position));
    expect(seen).toEqual(published.positions);
  });

  it("tells the publisher which event was refused and why", async () => {
    const client = (await openBench()).connect();
    const publish = (topic: string, ...events: unknown[]) => client.refusal({ publish: { topic, events } });
    expect(await publish(QUOTES.name)).toEqual(["invalid_request", "publish.events"]);
    expect((await publish("test.unknown", cloudEvent("1")))[0]).toBe("unknown_topic");
    const key = "k".repeat(300);
    const [code, path] = await publish(QUOTES.name, cloudEvent("1"), cloudEvent("2", { partitionkey: key }));
    expect([code, path?.includes("[1]")]).toEqual(["invalid_event", true]);
  });

  it.each(["unsubscribe", "update", "ack", "nack", "credit", "requestLedger"])(
    "refuses %s of a subscription that it does not have",
    async (kind) => {
      const client = (await openBench()).connect();
      const { error } = await client.request({ [kind]: { subscription: 7 } });
      expect(error).toMatchObject({ code: "unknown_subscription", retryable: false });
      expect(error.errors[0].path).toBe(`${kind}.subscription`);
      expect(client.closes).toEqual([]);
    },
  );

  it("cannot touch the subscription of another session", async () => {
    const bench = await openBench();
    const { subscription } = await bench.connect().subscribe({ topics: [QUOTES.name] });
    expect(await bench.connect().refusal({ unsubscribe: { subscription } })).toEqual([
      "unknown_subscription",
      "unsubscribe.subscription",
    ]);
  });

  it("no longer knows a subscription that has ended", async () => {
    const client = (await openBench()).connect();
    const { subscription } = await client.subscribe({ topics: [QUOTES.name] });
    await client.request({ unsubscribe: { subscription } });
    expect((await client.refusal({ unsubscribe: { subscription } }))[0]).toBe("unknown_subscription");
  });

  it("goes on after a frame with a wrong field", async () => {
    const client = (await openBench()).connect();
    expect(await client.refusal({ subscribe: { topics: [QUOTES.name], form: 1 } })).toEqual([
      "invalid_request",
      "subscribe.form",
    ]);
    expect(client.closes).toEqual([]);
    expect(await client.request({ ping: {} })).toHaveProperty("pong");
  });

  it.each([
    ["text that is no JSON", "{", ""],
    ["a frame of no kind", '{"ref":"x"}', "x"],
    ["a frame of two kinds", '{"ref":"x","ping":{},"ack":{}}', "x"],
  ])("is told and closed after %s", async (_, text, ref) => {
    const bench = await openBench();
    const client = bench.connect();
    client.send(text);
    const [error] = await client.came("error");
    expect(error.code).toBe("bad_frame");
    expect(client.frames.find((frame) => frame.error)?.ref ?? "").toBe(ref);
    expect(client.closes.map(({ code }) => code)).toEqual([3501]);
    expect(bench.metrics.render()).toContain('distribution_session_closed_total{code="bad_frame"} 1');
  });

  it("that was closed reads no more frames and is told nothing more, though its connection takes time to close", async () => {
    const bench = await openBench();
    const client = bench.connect();
    await client.subscribe({ topics: [QUOTES.name] });
    client.send("{");
    await client.came("error");
    const { length } = client.frames;
    client.send("{");
    client.send({ ping: {} });
    await bench.publish(QUOTES.name, "1:a");
    await bench.pass(1_000);
    expect(client.frames).toHaveLength(length);
    expect(client.closes).toHaveLength(1);
    expect([bench.engine.sessions.size, bench.engine.registry.classes]).toEqual([0, 0]);
  });

  it("lets go of everything when its connection is gone", async () => {
    const bench = await openBench();
    const client = bench.connect();
    await client.subscribe({ topics: [QUOTES.name] });
    expect([bench.engine.sessions.size, bench.engine.sessions.subscriptions]).toEqual([1, 1]);
    client.peer.closed();
    client.peer.closed();
    client.send({ ping: {} });
    client.peer.drained();
    expect([bench.engine.sessions.size, bench.engine.registry.classes]).toEqual([0, 0]);
  });

  it("that ends while a subscribe is on its way leaves nothing behind", async () => {
    const bench = await openBench();
    const client = bench.connect();
    client.send({ subscribe: { topics: [QUOTES.name], name: "desk", from: { earliest: true } } });
    client.peer.closed();
    await bench.until(() => bench.engine.registry.classes === 0);
    expect(await bench.connect().subscribe({ topics: [QUOTES.name], name: "desk" })).toHaveProperty("channel");
  });
});

describe("authenticate", () => {
  const guard: Guard = {
    identify({ token, loopback }) {
      if (token === "wrong") throw new DistributionError("unauthenticated", "The token is not known.");
      return { subject: token ?? (loopback ? "local" : "stranger"), attributes: {} };
    },
    authorize({ subject }, action) {
      if (action.kind === "subscribe" && subject === "local") {
        throw new DistributionError("forbidden", `${subject} may not subscribe to ${action.topic}.`);
      }
    },
  };

  it("makes the session somebody else, with that one's permissions", async () => {
    const client = (await openBench({ guard })).connect();
    expect((await client.refusal({ subscribe: { topics: [QUOTES.name] } }))[0]).toBe("forbidden");
    const { welcome } = await client.request({ authenticate: { token: "desk" } });
    expect(welcome.identity).toBe("desk");
    expect(await client.subscribe({ topics: [QUOTES.name] })).toHaveProperty("channel");
  });

  it("with a wrong token is refused, and the session stays who it was", async () => {
    const client = (await openBench({ guard })).connect();
    await client.request({ authenticate: { token: "desk" } });
    expect((await client.refusal({ authenticate: { token: "wrong" } }))[0]).toBe("unauthenticated");
    expect(await client.subscribe({ topics: [QUOTES.name] })).toHaveProperty("channel");
    expect(client.closes).toEqual([]);
  });
});
