import { describe, expect, it } from "vitest";
import { DistributionError } from "../../src/errors.ts";
import { topic } from "../tail/support.ts";
import { type Client, type Frame, openMemoryBench, TRADES } from "../transport/session/support.ts";

const LIVE = { topic: "", state: "STREAM_STATE_LIVE", reason: "" };

async function open(more: Frame = {}, topics = [TRADES]) {
  const bench = await openMemoryBench({ topics });
  await bench.publish(TRADES.name, "1:a", "2:a");
  const client = bench.connect();
  const subscribed = await client.subscribe({ topics: [TRADES.name], ...more });
  /** The broker can't be read from, and the tail has noticed. */
  const breakOff = async (reason: string): Promise<void> => {
    const failure = (operation: string) =>
      operation === "read" ? new DistributionError("unavailable", reason) : undefined;
    bench.broker.faults = { ...bench.broker.faults, failure };
    bench.broker.lose(TRADES.name, 0);
    await bench.pass(2_000);
  };
  const mend = async (): Promise<void> => {
    bench.broker.faults = { ...bench.broker.faults, failure: () => undefined };
    await bench.pass(10_000);
  };
  return { bench, client, subscribed, breakOff, mend };
}

/** The kinds of frames since the subscription began, without what keeps the session alive. */
const kinds = (client: Client): string[] =>
  client.frames
    .flatMap((frame) => Object.keys(frame).filter((key) => key !== "ref" && key !== "pong"))
    .slice(["welcome", "subscribed"].length);

describe("the state of a subscription", () => {
  it("is not told to one that begins at the head, nor with any event", async () => {
    const { bench, client, subscribed } = await open();
    expect(subscribed.behind).toBe(false);
    for (let id = 3; id < 20; id += 1) await bench.publish(TRADES.name, `${id}:a`);
    await client.received(17);
    expect(new Set(kinds(client))).toEqual(new Set(["events"]));
  });

  it("is live once what was published before has come, once", async () => {
    const { bench, client, subscribed } = await open({ from: { earliest: true } });
    expect(subscribed.behind).toBe(true);
    expect(await client.came("state")).toEqual([{ ...LIVE, channel: subscribed.channel }]);
    expect(kinds(client)).toEqual(["events", "state"]);
    await bench.publish(TRADES.name, "3:a");
    await client.received(3);
    expect(kinds(client)).toEqual(["events", "state", "events"]);
  });

  it("is live once the snapshot is complete", async () => {
    const wide = topic(TRADES.name, { table: { keys: 10, bytes: 10_000 } });
    const { client, subscribed } = await open({ profile: { snapshot: true } }, [wide]);
    expect(subscribed.behind).toBe(true);
    await client.came("state");
    expect(kinds(client)).toEqual(["snapshot", "state"]);
  });

  it("is live again once it has caught up after its socket was full", async () => {
    const { bench, client } = await open();
    client.full = true;
    await bench.publish(TRADES.name, "3:a");
    await client.received(1);
    await bench.publish(TRADES.name, "4:a");
    client.drain();
    await client.came("state");
    expect(kinds(client)).toEqual(["events", "events", "state"]);
  });

  it("is live again after a pause", async () => {
    const { bench, client, subscribed } = await open();
    const { subscription } = subscribed;
    await client.request({ update: { subscription, paused: true } });
    await bench.publish(TRADES.name, "3:a");
    await client.request({ update: { subscription, paused: false } });
    await client.came("state");
    expect(kinds(client)).toEqual(["updated", "updated", "events", "state"]);
  });

  it("is not told when it waits for room in its window and goes on from memory", async () => {
    const { bench, client, subscribed } = await open({ profile: { level: "at-least-once", window: 1 } });
    const { subscription } = subscribed;
    for (let id = 3; id < 10; id += 1) await bench.publish(TRADES.name, `${id}:a`);
    for (let count = 1; count < 7; count += 1) {
      await client.received(count);
      client.send({ ack: { subscription, token: client.all("events").at(-1).token } });
    }
    await client.received(7);
    expect(new Set(kinds(client))).toEqual(new Set(["events"]));
  });

  it("is live again when it had to be read from the log", async () => {
    const narrow = topic(TRADES.name, { ringBytes: 1 });
    const { bench, client, subscribed } = await open({}, [narrow]);
    client.send({ credit: { subscription: subscribed.subscription, events: 1 } });
    for (let id = 3; id < 10; id += 1) await bench.publish(TRADES.name, `${id}:a`);
    client.send({ credit: { subscription: subscribed.subscription, events: 100 } });
    await client.received(7);
    await client.came("state");
    expect(kinds(client).filter((kind) => kind === "state")).toEqual(["state"]);
  });

  it("is stale while its topic can't be read, with the reason, and live again afterwards; others hear nothing", async () => {
    const { bench, client, subscribed, breakOff, mend } = await open({}, [TRADES, topic("test.calm")]);
    const { channel } = subscribed;
    const calm = bench.connect();
    await calm.subscribe({ topics: ["test.calm"] });
    await breakOff("The broker is away.");
    const reason = "Partition 0 cannot be read: The broker is away.";
    expect(client.all("state")).toEqual([{ topic: TRADES.name, state: "STREAM_STATE_STALE", reason, channel }]);
    await bench.pass(10_000);
    expect(client.all("state")).toHaveLength(1);
    await mend();
    expect(client.all("state").slice(1)).toEqual([{ ...LIVE, channel }]);
    expect(calm.all("state")).toEqual([]);
  });

  it("is stale at once for one that comes meanwhile", async () => {
    const { bench, breakOff, mend } = await open();
    await breakOff("The broker is away.");
    const late = bench.connect();
    await late.subscribe({ topics: [TRADES.name] });
    const states = (): string[] => late.all("state").map(({ state }) => state);
    await late.came("state");
    expect(states()).toEqual(["STREAM_STATE_STALE"]);
    await mend();
    expect(states()).toEqual(["STREAM_STATE_STALE", "STREAM_STATE_LIVE"]);
  });

  it("is told once it can be, to a client whose socket was full when it changed", async () => {
    const { bench, client, breakOff, mend } = await open();
    client.full = true;
    await bench.publish(TRADES.name, "3:a");
    await client.received(1);
    await breakOff("The broker is away.");
    expect(client.all("state")).toEqual([]);
    client.drain();
    await bench.pass(100);
    expect(client.all("state").map(({ state }) => state)).toEqual(["STREAM_STATE_STALE"]);
    await mend();
    expect(client.all("state").map(({ state }) => state)).toEqual(["STREAM_STATE_STALE", "STREAM_STATE_LIVE"]);
  });
});
