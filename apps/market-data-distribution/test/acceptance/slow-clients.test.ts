/** Clients that read slowly, not at all, or are gone without a word, beside a healthy one. */
import { until, within } from "@distribution/testkit/service";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { Bystander } from "../support/bystander.ts";
import { metric } from "../support/rest.ts";
import { received, type Subscription, subscribe } from "../support/stream/subscription.ts";
import { openWebSocket } from "../support/stream/websocket.ts";
import { WIRES } from "../support/stream/wires.ts";
import { TRADES } from "../support/trades.ts";

const MiB = 1024 * 1024;
const STALLED = 30;
const BATCH = 100;
const PADDING = 20_000;
/** 30 MiB: by far over what a socket takes, and with the flows before over what the rings hold. */
const FLOW_BATCHES = 15;
/** What a subscriber that stalled may hold: its socket's bound, and a frame over it. */
const STALLED_BYTES = 1 * MiB;
/**
 * Where the socket takes little before it is full, its cursor has turned to the log before it stops: so much is read ahead, in each of
 * the four partitions 256 KiB, or the part of one published batch that went there.
 */
const READ_AHEAD_BYTES = 1 * MiB;
/** Those and the ones that `isWell` publishes. */
const FLOW_EVENTS = FLOW_BATCHES * BATCH + 10;
/** The session's heartbeat is 15 s, silence is two of them, and a quarter of one may pass until it is seen. */
const SILENT_WITHIN_MS = 45_000;

let healthy: Bystander;
let silent: Awaited<ReturnType<typeof openWebSocket>>;
beforeAll(async () => {
  healthy = await Bystander.start();
  // From the beginning on: its time runs while the other tests do.
  silent = await openWebSocket(healthy.ports, "json", { autoPong: false });
  // Rings and tables fill up, once.
  for (let round = 0; round < 4; round += 1) await flow();
});
afterAll(() => healthy?.[Symbol.asyncDispose]());

const lagging = (): Promise<number> => metric(healthy.ports, "distribution_lagging_subscriptions");

/** Once what earlier clients held is given back. */
async function settledMemory(): Promise<number> {
  let last = await healthy.service.memory();
  return await until("memory no longer falls", async () => {
    const before = last;
    last = await healthy.service.memory();
    return last > before - MiB / 4 && last;
  });
}

async function flow(): Promise<void> {
  for (let batch = 0; batch < FLOW_BATCHES; batch += 1) await healthy.publish(BATCH, PADDING);
  await healthy.isWell();
}

describe.each(WIRES)("over $name, subscribers that stop reading", (wire) => {
  const isWebSocket = wire.name.startsWith("WebSocket");

  it(`cost less than ${isWebSocket ? 1 : 2} MiB each, delay nobody, and miss nothing when they read on`, async () => {
    const before = await settledMemory();
    const stalled: Subscription[] = [];
    onTestFinished(() => {
      for (const { client } of stalled) client.vanish();
    });
    for (let count = 0; count < STALLED; count += 1) {
      const subscription = await subscribe(await wire.connect(healthy.ports), { topics: [TRADES] });
      subscription.client.pause();
      stalled.push(subscription);
    }
    await flow();
    await until("all of them are behind", async () => (await lagging()) === STALLED);
    const growth = (await healthy.service.memory()) - before;
    expect(growth / STALLED).toBeLessThan(STALLED_BYTES + (isWebSocket ? 0 : READ_AHEAD_BYTES));

    const [one, ...others] = stalled;
    for (const { client } of others) client.vanish();
    one!.client.resume();
    await received(one!, FLOW_EVENTS);
    expect(one!.delivered.length).toBe(FLOW_EVENTS);
    expect(one!.breaks).toEqual([]);
    one!.client.vanish();
    await until("they are forgotten", async () => (await lagging()) === 0);
    await healthy.isWell();
  });
});

it("a client that asks without reading the answers ends alone", async () => {
  const socket = await openWebSocket(healthy.ports, "json");
  socket.pause();
  const ping = JSON.stringify({ ref: "x".repeat(64), ping: { time: "1" } });
  for (let count = 0; count < 100_000; count += 1) socket.send(ping);
  await healthy.isWell();
  socket.terminate();
});

it("hundreds of clients that come and go, politely or not, leave nothing behind", async () => {
  const open = (): Promise<number> => metric(healthy.ports, 'distribution_sessions{wire="websocket"}');
  const before = await open();
  for (let round = 0; round < 8; round += 1) {
    const sockets = await Promise.all(Array.from({ length: 50 }, () => openWebSocket(healthy.ports, "json")));
    for (const [index, socket] of sockets.entries()) {
      socket.send(JSON.stringify({ subscribe: { topics: ["market-data.>"], from: { earliest: true } } }));
      if (index % 2 === 0) socket.terminate();
      else socket.close(1000);
    }
  }
  // Fewer is as good: the silent client's time may run out meanwhile.
  await until("their sessions are over", async () => (await open()) <= before);
  await until(
    "their subscriptions are over",
    async () => (await metric(healthy.ports, "distribution_subscriptions")) === 1,
  );
  await healthy.isWell();
});

it("a client that never answers a heartbeat is ended after two intervals", {
  timeout: SILENT_WITHIN_MS + 5000,
}, async () => {
  const closed = new Promise<void>((resolve) => silent.on("close", () => resolve()));
  if (silent.readyState !== silent.CLOSED) await within("it is ended", closed, SILENT_WITHIN_MS);
  expect(await metric(healthy.ports, 'distribution_session_closed_total{code="silent"}')).toBe(1);
  await healthy.isWell();
});
