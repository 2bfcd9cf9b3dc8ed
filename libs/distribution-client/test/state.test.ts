import { afterEach, describe, expect, it } from "vitest";
import { type Client, connect, type Subscription } from "../src/index.ts";
import { eventually, type Note, numbers, range, take } from "./support/consuming.ts";
import { type ScriptedServer, startScriptedServer } from "./support/scripted-server.ts";
import { QUOTES, startService } from "./support/service.ts";

const POSITION = { topic: "t", partition: 0, epoch: "e", offset: "0" };
const open: AsyncDisposable[] = [];
afterEach(async () => {
  while (open.length > 0) await open.pop()![Symbol.asyncDispose]();
});

/** A server that takes every subscription, and what it says of streams. */
async function start(behind: boolean): Promise<{ server: ScriptedServer; client: Client }> {
  const server = await startScriptedServer((frame) => {
    if (frame["subscribe"])
      return [{ subscribed: { subscription: 1, channel: 5, positions: [POSITION], recovered: true, behind } }];
    if (frame["unsubscribe"]) return [{ unsubscribed: { subscription: 1 } }];
    return frame["update"] ? [{ updated: { subscription: 1, channel: 5, positions: [POSITION] } }] : [];
  });
  open.push(server);
  const client = connect({ url: server.url, format: "json" });
  open.push(client);
  return { server, client };
}

const state = (name: string, more = {}) => ({
  state: { channel: 5, topic: "", state: `STREAM_STATE_${name}`, reason: "", ...more },
});

function listen(subscription: Subscription<never>): unknown[] {
  const told: unknown[] = [];
  subscription.on("state", (each) => told.push(each));
  subscription.on("stale", (each) => told.push(each));
  return told;
}

describe("a subscription's state", () => {
  it("is live at once where nothing of the past comes first", async () => {
    const { client } = await start(false);
    const subscription = client.subscribe<never>({ topics: "t" });
    const told = listen(subscription);
    await subscription.ready;
    expect([told, subscription.state]).toEqual([["live"], "live"]);
  });

  it("follows what the service says of its stream: catching up, live, stale and why, live again", async () => {
    const { server, client } = await start(true);
    const subscription = client.subscribe<never>({ topics: "t" });
    const told = listen(subscription);
    await subscription.ready;
    const stale = { topic: "t", reason: "The broker is away." };
    for (const frame of [state("LIVE"), state("STALE", stale), state("HALTED"), state("LIVE")]) server.send(frame);
    await eventually(() => told).toEqual(["catching-up", "live", "stale", stale, "live"]);
  });

  it("is paused while it is, and then what the service said last", async () => {
    const { server, client } = await start(false);
    const subscription = client.subscribe<never>({ topics: "t" });
    const told = listen(subscription);
    await subscription.ready;
    server.send(state("STALE"));
    await eventually(() => subscription.state).toBe("stale");
    await subscription.pause();
    await subscription.resume();
    expect(told.filter((each) => typeof each === "string")).toEqual(["live", "stale", "paused", "stale"]);
  });

  it("is nobody's when it is of a channel that nobody has, and the client's when it is of no channel", async () => {
    const { server, client } = await start(false);
    const subscription = client.subscribe<never>({ topics: "t" });
    const told = listen(subscription);
    client.on("topic", ({ state: each }) => told.push(each));
    await subscription.ready;
    server.send(state("STALE", { channel: 6 }));
    server.send(state("STALE", { channel: 0, topic: "t" }));
    await eventually(() => told).toEqual(["live", "STREAM_STATE_STALE"]);
  });

  it("of a real service is live when the past has come, and when the snapshot has", async () => {
    const service = await startService();
    open.push(service);
    await service.publish(QUOTES, 0, 300, (n) => `k${n}`);
    const client = connect({ url: service.url });
    open.push(client);
    for (const options of [{ from: "earliest" }, { profile: { snapshot: true } }] as const) {
      const subscription = client.subscribe<Note>({ topics: QUOTES, ...options });
      const told = listen(subscription as Subscription<never>);
      expect(numbers(await take(subscription, 300)).sort((a, b) => a - b)).toEqual(range(0, 300));
      await eventually(() => told).toEqual(["catching-up", "live"]);
    }
  });
});

describe("a snapshot", () => {
  it("is asked for as there is room: it costs credit like all events", async () => {
    const { server, client } = await start(true);
    const subscription = client.subscribe<Note>({ topics: "t", buffer: { events: 16 } });
    await subscription.ready;
    const credit = (): number =>
      server.received.reduce((sum, { credit: given }) => sum + Number((given as { events?: number })?.events ?? 0), 0);
    await eventually(credit).toBe(16);
    const events = range(0, 16).map((n) => ({ specversion: "1.0", id: `${n}`, source: "/s", type: "t", data: { n } }));
    server.send({ snapshot: { channel: 5, positions: [], complete: false, events } });
    await take(subscription, 16);
    await eventually(credit).toBeGreaterThan(16);
  });
});
