import { tradeMessage } from "@distribution/testkit/events";
import { describe, expect, it } from "vitest";
import { event, TABLE, topic } from "../../tail/support.ts";
import { type Client, type Frame, OTHER, openBench } from "./support.ts";

const SHAPED = topic("test.shaped", { message: tradeMessage, table: TABLE });

async function open(more: Frame = {}) {
  const bench = await openBench({ topics: [OTHER, SHAPED], limits: { maxRate: 50, maxProjection: 2 } });
  const client = bench.connect();
  const { subscription, channel } = await client.subscribe({ topics: [OTHER.name], ...more });
  const update = (change: Frame) => client.request({ update: { subscription, ...change } });
  return { bench, client, subscription, channel, update };
}

const sumOf = ({ counts }: Frame): number =>
  Object.values(counts).reduce((sum: number, count) => sum + Number(count), 0);

/** published = delivered + the rest, and what the client saw is what was delivered. */
async function expectBooksToBalance(client: Client, subscription: number): Promise<Frame> {
  const ledger = await client.ledger(subscription);
  expect(Number(ledger.published)).toBe(Number(ledger.delivered) + sumOf(ledger));
  expect(client.ids()).toHaveLength(Number(ledger.delivered));
  return ledger;
}

describe("an update", () => {
  it("of the filter takes effect at the cursor: nothing before it again, nothing after it missing", async () => {
    const { bench, client, channel, subscription, update } = await open({ filter: 'data.id != "2"' });
    const positions = await bench.publish(OTHER.name, "1:a", "2:a", "3:a");
    await client.received(2);
    const { updated } = await update({ filter: 'data.id != "4"' });
    expect(updated).toEqual({ subscription, channel: updated.channel, positions: [positions[2]] });
    expect(updated.channel).not.toBe(channel);
    await bench.publish(OTHER.name, "4:a", "5:a");
    expect(await client.received(3)).toEqual(["1", "3", "5"]);
    expect(client.ids(updated.channel)).toEqual(["5"]);
    const frames = client.all("events");
    expect(frames.at(-1).after).toBe(frames.at(-2).upto);
  });

  it("of the filter keeps the ledger", async () => {
    const { bench, client, subscription, update } = await open({ filter: 'data.id != "2"' });
    await bench.publish(OTHER.name, "1:a", "2:a", "3:a");
    await client.received(2);
    await update({ filter: "" });
    await bench.publish(OTHER.name, "4:a");
    await client.received(3);
    const ledger = await expectBooksToBalance(client, subscription);
    expect([ledger.published, ledger.delivered, ledger.counts.filtered]).toEqual(["4", "3", "1"]);
  });

  it("of the projection changes what comes from then on", async () => {
    const { bench, client, update } = await open({ topics: [SHAPED.name], projection: ["symbol"] });
    const data = Buffer.from('{"symbol":"BTC","venue":"X","price":"1.5"}');
    await bench.publishEvents(SHAPED.name, [event("1:a", { data })]);
    await client.received(1);
    await update({ projection: { paths: ["price"] } });
    await bench.publishEvents(SHAPED.name, [event("2:a", { data })]);
    await client.received(2);
    await update({ projection: { paths: [] } });
    await bench.publishEvents(SHAPED.name, [event("3:a", { data })]);
    await client.received(3);
    expect(client.all("events").flatMap(({ events }) => events.map((each: Frame) => each.data))).toEqual([
      { symbol: "BTC" },
      { price: "1.5" },
      { symbol: "BTC", venue: "X", price: "1.5" },
    ]);
  });

  it("of the rate of the latest keeps up at the new rate", async () => {
    const { bench, client, subscription, update } = await open({ profile: { mode: "latest", maxRate: 1 } });
    await bench.publish(OTHER.name, "1:a");
    await client.received(1);
    await bench.publish(OTHER.name, "2:a");
    await bench.publish(OTHER.name, "3:a");
    await update({ maxRate: 0 });
    expect(await client.received(2)).toEqual(["1", "3"]);
    const ledger = await expectBooksToBalance(client, subscription);
    expect(ledger.counts.conflated).toBe("1");
  });

  it("that pauses stops delivery and keeps the cursor; one that resumes goes on from it", async () => {
    const { bench, client, subscription, channel, update } = await open();
    await bench.publish(OTHER.name, "1:a");
    await client.received(1);
    const { updated } = await update({ paused: true });
    await bench.publish(OTHER.name, "2:a", "3:a");
    await bench.pass(12_000);
    expect(client.ids()).toEqual(["1"]);
    expect((await update({ paused: true })).updated.positions).toEqual(updated.positions);
    await update({ paused: false });
    expect(await client.received(3, channel)).toEqual(["1", "2", "3"]);
    await bench.publish(OTHER.name, "4:a");
    expect(await client.received(4)).toEqual(["1", "2", "3", "4"]);
    await expectBooksToBalance(client, subscription);
  });

  it("of the filter while paused stays paused", async () => {
    const { bench, client, update } = await open();
    await update({ paused: true });
    await update({ filter: 'data.id != "1"' });
    await bench.publish(OTHER.name, "1:a", "2:a");
    await bench.pass(1_000);
    expect(client.ids()).toEqual([]);
    await update({ paused: false });
    expect(await client.received(1)).toEqual(["2"]);
  });

  it("keeps what is out and not acknowledged: it comes again, and counts against the window", async () => {
    const profile = { level: "at-least-once", window: 2, ackTimeoutMs: 1_000 };
    const { bench, client, subscription, update } = await open({ profile });
    const positions = await bench.publish(OTHER.name, "1:a", "2:a", "3:a");
    await client.received(2);
    const { updated } = await update({ filter: 'data.id != "9"' });
    await bench.pass(1_100);
    const again = client.all("events").filter(({ attempt = 1 }) => attempt > 1);
    expect(again.flatMap((frame) => frame.events.map(({ id }: Frame) => id)).sort()).toEqual(["1", "2"]);
    expect(again.every(({ channel }) => channel === updated.channel)).toBe(true);
    client.send({ ack: { subscription, positions: [positions[0]] } });
    await client.came("events");
    await bench.pass(100);
    expect(client.ids()).toContain("3");
  });

  it("keeps the credit that is left", async () => {
    const { bench, client, subscription, update } = await open();
    client.send({ credit: { subscription, events: 1 } });
    await update({ filter: 'data.id != "9"' });
    await bench.publish(OTHER.name, "1:a", "2:a", "3:a");
    expect(await client.received(1)).toEqual(["1"]);
    await bench.pass(1_000);
    expect(client.ids()).toEqual(["1"]);
  });

  it("does not send a snapshot again", async () => {
    const { bench, client, update } = await open({ profile: { snapshot: true } });
    await client.came("snapshot");
    await update({ filter: 'data.id != "1"' });
    await bench.publish(OTHER.name, "1:a", "2:a");
    expect(await client.received(1)).toEqual(["2"]);
    expect(client.all("snapshot")).toHaveLength(1);
  });

  it("to the interest of another subscription of the session keeps both apart", async () => {
    const { bench, client, update } = await open({ filter: 'data.id != "1"' });
    const other = await client.subscribe({ topics: [OTHER.name] });
    const { updated } = await update({ filter: "" });
    expect(updated.channel).not.toBe(other.channel);
    await bench.publish(OTHER.name, "1:a");
    await client.received(2);
    expect([client.ids(other.channel), client.ids(updated.channel)]).toEqual([["1"], ["1"]]);
  });

  it("leaves no class behind, however often it comes", async () => {
    const { bench, update } = await open();
    for (let count = 0; count < 20; count += 1) await update({ filter: `data.id != "${count}"` });
    expect(bench.engine.registry.classes).toBe(1);
  });

  it.each<[string, Frame, Frame, string, string]>([
    ["rate", { maxRate: 50 }, { maxRate: 50.5 }, "invalid_request", "update.maxRate"],
    ["rate, least", { maxRate: 0 }, { maxRate: -0.5 }, "invalid_request", "update.maxRate"],
    [
      "projection",
      { projection: { paths: ["price"] } },
      { projection: { paths: ["nose"] } },
      "invalid_request",
      "update.projection[0]",
    ],
    [
      "projected fields",
      { projection: { paths: ["price", "side"] } },
      { projection: { paths: ["price", "side", "venue"] } },
      "invalid_request",
      "update.projection",
    ],
  ])("with a wrong %s is refused and changes nothing", async (_, right, wrong, code, path) => {
    const { client, subscription, update } = await open({ topics: [SHAPED.name], profile: { mode: "latest" } });
    expect(await update(right)).toHaveProperty("updated");
    const { positions: _p, ...before } = (await update({})).updated;
    expect(await client.refusal({ update: { subscription, ...wrong } })).toEqual([code, path]);
    expect((await update({})).updated).toMatchObject(before);
  });

  it("with a wrong filter is refused and keeps the old one", async () => {
    const { bench, client, subscription } = await open({ filter: 'data.id != "1"' });
    expect(await client.refusal({ update: { subscription, filter: "data.id ==" } })).toEqual([
      "invalid_filter",
      "update.filter",
    ]);
    await bench.publish(OTHER.name, "1:a", "2:a");
    expect(await client.received(1)).toEqual(["2"]);
  });
});
