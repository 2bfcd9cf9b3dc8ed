import { describe, expect, it } from "vitest";
import { type Bench, type Client, type Frame, idsOf, OTHER, openBench, positionsOf, QUOTES } from "./support.ts";

const profile = (more: Frame = {}) => ({
  profile: { level: "at-least-once", window: 3, ackTimeoutMs: 1_000, ...more },
});

async function open(more: Frame = {}) {
  const bench = await openBench({ limits: { maxNackDelayMs: 5_000 } });
  const client = bench.connect();
  const { subscription } = await client.subscribe({ topics: [OTHER.name], ...profile(), ...more });
  return { bench, client, subscription };
}

/** Position of the event of this id, as the client saw it. */
function positionOf(client: Client, id: string): Frame {
  for (const frame of client.all("events")) {
    const at = idsOf(frame).indexOf(id);
    if (at >= 0) return positionsOf(frame)[at];
  }
  throw new Error(`${id} never came.`);
}

/** What came again: id and attempt. */
const again = (client: Client): string[] =>
  client
    .all("events")
    .filter(({ attempt = 1 }) => attempt > 1)
    .map((frame) => `${idsOf(frame)} ${frame.attempt}`);

/** Frames that are on their way have come. */
const settle = (bench: Bench): Promise<void> => bench.pass(10);

describe("at least once", () => {
  it("sends no more than the window, and the next when one is acknowledged", async () => {
    const { bench, client, subscription } = await open();
    await bench.publish(OTHER.name, "1:a", "2:a", "3:a", "4:a", "5:a");
    expect(await client.received(3)).toEqual(["1", "2", "3"]);
    await settle(bench);
    expect(client.ids()).toHaveLength(3);
    client.send({ ack: { subscription, positions: [positionOf(client, "2")] } });
    expect(await client.received(4)).toEqual(["1", "2", "3", "4"]);
    client.send({ ack: { subscription, positions: [positionOf(client, "2"), positionOf(client, "1")] } });
    expect(await client.received(5)).toEqual(["1", "2", "3", "4", "5"]);
  });

  it("settles everything up to a frame with that frame's token", async () => {
    const { bench, client, subscription } = await open();
    await bench.publish(OTHER.name, "1:a", "2:a", "3:a");
    await client.received(3);
    await bench.publish(OTHER.name, "4:a", "5:a", "6:a", "7:a");
    const { token } = client.all("events").at(-1);
    client.send({ ack: { subscription, token } });
    expect(await client.received(6)).toEqual(["1", "2", "3", "4", "5", "6"]);
    await bench.pass(1_100);
    expect(again(client).sort()).toEqual(["4 2", "5 2", "6 2"]);
  });

  it("refuses a token that it did not issue, and settles nothing by it", async () => {
    const { bench, client, subscription } = await open();
    await bench.publish(OTHER.name, "1:a");
    await client.received(1);
    expect(await client.refusal({ ack: { subscription, token: "forged" } })).toEqual(["invalid_token", "ack.token"]);
    await bench.pass(1_100);
    expect(again(client)).toEqual(["1 2"]);
  });

  it("sends an event again when it is not answered in time, and counts the attempts", async () => {
    const { bench, client, subscription } = await open();
    await bench.publish(OTHER.name, "1:a", "2:a");
    await client.received(2);
    client.send({ ack: { subscription, positions: [positionOf(client, "1")] } });
    await bench.pass(998);
    expect(again(client)).toEqual([]);
    await bench.pass(5);
    expect(again(client)).toEqual(["2 2"]);
    await bench.pass(1_000);
    expect(again(client)).toEqual(["2 2", "2 3"]);
    client.send({ ack: { subscription, positions: [positionOf(client, "2")] } });
    await bench.pass(5_000);
    expect(again(client)).toEqual(["2 2", "2 3"]);
    expect(bench.metrics.render()).toContain("distribution_redelivered_events_total 2");
  });

  it("sends an event that was refused again, after the delay asked for and not before", async () => {
    const { bench, client, subscription } = await open();
    await bench.publish(OTHER.name, "1:a");
    await client.received(1);
    client.send({ nack: { subscription, positions: [positionOf(client, "1")], delayMs: 3_000 } });
    await bench.pass(2_995);
    expect(again(client)).toEqual([]);
    await bench.pass(10);
    expect(again(client)).toEqual(["1 2"]);
  });

  it("sends an event that was refused without a delay again at once", async () => {
    const { bench, client, subscription } = await open();
    await bench.publish(OTHER.name, "1:a");
    await client.received(1);
    client.send({ nack: { subscription, positions: [positionOf(client, "1")] } });
    await settle(bench);
    expect(again(client)).toEqual(["1 2"]);
  });

  it("bounds the delay of a refusal", async () => {
    const { client, subscription } = await open();
    const nack = (delayMs: number) => client.refusal({ nack: { subscription, positions: [], delayMs } });
    expect(await nack(5_001)).toEqual(["invalid_request", "nack.delayMs"]);
    client.send({ nack: { subscription, positions: [], delayMs: 5_000 } });
    expect(await client.request({ ping: {} })).toHaveProperty("pong");
    expect(client.all("error")).toHaveLength(1);
  });

  it("reads an event again from the log when the ring has let it go", async () => {
    const bench = await openBench({ topics: [{ ...OTHER, ringBytes: 1 }] });
    const client = bench.connect();
    await client.subscribe({ topics: [OTHER.name], ...profile({ window: 10 }) });
    await bench.publish(OTHER.name, "1:a", "2:a");
    await client.received(2);
    await bench.publish(OTHER.name, "3:a");
    await client.received(3);
    await bench.pass(1_100);
    await bench.until(() => again(client).length >= 3);
    expect(again(client).sort()).toEqual(["1 2", "2 2", "3 2"]);
  });

  it("keeps a redelivery outside the chain of positions", async () => {
    const { bench, client } = await open();
    await bench.publish(OTHER.name, "1:a");
    await client.received(1);
    await bench.pass(1_100);
    const frame = client.all("events").find(({ attempt }) => attempt === 2);
    expect(frame).toMatchObject({ after: "", upto: "", offsets: client.all("events")[0].offsets });
  });

  it("takes acknowledgements of what is not out as nothing", async () => {
    const { bench, client, subscription } = await open();
    const positions = await bench.publish(OTHER.name, "1:a", "2:a", "3:a", "4:a");
    await client.received(3);
    const foreign = [positions[3]!, { ...positions[0]!, topic: QUOTES.name }, { ...positions[0]!, partition: 9 }];
    client.send({ ack: { subscription, positions: foreign } });
    client.send({ nack: { subscription, positions: foreign } });
    await settle(bench);
    expect(client.ids()).toEqual(["1", "2", "3"]);
    expect([client.all("error"), again(client)]).toEqual([[], []]);
  });

  it("carries a token in every frame, so that any frame can be acknowledged", async () => {
    const { bench, client } = await open({ ...profile({ window: 100 }) });
    for (const id of ["1", "2", "3"]) {
      await bench.publish(OTHER.name, `${id}:a`);
      await client.received(Number(id));
    }
    expect(client.all("events").every(({ token }) => token)).toBe(true);
  });
});

describe("at most once", () => {
  it("takes acks and nacks as nothing", async () => {
    const bench = await openBench();
    const client = bench.connect();
    const { subscription } = await client.subscribe({ topics: [OTHER.name] });
    await bench.publish(OTHER.name, "1:a");
    await client.received(1);
    client.send({ nack: { subscription, positions: [positionOf(client, "1")] } });
    client.send({ ack: { subscription, positions: [positionOf(client, "1")] } });
    await bench.pass(14_000);
    expect([again(client), client.all("error")]).toEqual([[], []]);
  });
});

describe("credit", () => {
  it("once given, lets just as many events come", async () => {
    const bench = await openBench();
    const client = bench.connect();
    const { subscription } = await client.subscribe({ topics: [OTHER.name] });
    client.send({ credit: { subscription, events: 2 } });
    await bench.publish(OTHER.name, "1:a", "2:a", "3:a", "4:a");
    expect(await client.received(2)).toEqual(["1", "2"]);
    await bench.pass(14_000);
    expect(client.ids()).toHaveLength(2);
    client.send({ credit: { subscription, events: 1 } });
    expect(await client.received(3)).toEqual(["1", "2", "3"]);
    client.send({ credit: { subscription, events: 100 } });
    await bench.publish(OTHER.name, "5:a");
    expect(await client.received(5)).toEqual(["1", "2", "3", "4", "5"]);
  });

  it("of none holds everything back", async () => {
    const bench = await openBench();
    const client = bench.connect();
    const { subscription } = await client.subscribe({ topics: [OTHER.name] });
    client.send({ credit: { subscription, events: 0 } });
    await bench.publish(OTHER.name, "1:a");
    await bench.pass(1_000);
    expect(client.ids()).toEqual([]);
  });
});
