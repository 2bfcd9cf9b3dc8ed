/** Each of these broke once; the title says what. */
import { describe, expect, it } from "vitest";
import { event, TABLE, topic } from "../../tail/support.ts";
import { type Client, type Frame, OTHER, openBench, positionsOf } from "./support.ts";

/** Its ring holds next to nothing: whoever is behind reads the log. */
const LOG = topic("test.log", { ringBytes: 1 });
const WIDE = topic("test.wide", { table: TABLE, ringBytes: 8_000_000 });

const padded = (bytes: number): Buffer => Buffer.from(JSON.stringify({ text: "y".repeat(bytes) }));

/** Every first delivery follows the one before it on its channel. */
function expectUnbrokenChain(client: Client): void {
  let last: string | undefined;
  for (const { after, upto, attempt = 1 } of client.all("events")) {
    if (attempt > 1) continue;
    if (last !== undefined) expect(after).toBe(last);
    last = upto;
  }
}

describe("mode latest, catching up on more than one frame of changes", () => {
  it("gives each key once, in the order of the log, and the ledger says so", async () => {
    const bench = await openBench({ topics: [WIDE] });
    const client = bench.connect();
    const { subscription } = await client.subscribe({ topics: [WIDE.name], profile: { mode: "latest" } });
    await client.request({ update: { subscription, paused: true } });
    const keys = Array.from({ length: 20 }, (_, index) => `${index}:k${index}`);
    await bench.publishEvents(
      WIDE.name,
      keys.map((name) => event(name, { data: padded(20_000) })),
    );
    await client.request({ update: { subscription, paused: false } });
    expect(await client.received(20)).toEqual(keys.map((name) => name.split(":")[0]));
    await bench.pass(500);
    expect(client.ids()).toHaveLength(20);
    expect(client.all("events").length).toBeGreaterThan(3);
    expectUnbrokenChain(client);
    expect(await client.ledger(subscription)).toMatchObject({ published: "20", delivered: "20" });
  });

  it("keeps to the window", async () => {
    const bench = await openBench({ topics: [WIDE] });
    const client = bench.connect();
    const profile = { mode: "latest", level: "at-least-once", window: 3, ackTimeoutMs: 60_000 };
    const { subscription } = await client.subscribe({ topics: [WIDE.name], profile });
    await client.request({ update: { subscription, paused: true } });
    await bench.publish(WIDE.name, "1:a", "2:b", "3:c", "4:d", "5:e");
    await client.request({ update: { subscription, paused: false } });
    await client.received(3);
    await bench.pass(500);
    expect(client.ids()).toEqual(["1", "2", "3"]);
    client.send({ ack: { subscription, positions: client.all("events").flatMap(positionsOf).slice(0, 2) } });
    expect(await client.received(5)).toEqual(["1", "2", "3", "4", "5"]);
  });
});

describe("a session that ends in the middle of a broadcast", () => {
  it("costs the others no frame", async () => {
    const bench = await openBench({ limits: { maxWaitingBytes: 5_000 } });
    const [hostile, second, third] = [bench.connect(), bench.connect(), bench.connect()];
    const { subscription } = await hostile.subscribe({ topics: [OTHER.name] });
    hostile.full = true;
    hostile.send({ ping: {} });
    await bench.pass(5);
    hostile.send({ update: { subscription, paused: true } });
    hostile.send({ update: { subscription, paused: false } });
    await second.subscribe({ topics: [OTHER.name] });
    await third.subscribe({ topics: [OTHER.name] });
    for (let count = 0; count < 40; count += 1) await bench.publish(OTHER.name, `${count}:k`);
    await second.received(40);
    await third.received(40);
    for (const client of [second, third]) {
      expect(client.ids()).toHaveLength(40);
      expectUnbrokenChain(client);
    }
  });
});

describe("at least once, read from the log", () => {
  it("brings an event again that lies far behind the frame before it", async () => {
    const bench = await openBench({ topics: [LOG] });
    for (let count = 1; count <= 60; count += 1) {
      await bench.publishEvents(LOG.name, [event(`${count}:k`, { data: padded(10_000) })]);
    }
    await bench.publish(LOG.name, "wanted:w");
    await bench.publish(LOG.name, "after:k");
    const client = bench.connect();
    const profile = { level: "at-least-once", window: 4, ackTimeoutMs: 1_000 };
    await client.subscribe({ topics: [LOG.name], keys: ["w"], from: { earliest: true }, profile });
    await client.received(1);
    await bench.pass(1_100);
    await bench.until(() => client.all("events").some(({ attempt = 1 }) => attempt > 1));
    expect(client.all("error")).toEqual([]);
  });

  it("keeps a durable cursor before what is not acknowledged, whatever came again in between", async () => {
    const bench = await openBench({ topics: [LOG] });
    await bench.publish(LOG.name, "1:k", "2:k", "3:k", "4:k", "5:k");
    await bench.publish(LOG.name, "6:k");
    const wish = {
      topics: [LOG.name],
      name: "desk",
      profile: { level: "at-least-once", window: 4, ackTimeoutMs: 60_000 },
    };
    const first = bench.connect();
    const { subscription } = await first.subscribe({ ...wish, from: { earliest: true } });
    await first.received(4);
    const [one, two] = first.all("events").flatMap(positionsOf);
    first.send({ nack: { subscription, positions: [one], delayMs: 10 } });
    await bench.pass(50);
    await bench.until(() => first.all("events").some(({ attempt = 1 }: Frame) => attempt > 1));
    first.send({ ack: { subscription, positions: [two] } });
    await bench.pass(5);
    first.peer.closed();
    const second = bench.connect();
    await second.subscribe(wish);
    expect((await second.received(4))[0]).toBe("1");
  });

  it("reads the log for one event at a time, and for none while it is paused", async () => {
    const bench = await openBench({ topics: [LOG] });
    for (let count = 1; count <= 30; count += 1) await bench.publish(LOG.name, `${count}:k`);
    const client = bench.connect();
    const profile = { level: "at-least-once", window: 30, ackTimeoutMs: 1_000 };
    const { subscription } = await client.subscribe({ topics: [LOG.name], from: { earliest: true }, profile });
    await client.received(30);
    await client.request({ update: { subscription, paused: true } });
    await bench.pass(5_000);
    expect(client.all("events").every(({ attempt = 1 }) => attempt === 1)).toBe(true);
    await client.request({ update: { subscription, paused: false } });
    await bench.until(() => client.all("events").filter(({ attempt = 1 }) => attempt > 1).length >= 30);
  });
});

describe("an ack that names nothing", () => {
  it("is refused", async () => {
    const bench = await openBench();
    const client = bench.connect();
    const { subscription } = await client.subscribe({ topics: [OTHER.name], profile: { level: "at-least-once" } });
    const { error } = await client.request({ ack: { subscription } });
    expect(error).toMatchObject({ code: "invalid_request", errors: [{ path: "ack" }] });
  });
});
