import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Client, connect, type Gap } from "../src/index.ts";
import { eventually, type Note, nextState, numbers, pause, range, take } from "./support/consuming.ts";
import { type FaultProxy, startFaultProxy } from "./support/fault-proxy.ts";
import { NOTES, QUOTES, startService, type TestService } from "./support/service.ts";

const HEARTBEAT_MS = 400;
const reconnect = { minDelayMs: 10, maxDelayMs: 50 };

let service: TestService;
let proxy: FaultProxy;
let client: Client;
beforeEach(async () => {
  service = await startService({ heartbeatMs: HEARTBEAT_MS });
  proxy = await startFaultProxy(service.url);
  client = connect({ url: proxy.url, reconnect });
});
afterEach(async () => {
  await client.close();
  await proxy[Symbol.asyncDispose]();
  await service[Symbol.asyncDispose]();
});

/** Breaks the connection and waits until there is another one. */
async function cut(): Promise<void> {
  const open = nextState(client, "open");
  proxy.cut();
  await open;
}

describe("after a lost connection", () => {
  it.each([
    ["at most once", undefined],
    ["at least once", { level: "at-least-once" } as const],
  ])("a subscription %s goes on with nothing lost and nothing twice", async (_name, profile) => {
    const subscription = client.subscribe<Note>({ topics: QUOTES, ...(profile && { profile }) });
    const gaps: Gap[] = [];
    subscription.on("gap", (gap) => gaps.push(gap));
    await subscription.ready;
    const got: string[] = [];
    const order = new Map<string, number[]>();
    subscription.onEvents(async (events) => {
      await pause(1);
      for (const { id, key, data } of events) {
        got.push(id);
        order.set(key, [...(order.get(key) ?? []), data.n]);
      }
    });
    for (let round = 0; round < 10; round += 1) {
      await service.publish(QUOTES, round * 100, 100, (n) => `key-${n % 7}`);
      await pause(5);
      await cut();
    }
    await eventually(() => got.length).toBe(1_000);
    await pause(50);
    expect(new Set(got).size).toBe(1_000);
    expect(got.length).toBe(1_000);
    for (const list of order.values()) expect(list).toEqual([...list].sort((a, b) => a - b));
    expect(gaps).toEqual([]);
  });

  it("what was delivered and not acknowledged is not delivered twice to the same consumer, and its answer counts", async () => {
    const subscription = client.subscribe<Note>({
      topics: NOTES,
      name: "desk",
      ack: "manual",
      profile: { level: "at-least-once", window: 100 },
    });
    await subscription.ready;
    await service.publish(NOTES, 0, 6);
    const events = [];
    for await (const event of subscription) {
      events.push(event);
      if (events.length === 4) break;
    }
    // Out of order: 1 and 3 are done with, 0 and 2 are in the consumer's hands, 4 and 5 wait.
    subscription.ack([events[1]!, events[3]!]);
    const resumed = new Promise((resolve) => subscription.on("started", resolve));
    await cut();
    expect(await resumed).toMatchObject({ resumed: true, recovered: true });
    await service.publish(NOTES, 6, 1);
    expect(numbers(await take(subscription, 3))).toEqual([4, 5, 6]);
    subscription.ack(events);
    await subscription.close();
    // 4 and 5 were taken and not acknowledged; 6 was.
    const next = client.subscribe<Note>({ topics: NOTES, name: "desk", profile: { level: "at-least-once" } });
    expect(numbers(await take(next, 1))).toEqual([4]);
  });

  it("a name stands for what the consumer is done with, also where no level is asked for", async () => {
    const before = client.subscribe<Note>({ topics: NOTES, name: "plain" });
    await before.ready;
    await service.publish(NOTES, 0, 200);
    expect(numbers(await take(before, 10))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    await before.close();
    const next = client.subscribe<Note>({ topics: NOTES, name: "plain" });
    const [first] = numbers(await take(next, 1));
    expect(first).toBeGreaterThanOrEqual(9);
    expect(first).toBeLessThanOrEqual(10);
  });

  it("what the consumer refused before comes again", async () => {
    const subscription = client.subscribe<Note>({ topics: NOTES, ack: "manual", profile: { level: "at-least-once" } });
    await subscription.ready;
    await service.publish(NOTES, 0, 1);
    for await (const event of subscription) {
      event.nack(60_000);
      break;
    }
    await cut();
    expect(numbers(await take(subscription, 1))).toEqual([0]);
  });

  it("a subscription stays paused, and goes on from its place when it is resumed", async () => {
    const subscription = client.subscribe<Note>({ topics: NOTES });
    await subscription.ready;
    await subscription.pause();
    const started = new Promise((resolve) => subscription.on("started", resolve));
    await cut();
    await started;
    await service.publish(NOTES, 0, 3);
    await pause(30);
    expect([subscription.state, subscription.buffered]).toEqual(["paused", 0]);
    await subscription.resume();
    expect(numbers(await take(subscription, 3))).toEqual(range(0, 3));
  });

  it("a changed filter is kept", async () => {
    const subscription = client.subscribe<Note>({ topics: NOTES });
    await subscription.ready;
    await subscription.update({ filter: "data.n >= 2" });
    await cut();
    await service.publish(NOTES, 0, 4);
    expect(numbers(await take(subscription, 2))).toEqual([2, 3]);
  });

  it("a publish under way is sent again, and taken once", async () => {
    const subscription = client.subscribe<Note>({ topics: NOTES, from: "earliest" });
    await subscription.ready;
    proxy.cut();
    proxy.refuse(true);
    const publishes = range(0, 20).map((n) =>
      client.publish(NOTES, { source: "/me", type: "t", key: "k", data: { n } }),
    );
    await pause(60);
    proxy.refuse(false);
    await Promise.all(publishes);
    await cut();
    expect(numbers(await take(subscription, 20))).toEqual(range(0, 20));
    await service.publish(NOTES, 20, 1);
    expect(numbers(await take(subscription, 1))).toEqual([20]);
  });

  it("a service that is silent for two heartbeats is left for a new connection", async () => {
    const subscription = client.subscribe<Note>({ topics: NOTES });
    await subscription.ready;
    const began = performance.now();
    const waiting = nextState(client, "waiting");
    const open = nextState(client, "open");
    proxy.freeze();
    expect((await waiting).reason.code).toBe("silent");
    expect(performance.now() - began).toBeGreaterThan(HEARTBEAT_MS);
    await open;
    await service.publish(NOTES, 0, 2);
    expect(numbers(await take(subscription, 2))).toEqual([0, 1]);
  });

  it("heartbeats of this side keep a quiet session alive, and tell the round trip", async () => {
    await client.ready;
    const { session } = client.state as { session: string };
    await pause(3 * HEARTBEAT_MS);
    expect(client.state).toMatchObject({ status: "open", session });
    expect(client.roundTripMs).toBeLessThan(HEARTBEAT_MS);
  });

  it("a durable name that the service still holds for the lost session is taken up when that one is gone", async () => {
    const subscription = client.subscribe<Note>({ topics: NOTES, name: "held", profile: { level: "at-least-once" } });
    await subscription.ready;
    // The service hears nothing of the end: it finds out by its heartbeat.
    proxy.freeze();
    await service.publish(NOTES, 0, 2);
    expect(numbers(await take(subscription, 2))).toEqual([0, 1]);
    await eventually(() => subscription.state).toBe("live");
  });
});

describe("a durable name that is forgotten", () => {
  const desk = { topics: NOTES, name: "desk", profile: { level: "at-least-once" } } as const;

  it("begins anew when it is used again, also after the service was down", async () => {
    const subscription = client.subscribe<Note>(desk);
    await subscription.ready;
    await service.publish(NOTES, 0, 3);
    expect(numbers(await take(subscription, 1))).toEqual([0]);
    await subscription.close({ forget: true });
    expect(subscription.state).toBe("closed");
    await service.restart();
    const next = client.subscribe<Note>(desk);
    await next.ready;
    await service.publish(NOTES, 3, 1);
    expect(numbers(await take(next, 1))).toEqual([3]);
  });

  it("is not, and its subscription goes on, when the service can't be told or says no", async () => {
    const unnamed = client.subscribe<Note>({ topics: NOTES });
    const named = client.subscribe<Note>(desk);
    await Promise.all([unnamed.ready, named.ready]);
    const refusal = { code: "invalid_request", errors: [{ path: "unsubscribe.forget" }] };
    await expect(unnamed.close({ forget: true })).rejects.toMatchObject(refusal);
    const open = nextState(client, "open");
    const waiting = nextState(client, "waiting");
    proxy.cut();
    await waiting;
    await expect(named.close({ forget: true })).rejects.toMatchObject({ code: "unavailable" });
    await open;
    await service.publish(NOTES, 0, 1);
    for (const subscription of [unnamed, named]) expect(numbers(await take(subscription, 1))).toEqual([0]);
    await named.close({ forget: true });
  });
});

describe("a service that restarts", () => {
  it("is left when it asks for it and found again, with nothing lost or twice", async () => {
    const subscription = client.subscribe<Note>({ topics: QUOTES, profile: { level: "at-least-once" } });
    await subscription.ready;
    const notices: number[] = [];
    client.on("draining", ({ reconnectWithinMs }) => notices.push(reconnectWithinMs));
    await service.publish(QUOTES, 0, 50, (n) => `${n % 5}`);
    const first = await take(subscription, 30);
    await service.restart();
    await service.publish(QUOTES, 50, 50, (n) => `${n % 5}`);
    const rest = await take(subscription, 70);
    expect([...numbers(first), ...numbers(rest)].sort((a, b) => a - b)).toEqual(range(0, 100));
    expect(notices).toEqual([100]);
  });

  it.each(["at-most-once", "at-least-once"] as const)(
    "with more partitions has what came on them before this client was back, %s",
    async (level) => {
      const subscription = client.subscribe<Note>({ topics: NOTES, profile: { level } });
      const gaps: Gap[] = [];
      subscription.on("gap", (gap) => gaps.push(gap));
      await subscription.ready;
      await service.publish(NOTES, 0, 2);
      expect(numbers(await take(subscription, 2))).toEqual([0, 1]);
      const places = subscription.positions();
      proxy.refuse(true);
      await service.restart(4);
      await service.publish(NOTES, 2, 40, (n) => `key-${n}`);
      proxy.refuse(false);
      const all = range(2, 40);
      expect(numbers(await take(subscription, 40)).sort((a, b) => a - b)).toEqual(all);
      expect(subscription.positions().map(({ partition }) => partition)).toEqual([0, 1, 2, 3]);
      expect(gaps).toEqual([]);
      const again = client.subscribe<Note>({ topics: NOTES, from: { after: places, complete: true } });
      expect(numbers(await take(again, 40)).sort((a, b) => a - b)).toEqual(all);
    },
  );
});
