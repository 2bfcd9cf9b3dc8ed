import { tradeMessage } from "@distribution/testkit/events";
import { describe, expect, it } from "vitest";
import { event, topic } from "../../tail/support.ts";
import { type Client, type Frame, OTHER, openBench, QUOTES, TRADES } from "./support.ts";

const SHAPED = topic("test.shaped", { message: tradeMessage });
const LIMITS = {
  ...{ maxSubscriptions: 3, maxTopics: 3, maxKeys: 3, maxKeyBytes: 4, maxProjection: 3 },
  ...{ maxWindow: 30, defaultWindow: 10, minAckTimeoutMs: 100, maxAckTimeoutMs: 300, defaultAckTimeoutMs: 200 },
  ...{ maxRate: 50, minLedgerIntervalMs: 100, maxNackDelayMs: 500 },
};

async function open(): Promise<Client> {
  return (await openBench({ limits: LIMITS, topics: [QUOTES, TRADES, OTHER, SHAPED] })).connect();
}

const ACCEPTED = ["accepted", undefined];
const refusalOf = (client: Client, more: Frame) => client.refusal({ subscribe: { topics: [QUOTES.name], ...more } });

const FIELDS = ["symbol", "venue", "price", "side"];

describe("a subscribe at its bounds", () => {
  it.each<[string, Frame, Frame, string]>([
    ["topics", { topics: Array(3).fill(QUOTES.name) }, { topics: Array(4).fill(QUOTES.name) }, "subscribe.topics"],
    ["keys", { keys: ["a", "b", "c"] }, { keys: ["a", "b", "c", "d"] }, "subscribe.keys"],
    ["bytes of a key", { keys: ["abcd", "éé"] }, { keys: ["a", "ééa"] }, "subscribe.keys[1]"],
    [
      "projected fields",
      { topics: [SHAPED.name], projection: FIELDS.slice(0, 3) },
      { topics: [SHAPED.name], projection: FIELDS },
      "subscribe.projection",
    ],
    [
      "flushes a second",
      { profile: { mode: "latest", maxRate: 50 } },
      { profile: { mode: "latest", maxRate: 50.001 } },
      "subscribe.profile.maxRate",
    ],
    [
      "unacknowledged events",
      { profile: { level: "at-least-once", window: 30 } },
      { profile: { level: "at-least-once", window: 31 } },
      "subscribe.profile.window",
    ],
    [
      "time to acknowledge, shortest",
      { profile: { level: "at-least-once", ackTimeoutMs: 100 } },
      { profile: { level: "at-least-once", ackTimeoutMs: 99 } },
      "subscribe.profile.ackTimeoutMs",
    ],
    [
      "time to acknowledge, longest",
      { profile: { level: "at-least-once", ackTimeoutMs: 300 } },
      { profile: { level: "at-least-once", ackTimeoutMs: 301 } },
      "subscribe.profile.ackTimeoutMs",
    ],
    [
      "ledger interval",
      { profile: { ledgerIntervalMs: 100 } },
      { profile: { ledgerIntervalMs: 99 } },
      "subscribe.profile.ledgerIntervalMs",
    ],
    ["name", { name: "é".repeat(64) }, { name: `${"é".repeat(64)}n` }, "subscribe.name"],
  ])("is taken at the most %s, and refused beyond with the field's path", async (_, within, beyond, path) => {
    const client = await open();
    expect(await refusalOf(client, within)).toEqual(ACCEPTED);
    expect(await refusalOf(client, beyond)).toEqual(["invalid_request", path]);
  });

  it.each<[string, Frame, string]>([
    ["no topic", { topics: [] }, "subscribe.topics"],
    ["an empty key", { keys: ["a", ""] }, "subscribe.keys[1]"],
    ["a negative rate", { profile: { mode: "latest", maxRate: -1 } }, "subscribe.profile.maxRate"],
    ["a broken pattern", { topics: ["test.>.quotes"] }, "subscribe.topics[0]"],
    [
      "a field that the payload does not have",
      { topics: [SHAPED.name], projection: ["nose"] },
      "subscribe.projection[0]",
    ],
    ["a projection of payloads without a schema", { projection: ["id"] }, "subscribe.projection"],
    ["a time before 1970", { from: { time: "-1" } }, "subscribe.from.time"],
  ])("is refused with %s", async (_, subscribe, path) => {
    expect(await refusalOf(await open(), subscribe)).toEqual(["invalid_request", path]);
  });

  it("is refused with a rate that is no number", async () => {
    const bench = await openBench();
    const client = bench.connect({ format: "proto" });
    for (const maxRate of [Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(await refusalOf(client, { profile: { mode: "DELIVERY_MODE_LATEST", maxRate } })).toEqual([
        "invalid_request",
        "subscribe.profile.maxRate",
      ]);
    }
  });

  it("takes its window and its time to acknowledge from the service when it names none", async () => {
    const client = await open();
    expect(await refusalOf(client, { profile: { level: "at-least-once" } })).toEqual(ACCEPTED);
    expect(await refusalOf(client, { profile: { level: "at-least-once", window: 0, ackTimeoutMs: 0 } })).toEqual(
      ACCEPTED,
    );
  });

  it("is refused with the reason when what it asks for cannot be had here", async () => {
    const client = await open();
    expect(await refusalOf(client, { group: "workers" })).toEqual(["not_supported", "subscribe.group"]);
    expect(await refusalOf(client, { topics: [TRADES.name], profile: { mode: "latest" } })).toEqual([
      "not_supported",
      "subscribe.profile.mode",
    ]);
    expect(await refusalOf(client, { topics: [TRADES.name], profile: { snapshot: true } })).toEqual([
      "not_supported",
      "subscribe.profile.snapshot",
    ]);
    expect(await refusalOf(client, { topics: [QUOTES.name, "test.nothing"] })).toEqual([
      "unknown_topic",
      "subscribe.topics[1]",
    ]);
    expect(await refusalOf(client, { filter: "data.x ==" })).toEqual(["invalid_filter", "subscribe.filter"]);
  });

  it("that was refused does not count against the session", async () => {
    const client = await open();
    for (let tries = 0; tries < 10; tries += 1) await refusalOf(client, { from: { token: "forged" } });
    for (let count = 0; count < 3; count += 1) expect(await refusalOf(client, {})).toEqual(ACCEPTED);
    expect(await refusalOf(client, {})).toEqual(["limit_exceeded", "subscribe"]);
  });

  it("has room again when another subscription ends", async () => {
    const client = await open();
    for (let count = 0; count < 3; count += 1) await refusalOf(client, {});
    await client.request({ unsubscribe: { subscription: 2 } });
    expect(await refusalOf(client, {})).toEqual(ACCEPTED);
    expect(await refusalOf(client, {})).toEqual(["limit_exceeded", "subscribe"]);
  });
});

describe("ten thousand subscribes on one session", () => {
  it("make as many subscriptions as there may be, refuse the others, and hurt no other session", async () => {
    const bench = await openBench({ limits: { maxWaitingBytes: 64 * 1024 * 1024 } });
    const greedy = bench.connect();
    const calm = bench.connect();
    for (let count = 0; count < 10_000; count += 1) {
      greedy.send({ subscribe: { topics: [QUOTES.name], filter: `key != "${count}"` } });
    }
    await bench.until(() => greedy.all("subscribed").length + greedy.all("error").length === 10_000);
    expect(greedy.all("subscribed")).toHaveLength(1_000);
    expect(new Set(greedy.all("error").map(({ code }) => code))).toEqual(new Set(["limit_exceeded"]));
    expect(new Set(greedy.all("subscribed").map(({ channel }) => channel)).size).toBe(1_000);
    await calm.subscribe({ topics: [QUOTES.name] });
    await bench.publish(QUOTES.name, "1:a");
    expect(await calm.received(1)).toEqual(["1"]);
    expect(greedy.closes).toEqual([]);
  });
});

describe("the form of payloads", () => {
  it.each([
    ["json", "json", "data"],
    ["json", "original", "data_base64"],
    ["json", "unspecified", "data"],
  ])("on a %s wire asked for as %s is %s", async (_, format, member) => {
    const bench = await openBench({ topics: [SHAPED] });
    const client = bench.connect();
    await client.subscribe({ topics: [SHAPED.name], format });
    // Field 1, a string: the symbol.
    const data = Buffer.from([0x0a, 3, 0x42, 0x54, 0x43]);
    await bench.publishEvents(SHAPED.name, [event("1:a", { contentType: "application/protobuf", data })]);
    await client.received(1);
    expect(client.all("events")[0].events[0][member]).toEqual(
      member === "data" ? { symbol: "BTC" } : data.toString("base64"),
    );
  });
});

describe("what a subscription covers", () => {
  it("is every topic that its patterns cover, each once", async () => {
    const bench = await openBench();
    const client = bench.connect();
    const { positions } = await client.subscribe({ topics: ["test.*", "test.quotes", "*.events"] });
    expect(positions.map(({ topic: name, partition }: Frame) => `${name}/${partition}`)).toEqual([
      "other.events/0",
      "test.quotes/0",
      "test.quotes/1",
      "test.trades/0",
    ]);
    await bench.publish(TRADES.name, "1");
    await bench.publish(OTHER.name, "2");
    expect(await client.received(2)).toEqual(["1", "2"]);
  });

  it("is narrowed by keys and filter", async () => {
    const bench = await openBench();
    const client = bench.connect();
    await client.subscribe({ topics: [OTHER.name], keys: ["b", "a", "b"], filter: 'data.id != "3"' });
    await bench.publish(OTHER.name, "1:a", "2:c", "3:a", "4:b");
    expect(await client.received(2)).toEqual(["1", "4"]);
  });
});

describe("two subscriptions of the same interest", () => {
  it("on one session come on channels of their own", async () => {
    const bench = await openBench();
    const client = bench.connect();
    const first = await client.subscribe({ topics: [OTHER.name] });
    const second = await client.subscribe({ topics: [OTHER.name] });
    expect(second.channel).not.toBe(first.channel);
    await bench.publish(OTHER.name, "1:a");
    await client.received(2);
    expect([client.ids(first.channel), client.ids(second.channel)]).toEqual([["1"], ["1"]]);
  });

  it("on one session come on channels of their own even when asked for in one breath", async () => {
    const bench = await openBench();
    const client = bench.connect();
    for (let count = 0; count < 3; count += 1) client.send({ subscribe: { topics: [OTHER.name] } });
    const answers = await client.came("subscribed", 3);
    expect(new Set(answers.map(({ channel }) => channel)).size).toBe(3);
  });

  it("on two sessions share a channel, and the frames on it", async () => {
    const bench = await openBench();
    const [one, other] = [bench.connect(), bench.connect()];
    const { channel } = await one.subscribe({ topics: [OTHER.name] });
    expect((await other.subscribe({ topics: [OTHER.name] })).channel).toBe(channel);
    expect(bench.engine.registry.classes).toBe(1);
    await bench.publish(OTHER.name, "1:a");
    await Promise.all([one.received(1), other.received(1)]);
    expect(one.all("events")).toEqual(other.all("events"));
  });

  it("take the place of one that ended", async () => {
    const bench = await openBench();
    const client = bench.connect();
    const first = await client.subscribe({ topics: [OTHER.name] });
    const second = await client.subscribe({ topics: [OTHER.name] });
    await client.request({ unsubscribe: { subscription: first.subscription } });
    const third = await client.subscribe({ topics: [OTHER.name] });
    expect(new Set([second.channel, third.channel]).size).toBe(2);
    await bench.publish(OTHER.name, "1:a");
    await client.received(2);
    expect([client.ids(second.channel), client.ids(third.channel)]).toEqual([["1"], ["1"]]);
  });
});
