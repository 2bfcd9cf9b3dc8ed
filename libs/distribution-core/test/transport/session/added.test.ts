/** Partitions that are added to a topic while sessions have it. */
import { describe, expect, it } from "vitest";
import { event, put, TABLE, topic } from "../../tail/support.ts";
import { type Bench, type Client, type Frame, idsOf, openBench, openMemoryBench, positionsOf } from "./support.ts";

const TRADES = topic("test.trades", { partitions: 2 });
const QUOTES = topic("test.quotes", { partitions: 2, table: TABLE });
const TOPICS = [QUOTES, TRADES];
const BOTH = ["test.*"];

/** `ensureTopic` of somebody else. */
const grow = (bench: Bench, of: typeof TRADES, partitions: number) =>
  bench.done(bench.broker.admin.ensureTopic({ ...of, partitions }));
const look = (bench: Bench, of: typeof TRADES) => bench.done(bench.engine.tail.look(of.name));
const write = (bench: Bench, of: typeof TRADES, partition: number, ...names: string[]) =>
  bench.done(put(bench.broker, of.name, names, partition));
const came = (bench: Bench, client: Client, ...ids: string[]) =>
  bench.until(() => ids.every((id) => client.ids().includes(id)));

/** First deliveries follow each other; of a partition that `subscribed` did not name the first one begins the chain. */
function expectWhole(client: Client, { channel, positions }: Frame): void {
  const upto = new Map<string, string>();
  for (const { topic: name, partition, offset } of positions) upto.set(`${name}/${partition}`, offset);
  const frames = client.all("events").filter((frame) => frame.channel === channel && !(frame.attempt > 1));
  for (const frame of frames) {
    const lane = `${frame.topic}/${frame.partition}`;
    expect(frame.after).toBe(upto.get(lane) ?? frame.after);
    upto.set(lane, frame.upto);
  }
  expect(client.all("gap")).toEqual([]);
  const ids = frames.flatMap(idsOf);
  expect(ids).toEqual([...new Set(ids)]);
}

describe.each([
  ["one topic", [TRADES.name]],
  ["several topics", BOTH],
])("who is live on %s", (_, topics) => {
  it("has a partition that is added from its first event on, seen within a minute, beside others that came meanwhile", async () => {
    const bench = await openBench({ topics: TOPICS });
    const clients = [bench.connect(), bench.connect(), bench.connect()];
    const [all, filtered, acking] = clients as [Client, Client, Client];
    const started = [
      await all.subscribe({ topics }),
      await filtered.subscribe({ topics, filter: 'id != "n2"' }),
      await acking.subscribe({ topics, profile: { level: "at-least-once", window: 10 } }),
    ];
    await write(bench, TRADES, 0, "o1", "o2");
    await came(bench, all, "o1", "o2");
    await grow(bench, TRADES, 4);
    await write(bench, TRADES, 3, "n1", "n2");
    for (let seconds = 0; seconds < 60; seconds += 10) {
      for (const client of clients) client.send({ ping: {} });
      await bench.pass(10_000);
    }
    for (const client of clients) await came(bench, client, "n1");
    await write(bench, TRADES, 3, "n3");
    await write(bench, TRADES, 2, "m1");
    await write(bench, TRADES, 1, "o3");
    for (const client of clients) await came(bench, client, "n3", "m1", "o3");
    for (const [at, client] of clients.entries()) expectWhole(client, started[at]);
    expect(filtered.ids()).not.toContain("n2");
    const ledger = await filtered.ledger(started[1].subscription);
    expect(ledger).toMatchObject({ published: "7", delivered: "6", counts: { filtered: "1" } });
    expect(ledger.from.map(({ partition }: Frame) => partition)).toEqual(
      ledger.to.map(({ partition }: Frame) => partition),
    );
  });
});

describe("a partition that is added", () => {
  it("comes to those whose interest came before and after it, and to who goes from one to the other", async () => {
    const bench = await openMemoryBench({ topics: TOPICS });
    const client = bench.connect();
    const { subscription, channel } = await client.subscribe({ topics: BOTH });
    await grow(bench, QUOTES, 3);
    await look(bench, QUOTES);
    await write(bench, QUOTES, 2, "1:a");
    await client.received(1, channel);
    const other = bench.connect();
    await other.subscribe({ topics: BOTH, filter: 'id != "2"' });
    const { updated } = await client.request({ update: { subscription, filter: 'id != "2"' } });
    expect(updated.positions).toHaveLength(5);
    await write(bench, QUOTES, 2, "2:a", "3:a");
    await write(bench, TRADES, 1, "4");
    for (const each of [client, other]) await came(bench, each, "3", "4");
    expect(client.ids()).toEqual(["1", "3", "4"]);
    expect(client.all("gap")).toEqual([]);
  });

  it("comes to who is behind: a full socket, a pause, no credit", async () => {
    const bench = await openMemoryBench({ topics: TOPICS });
    const [full, paused, poor] = [bench.connect(), bench.connect(), bench.connect()];
    const begun = [
      await full.subscribe({ topics: BOTH }),
      await paused.subscribe({ topics: BOTH }),
      await poor.subscribe({ topics: BOTH }),
    ];
    await paused.request({ update: { subscription: begun[1].subscription, paused: true } });
    poor.send({ credit: { subscription: begun[2].subscription, events: 1 } });
    full.full = true;
    await write(bench, TRADES, 0, "o1", "o2");
    await came(bench, poor, "o1");
    await grow(bench, TRADES, 3);
    await look(bench, TRADES);
    await write(bench, TRADES, 2, "n1", "n2");
    await bench.pass(100);
    full.drain();
    await paused.request({ update: { subscription: begun[1].subscription, paused: false } });
    poor.send({ credit: { subscription: begun[2].subscription, events: 10 } });
    for (const [at, client] of [full, paused, poor].entries()) {
      await came(bench, client, "o1", "o2", "n1", "n2");
      expectWhole(client, begun[at]);
    }
    await write(bench, TRADES, 2, "n3");
    for (const [at, client] of [full, paused, poor].entries()) {
      await came(bench, client, "n3");
      expectWhole(client, begun[at]);
    }
  });

  it("comes behind the snapshot that is under way, and is in one that begins later", async () => {
    const bench = await openMemoryBench({ topics: [QUOTES], limits: { maxTurnEvents: 1 } });
    const data = Buffer.from(JSON.stringify("x".repeat(100_000)));
    const before = ["o1:a", "o2:b", "o3:c"];
    await bench.publishEvents(
      QUOTES.name,
      before.map((name) => event(name, { data })),
    );
    const client = bench.connect();
    const profile = { mode: "latest", snapshot: true };
    client.full = true;
    await client.subscribe({ topics: [QUOTES.name], profile });
    while (client.all("snapshot").length === 0) {
      client.peer.drained();
      await bench.pass(100);
    }
    expect(client.all("snapshot").some(({ complete }) => complete)).toBe(false);
    await grow(bench, QUOTES, 3);
    await look(bench, QUOTES);
    await write(bench, QUOTES, 2, "n1:d");
    client.drain();
    await came(bench, client, "n1");
    expect(client.all("snapshot").flatMap(idsOf)).not.toContain("n1");
    expect(client.all("snapshot").at(-1).positions).toHaveLength(3);
    await write(bench, QUOTES, 2, "n2:d");
    await came(bench, client, "n2");
    expect(client.all("gap")).toEqual([]);
    const late = bench.connect();
    await late.subscribe({ topics: [QUOTES.name], profile });
    await bench.until(() => late.all("snapshot").some(({ complete }) => complete));
    expect(late.all("snapshot").flatMap(idsOf).toSorted()).toEqual(["n2", "o1", "o2", "o3"]);
  });

  it("is acknowledged and delivered again as any other", async () => {
    const bench = await openMemoryBench({ topics: TOPICS });
    const client = bench.connect();
    const acked = { topics: BOTH, name: "desk", profile: { level: "at-least-once", window: 10, ackTimeoutMs: 60_000 } };
    const { subscription } = await client.subscribe(acked);
    await grow(bench, TRADES, 3);
    await look(bench, TRADES);
    await write(bench, TRADES, 2, "n1", "n2", "n3");
    await came(bench, client, "n3");
    const places = client.all("events").flatMap(positionsOf);
    client.send({ nack: { subscription, positions: [places[1]] } });
    await bench.until(() => client.all("events").some(({ attempt }) => attempt === 2));
    client.send({ ack: { subscription, positions: [places[0]] } });
    await bench.pass(100);
    client.peer.closed();
    const again = bench.connect();
    await again.subscribe(acked);
    await came(bench, again, "n2", "n3");
    expect(again.ids()).toEqual(["n2", "n3"]);
  });

  it("is there for who resumes by a token of before it, and one of after it", async () => {
    const bench = await openMemoryBench({ topics: TOPICS });
    const client = bench.connect();
    await client.subscribe({ topics: [TRADES.name] });
    await write(bench, TRADES, 0, "o1");
    await came(bench, client, "o1");
    await grow(bench, TRADES, 3);
    await look(bench, TRADES);
    await write(bench, TRADES, 2, "n1");
    await came(bench, client, "n1");
    await bench.pass(1_100);
    await write(bench, TRADES, 2, "n2");
    await came(bench, client, "n2");
    const tokens = client.all("events").flatMap(({ token }) => token || []);
    await write(bench, TRADES, 2, "n3");
    for (const [token, ids] of [
      [tokens[0], ["n1", "n2", "n3"]],
      [tokens.at(-1), ["n3"]],
    ] as const) {
      const again = bench.connect();
      await again.subscribe({ topics: [TRADES.name], from: { token } });
      await came(bench, again, "n3");
      expect(again.ids()).toEqual(ids);
    }
  });
});

describe("who resumes after positions", () => {
  /** Three partitions, of which the last one was added while the client was away, and has an event. */
  async function openGrown() {
    const bench = await openMemoryBench({ topics: TOPICS });
    const client = bench.connect();
    const { positions } = await client.subscribe({ topics: [TRADES.name] });
    client.peer.closed();
    await grow(bench, TRADES, 3);
    await write(bench, TRADES, 2, "n1");
    await write(bench, TRADES, 0, "o1");
    return { bench, positions };
  }

  it.each([
    ["of all partitions that there were, has those that were added from their beginning", true, ["n1", "n2", "o1"]],
    ["of some, has those that are not named from when it is back", false, ["n2", "o1"]],
  ])("%s", async (_, complete, ids) => {
    const { bench, positions } = await openGrown();
    await look(bench, TRADES);
    const again = bench.connect();
    const subscribed = await again.subscribe({ topics: [TRADES.name], from: { after: { positions, complete } } });
    expect(subscribed).toMatchObject({ recovered: true, positions: { length: 3 } });
    await came(bench, again, "o1");
    await write(bench, TRADES, 2, "n2");
    await came(bench, again, "n2");
    expect(again.ids().toSorted()).toEqual(ids);
    expectWhole(again, subscribed);
  });

  it("has a partition from its beginning that this replica has not seen yet", async () => {
    const { bench, positions } = await openGrown();
    const again = bench.connect();
    const subscribed = await again.subscribe({ topics: [TRADES.name], from: { after: { positions, complete: true } } });
    expect(subscribed.positions).toHaveLength(2);
    await look(bench, TRADES);
    await came(bench, again, "n1", "o1");
    expectWhole(again, subscribed);
  });

  it("may name a partition that another replica has seen and this one has not", async () => {
    const { bench, positions } = await openGrown();
    const [, , added] = await bench.done(bench.broker.admin.partitions(TRADES.name));
    const { topic: name, partition, epoch, start } = added!;
    const of = [...positions, { topic: name, partition, epoch, offset: start }];
    const again = bench.connect();
    const subscribed = await again.subscribe({ topics: [TRADES.name], from: { after: { positions: of } } });
    expect(subscribed.positions).toEqual(of);
    await came(bench, again, "n1", "o1");
    const from = { after: { positions: [...of, { ...of[0], partition: 3 }] } };
    expect(await again.refusal({ subscribe: { topics: [TRADES.name], from } })).toEqual([
      "invalid_request",
      "subscribe.from",
    ]);
  });

  it("starts with a partition that is seen while its start is looked up", async () => {
    const { bench, positions } = await openGrown();
    const { partitions } = bench.broker.admin;
    const gate = Promise.withResolvers<void>();
    let asked = 0;
    bench.broker.admin.partitions = async (name) => {
      asked += 1;
      if (asked === 1) await gate.promise;
      return partitions(name);
    };
    const again = bench.connect();
    const subscribing = again.subscribe({ topics: [TRADES.name], from: { after: { positions } } });
    await bench.until(() => asked === 1);
    await look(bench, TRADES);
    gate.resolve();
    const subscribed = await subscribing;
    expect(subscribed.positions).toHaveLength(3);
    await came(bench, again, "n1", "o1");
    expectWhole(again, subscribed);
  });
});
