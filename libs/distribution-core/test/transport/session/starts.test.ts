import { describe, expect, it } from "vitest";
import { DistributionError } from "../../../src/errors.ts";
import { createSealer } from "../../../src/security/index.ts";
import { type Client, type Frame, OTHER, openBench, openMemoryBench, QUOTES } from "./support.ts";

const start = (from: Frame) => ({ topics: [OTHER.name], from });

/** Four events, of which the client has not seen any. */
async function openFilled() {
  const bench = await openBench();
  const positions = await bench.publish(OTHER.name, "1:a", "2:b", "3:c", "4:d");
  return { bench, client: bench.connect(), positions };
}

/** Each frame of a channel and partition comes after the one before it, or after a gap, or after the start. */
function expectNoSilentSkip(client: Client, { channel, positions }: Frame): void {
  const upto = new Map<string, string>();
  for (const { topic, partition, offset } of positions) upto.set(`${topic}/${partition}`, offset);
  for (const { events, gap } of client.frames) {
    if (gap?.channel === channel) upto.set(`${gap.topic}/${gap.partition}`, gap.to.offset);
    if (events?.channel !== channel || events.attempt > 1) continue;
    const lane = `${events.topic}/${events.partition}`;
    expect(events.after).toBe(upto.get(lane));
    upto.set(lane, events.upto);
  }
}

describe("a subscription starts", () => {
  it.each([
    ["with what comes from now on, unless told otherwise", {}, []],
    ["with what comes from now on when asked for the latest", { latest: true }, []],
    ["with the oldest event that is kept", { earliest: true }, ["1", "2", "3", "4"]],
    ["with the first event of a time", { time: "0" }, ["1", "2", "3", "4"]],
    ["with nothing of the past for a time in the future", { time: String(2n ** 63n - 1n) }, []],
  ])("%s", async (_, from, past) => {
    const { bench, client } = await openFilled();
    const subscribed = await client.subscribe(start(from));
    expect(subscribed.recovered).toBe(true);
    await bench.publish(OTHER.name, "5:a");
    expect(await client.received(past.length + 1)).toEqual([...past, "5"]);
    expectNoSilentSkip(client, subscribed);
    expect(client.all("gap")).toEqual([]);
  });

  it("after a position that a publisher was given", async () => {
    const { client, positions } = await openFilled();
    const subscribed = await client.subscribe(start({ after: { positions: [positions[1]] } }));
    expect(subscribed).toMatchObject({ positions: [positions[1]], recovered: true });
    expect(await client.received(2)).toEqual(["3", "4"]);
    expectNoSilentSkip(client, subscribed);
  });

  it("after a token, with nothing missing and nothing twice, also on a token of another subscription of the topic", async () => {
    const { bench, client } = await openFilled();
    await client.subscribe({ ...start({ earliest: true }), keys: ["a", "b"] });
    await client.received(2);
    await bench.until(() => client.all("events").some(({ token }) => token));
    const { token } = client.all("events").findLast((frame) => frame.token);
    await bench.publish(OTHER.name, "5:a");
    const next = bench.connect();
    const subscribed = await next.subscribe(start({ token }));
    expect(subscribed.recovered).toBe(true);
    await bench.until(() => next.ids().includes("5"));
    expect(next.ids().at(-1)).toBe("5");
    expectNoSilentSkip(next, subscribed);
  });

  it("at the latest in partitions that a position does not name", async () => {
    const bench = await openBench();
    const positions = await bench.publish(QUOTES.name, ...Array.from({ length: 20 }, (_, at) => `${at}:k${at}`));
    const first = positions.find(({ partition }) => partition === 0)!;
    const client = bench.connect();
    await client.subscribe({ topics: [QUOTES.name], from: { after: { positions: [first] } } });
    const expected = positions.filter(({ partition }) => partition === 0).length - 1;
    expect(await client.received(expected)).toHaveLength(expected);
    await bench.publish(QUOTES.name, "n0:k0", "n1:k1", "n2:k2", "n3:k3");
    expect(await client.received(expected + 4)).toHaveLength(expected + 4);
    expect(new Set(client.all("events").map(({ partition }) => partition))).toEqual(new Set([0, 1]));
  });
});

describe("a start that is no longer there", () => {
  it("because retention took it, is told with the range that is missing, before the first event", async () => {
    const { bench, client, positions } = await openFilled();
    await bench.broker.admin.truncate(positions[2]!);
    const subscribed = await client.subscribe(start({ after: { positions: [positions[0]] } }));
    expect(subscribed.recovered).toBe(false);
    expect(await client.received(1)).toEqual(["4"]);
    expect(client.all("gap")).toEqual([
      {
        ...{ channel: subscribed.channel, topic: OTHER.name, partition: 0 },
        ...{ from: positions[0], to: positions[2], reason: "GAP_REASON_RETENTION" },
      },
    ]);
    await client.came("state");
    const kinds = client.frames.map((frame) => Object.keys(frame).find((key) => key !== "ref"));
    expect(kinds).toEqual(["welcome", "subscribed", "gap", "events", "state"]);
    expectNoSilentSkip(client, subscribed);
    expect(bench.metrics.render()).toContain('distribution_gaps_total{reason="retention"} 1');
    expect(bench.metrics.render()).toContain('distribution_gaps_total{reason="slow"} 0');
  });

  it("is not gone when it is just the place before the oldest event", async () => {
    const { bench, client, positions } = await openFilled();
    await bench.broker.admin.truncate(positions[1]!);
    const subscribed = await client.subscribe(start({ after: { positions: [positions[1]] } }));
    expect(subscribed.recovered).toBe(true);
    expect(await client.received(2)).toEqual(["3", "4"]);
  });

  it("because it never was, is told, and the subscription starts at the end", async () => {
    const { bench, client, positions } = await openFilled();
    const future = { ...positions[3]!, offset: "999" };
    const subscribed = await client.subscribe(start({ after: { positions: [future] } }));
    expect(subscribed).toMatchObject({ recovered: false, positions: [positions[3]] });
    await bench.publish(OTHER.name, "5:a");
    expect(await client.received(1)).toEqual(["5"]);
    expect(client.all("gap")).toMatchObject([{ from: future, to: positions[3], reason: "GAP_REASON_FUTURE" }]);
    expectNoSilentSkip(client, subscribed);
  });

  it("because the log's history is another one, is told, and the new history comes from its beginning", async () => {
    const bench = await openMemoryBench();
    const [old] = await bench.publish(OTHER.name, "1:a", "2:a");
    bench.broker.lose(OTHER.name, 0);
    await bench.pass(500);
    await bench.publish(OTHER.name, "3:a");
    const client = bench.connect();
    const subscribed = await client.subscribe(start({ after: { positions: [old] } }));
    expect(subscribed.recovered).toBe(false);
    expect(await client.received(1)).toEqual(["3"]);
    expect(client.all("gap")).toMatchObject([{ from: old, reason: "GAP_REASON_EPOCH" }]);
    expectNoSilentSkip(client, subscribed);
  });

  it("because it went while it was being caught up with, is told as a gap in the middle", async () => {
    const { runtime, broker, ...bench } = await openMemoryBench({ topics: [{ ...OTHER, ringBytes: 1 }] });
    for (let at = 1; at <= 8; at += 1) await bench.publish(OTHER.name, `${at}:a`);
    const client = bench.connect();
    client.full = true;
    const subscribed = await client.subscribe(start({ earliest: true }));
    broker.forget(OTHER.name, 0);
    client.drain();
    await bench.until(() => client.ids().at(-1) === "8");
    expectNoSilentSkip(client, subscribed);
    const missing = 8 - client.ids().length;
    expect(missing).toBeGreaterThan(0);
    expect(client.all("gap")).toMatchObject([{ reason: "GAP_REASON_RETENTION" }]);
  });
});

describe("a start is refused", () => {
  const refusal = async (from: Frame) => (await openFilled()).client.refusal({ subscribe: start(from) });

  it("with a token that this service did not issue", async () => {
    const { client, positions } = await openFilled();
    const place = [[OTHER.name, [[0, positions[0]!.epoch, "1"]]]];
    const foreign = [
      "forged",
      "",
      createSealer(new Uint8Array(32), "test").seal("resume", place),
      createSealer(new Uint8Array(32).fill(7), "another").seal("resume", place),
      createSealer(new Uint8Array(32).fill(7), "test").seal("page", place),
    ];
    for (const token of foreign) {
      expect(await client.refusal({ subscribe: start({ token }) })).toEqual(["invalid_token", "subscribe.from.token"]);
    }
    const own = createSealer(new Uint8Array(32).fill(7), "test").seal("resume", place);
    expect(await client.refusal({ subscribe: start({ token: own }) })).toEqual(["accepted", undefined]);
  });

  it.each([
    ["a topic that the subscription does not cover", { topic: QUOTES.name, partition: 0, epoch: "e", offset: "1" }],
    ["a partition that the topic does not have", { topic: OTHER.name, partition: 1, epoch: "e", offset: "1" }],
  ])("with a position in %s", async (_, position) => {
    expect(await refusal({ after: { positions: [position] } })).toEqual(["invalid_request", "subscribe.from"]);
  });

  it("with an offset that is none", async () => {
    const { client, positions } = await openFilled();
    const position = { ...positions[0], offset: "first" };
    expect(await client.refusal({ subscribe: start({ after: { positions: [position] } }) })).toEqual([
      "invalid_request",
      "subscribe.from",
    ]);
  });

  it("with more positions than any subscription has partitions", async () => {
    const many = (count: number) => ({ after: { positions: Array(count).fill({}) } });
    expect(await refusal(many(65_537))).toEqual(["invalid_request", "subscribe.from.after.positions"]);
    expect(await refusal(many(65_536))).toEqual(["invalid_request", "subscribe.from"]);
  });

  it("while the broker cannot be read, and can be tried again", async () => {
    const bench = await openMemoryBench();
    await bench.publish(OTHER.name, "1:a");
    bench.broker.faults = {
      ...bench.broker.faults,
      failure: (operation) => (operation === "read" ? new DistributionError("unavailable", "away") : undefined),
    };
    const client = bench.connect();
    const { error } = await client.request({ subscribe: start({ earliest: true }) });
    expect(error).toMatchObject({ code: "unavailable", retryable: true });
    expect(bench.engine.registry.classes).toBe(0);
    bench.broker.faults = { ...bench.broker.faults, failure: () => undefined };
    await client.subscribe(start({ earliest: true }));
    expect(await client.received(1)).toEqual(["1"]);
  });
});
