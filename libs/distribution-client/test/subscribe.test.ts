import { NormalizedMarketDataEvent } from "@distribution/proto-types/market_data/v1/market_data";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Client, connect } from "../src/index.ts";
import { type Note, numbers, range, take } from "./support/consuming.ts";
import { NOTES, QUOTES, startService, type TestService, TRADES, trade } from "./support/service.ts";

let service: TestService;
let seen = 0;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service[Symbol.asyncDispose]());

/** Publishes the next `count` numbers, and tells the first of them. */
async function publish(topic: string, count: number, keyOf?: (n: number) => string): Promise<number> {
  const first = seen;
  seen += count;
  await service.publish(topic, first, count, keyOf);
  return first;
}

describe.each(["proto", "json"] as const)("subscribing over %s", (format) => {
  let client: Client;
  beforeAll(() => {
    client = connect({ url: service.url, format });
  });
  afterAll(() => client.close());

  it("gives events as they come, in order, with their envelope and position", async () => {
    await using subscription = client.subscribe<Note>({ topics: NOTES });
    const { recovered, resumed } = await subscription.ready;
    expect({ recovered, resumed }).toEqual({ recovered: true, resumed: false });
    const published = await client.publish(NOTES, [
      {
        id: `a-${format}`,
        source: "/me",
        type: "note.v1",
        key: "k1",
        time: 1_700_000_000_123_456_789n,
        subject: "s",
        class: "alert",
        priority: 3,
        sequence: 7n,
        extensions: { desk: "fx", level: 4, urgent: true },
        data: { n: 1, big: 2n ** 60n },
      },
      { id: `b-${format}`, source: "/me", type: "note.v1", key: "k1", time: new Date(1_000), data: { n: 2 } },
    ]);
    const [first, second] = await take(subscription, 2);
    expect(first).toMatchObject({
      id: `a-${format}`,
      source: "/me",
      type: "note.v1",
      key: "k1",
      subject: "s",
      time: 1_700_000_000_123_456_789n,
      class: "alert",
      priority: 3,
      sequence: 7n,
      extensions: { desk: "fx", level: 4, urgent: true },
      topic: NOTES,
      attempt: 1,
      data: { n: 1, big: "1152921504606846976" },
    });
    expect(first?.ingested).toBeGreaterThan(1_700_000_000_000_000_000n);
    expect([first?.position, second?.position]).toEqual(published.positions);
    expect(second).toMatchObject({ time: 1_000_000_000n, data: { n: 2 }, extensions: {} });
  });

  it("decodes protobuf payloads as the consumer asks, or gives their JSON", async () => {
    const decode = NormalizedMarketDataEvent.decode;
    await using raw = client.subscribe({ topics: TRADES, payload: "original", decode });
    await using json = client.subscribe<{ trade: { price: string } }>({ topics: TRADES, payload: "json" });
    await using bytes = client.subscribe<Uint8Array>({ topics: TRADES, payload: "original" });
    await Promise.all([raw.ready, json.ready, bytes.ready]);
    const data = NormalizedMarketDataEvent.encode(trade("42.10")).finish();
    await client.publish(TRADES, { source: "/me", type: "trade.v1", key: "test:BTC-USD", data });
    const [event] = await take(raw, 1);
    expect(event?.data.payload?.$case === "trade" && event.data.payload.value.price).toBe("42.10");
    const [asJson] = await take(json, 1);
    expect(asJson?.data.trade.price).toBe("42.10");
    const [asBytes] = await take(bytes, 1);
    expect(Buffer.from(asBytes?.data ?? []).equals(data)).toBe(true);
  });

  it("says which payload it has no decoder for", async () => {
    await using subscription = client.subscribe({ topics: NOTES, decode: NormalizedMarketDataEvent.decode });
    await using mapped = client.subscribe({ topics: NOTES, decode: { json: (value) => Object.keys(value as object) } });
    await Promise.all([subscription.ready, mapped.ready]);
    await publish(NOTES, 1);
    const [event] = await take(subscription, 1);
    expect(() => event?.data).toThrow(expect.objectContaining({ code: "undecodable" }));
    expect((await take(mapped, 1))[0]?.data).toEqual(["n"]);
  });

  it("starts at the earliest event, at a time, or after positions", async () => {
    const first = await publish(QUOTES, 3);
    const all = client.subscribe<Note>({ topics: QUOTES, keys: ["k"], from: "earliest" });
    for await (const { data } of all) if (data.n === first + 2) break;
    const after = all.positions();
    await all.close();
    const at = new Date();
    const next = await publish(QUOTES, 2);
    await using resumed = client.subscribe<Note>({ topics: QUOTES, from: { after } });
    expect(numbers(await take(resumed, 2))).toEqual([next, next + 1]);
    await using timed = client.subscribe<Note>({ topics: QUOTES, from: at });
    expect(numbers(await take(timed, 2))).toEqual([next, next + 1]);
    const time = BigInt(at.getTime()) * 1_000_000n;
    await using exact = client.subscribe<Note>({ topics: [QUOTES], from: { time } });
    expect(numbers(await take(exact, 1))).toEqual([next]);
  });

  it("filters by key, expression and pattern, and projects payloads", async () => {
    await using keyed = client.subscribe<Note>({ topics: "test.*", keys: [`odd-${format}`] });
    await using filtered = client.subscribe<Note>({ topics: QUOTES, filter: 'key.startsWith("odd") && data.n > 0' });
    await using projected = client.subscribe({ topics: TRADES, payload: "json", projection: ["symbol"] });
    await Promise.all([keyed.ready, filtered.ready, projected.ready]);
    const first = await publish(QUOTES, 4, (n) => (n % 2 === 1 ? `odd-${format}` : "even"));
    const odd = range(first, 4).filter((n) => n % 2 === 1);
    expect(numbers(await take(keyed, 2))).toEqual(odd);
    expect(numbers(await take(filtered, 2))).toEqual(odd);
    const data = NormalizedMarketDataEvent.encode(trade("1")).finish();
    await client.publish(TRADES, { source: "/me", type: "trade.v1", key: "test:BTC-USD", data });
    expect((await take(projected, 1))[0]?.data).toEqual({ symbol: "BTC-USD" });
  });

  it("gives the snapshot first, says when it is complete, and goes on live", async () => {
    const first = await publish(QUOTES, 6, (n) => `snap-${format}-${n % 3}`);
    const keys = range(0, 3).map((n) => `snap-${format}-${n}`);
    await using subscription = client.subscribe<Note>({ topics: QUOTES, keys, profile: { snapshot: true } });
    const notices: unknown[] = [];
    subscription.on("snapshot", ({ events, positions }) => notices.push([events, positions.length]));
    const snapshot = await take(subscription, 3);
    expect(numbers(snapshot).sort()).toEqual(range(first + 3, 3));
    expect(snapshot.map(({ position, topic }) => [position, topic])).toEqual(Array(3).fill([undefined, QUOTES]));
    const live = await publish(QUOTES, 1, () => keys[0]!);
    expect(numbers(await take(subscription, 1))).toEqual([live]);
    expect(notices).toEqual([[3, 2]]);
  });

  it("conflates in mode latest", async () => {
    await using subscription = client.subscribe<Note>({
      topics: QUOTES,
      keys: [format],
      profile: { mode: "latest", maxRate: 5 },
    });
    await subscription.ready;
    const first = await publish(QUOTES, 1, () => format);
    expect(numbers(await take(subscription, 1))).toEqual([first]);
    for (let round = 0; round < 5; round += 1) await publish(QUOTES, 2, () => format);
    // How many come between depends on how fast the machine is.
    const came: number[] = [];
    while (came.at(-1) !== seen - 1) came.push(...numbers(await take(subscription, 1)));
    expect(came).toEqual([...came].sort((a, b) => a - b));
    const { published, delivered, counts } = await subscription.ledger();
    expect(counts?.conflated).toBeGreaterThan(0n);
    expect(delivered + (counts?.conflated ?? 0n) + (counts?.filtered ?? 0n)).toBe(published);
  });

  it("pauses, resumes and changes its filter, and loses nothing", async () => {
    const subscription = client.subscribe<Note>({ topics: NOTES });
    const states: string[] = [];
    subscription.on("state", (state) => states.push(state));
    await subscription.ready;
    await subscription.pause();
    const first = await publish(NOTES, 3);
    expect(subscription.buffered).toBe(0);
    await subscription.resume();
    expect(numbers(await take(subscription, 3))).toEqual(range(first, 3));
    await subscription.update({ filter: `data.n == ${seen + 1}` });
    const second = await publish(NOTES, 3);
    expect(numbers(await take(subscription, 1))).toEqual([second + 1]);
    await expect(subscription.update({ filter: "data.n ==" })).rejects.toMatchObject({ code: "invalid_filter" });
    await subscription.close();
    expect(states).toEqual(["live", "paused", "live", "closed"]);
    await expect(subscription.update({ filter: "" })).rejects.toMatchObject({ code: "closed" });
    await expect(subscription.ledger()).rejects.toMatchObject({ code: "closed" });
  });

  it("tells the ledger, on request and at an interval", async () => {
    await using subscription = client.subscribe<Note>({
      topics: NOTES,
      filter: `data.n != ${seen}`,
      profile: { ledgerIntervalMs: 100 },
    });
    await subscription.ready;
    const told = new Promise((resolve) => subscription.on("ledger", resolve));
    await publish(NOTES, 3);
    await take(subscription, 2);
    expect(await subscription.ledger()).toMatchObject({ published: 3n, delivered: 2n, counts: { filtered: 1n } });
    expect(await told).toMatchObject({ counts: { dropped: 0n } });
  });

  it("hands a refusal to whoever looks: ready, closed and the loop", async () => {
    const subscription = client.subscribe({ topics: "test.nothing" });
    const refusal = { code: "unknown_topic", errors: [{ path: "subscribe.topics[0]" }] };
    await expect(subscription.ready).rejects.toMatchObject(refusal);
    await expect(subscription.closed).rejects.toMatchObject(refusal);
    await expect(take(subscription, 1)).rejects.toMatchObject(refusal);
    expect(subscription.state).toBe("closed");
  });
});
