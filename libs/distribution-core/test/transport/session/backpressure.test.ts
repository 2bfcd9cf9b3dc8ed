import { describe, expect, it } from "vitest";
import { type Client, type Frame, OTHER, openBench } from "./support.ts";

async function open(more: Frame = {}, limits = {}) {
  const bench = await openBench({ limits });
  const client = bench.connect();
  const calm = bench.connect();
  const { subscription } = await client.subscribe({ topics: [OTHER.name], ...more });
  await calm.subscribe({ topics: [OTHER.name] });
  return { bench, client, calm, subscription };
}

/** The client's socket fills up with the next event. */
async function fill({ bench, client, calm }: Awaited<ReturnType<typeof open>>, id: string): Promise<void> {
  client.full = true;
  const before = calm.ids().length;
  await bench.publish(OTHER.name, `${id}:a`);
  await calm.received(before + 1);
}

const chainIsWhole = (client: Client): void => {
  const frames = client.all("events");
  for (const [at, frame] of frames.slice(1).entries()) {
    const gap = client.all("gap").find(({ to }) => to.offset === frame.after);
    if (!gap) expect(frame.after).toBe(frames[at]!.upto);
  }
};

describe("a client whose socket is full", () => {
  it("gets nothing more until it drains, and then everything, in order, while the others lose nothing", async () => {
    const setup = await open();
    const { bench, client, calm } = setup;
    await fill(setup, "1");
    for (const id of ["2", "3", "4"]) await bench.publish(OTHER.name, `${id}:a`);
    expect(await calm.received(4)).toEqual(["1", "2", "3", "4"]);
    expect(client.ids()).toEqual(["1"]);
    expect(bench.metrics.render()).toContain("distribution_lagging_subscriptions 1");
    client.drain();
    expect(await client.received(4)).toEqual(["1", "2", "3", "4"]);
    await bench.publish(OTHER.name, "5:a");
    expect(await client.received(5)).toEqual(["1", "2", "3", "4", "5"]);
    chainIsWhole(client);
    expect(bench.metrics.render()).toContain("distribution_lagging_subscriptions 0");
    expect(client.closes).toEqual([]);
  });

  it("has what it could not take skipped, and is told of it, when its profile says drop", async () => {
    const setup = await open({ profile: { slow: "drop" } });
    const { bench, client, calm, subscription } = setup;
    await fill(setup, "1");
    await bench.publish(OTHER.name, "2:a", "3:a");
    await calm.received(3);
    client.drain();
    const [gap] = await client.came("gap");
    expect(gap.reason).toBe("GAP_REASON_SLOW");
    await bench.publish(OTHER.name, "4:a");
    expect(await client.received(2)).toEqual(["1", "4"]);
    expect([gap.from.offset, gap.to.offset]).toEqual([client.all("events")[0].upto, client.all("events")[1].after]);
    const ledger = await client.ledger(subscription);
    expect(ledger).toMatchObject({ published: "4", delivered: "2", counts: { dropped: "2", filtered: "0" } });
  });

  it("is closed with the code that says resume, when its profile says close", async () => {
    const setup = await open({ profile: { slow: "close" } });
    await fill(setup, "1");
    await setup.bench.until(() => setup.client.closes.length > 0);
    expect(setup.client.closes.map(({ code }) => code)).toEqual([3008]);
    expect(setup.calm.closes).toEqual([]);
    expect(setup.bench.engine.sessions.size).toBe(1);
  });

  it("has events that wait for acknowledgement sent again only once it drains", async () => {
    const setup = await open({ profile: { level: "at-least-once", ackTimeoutMs: 1_000 } });
    const { bench, client } = setup;
    await fill(setup, "1");
    await bench.pass(3_500);
    expect(client.all("events")).toHaveLength(1);
    client.drain();
    await client.came("events", 2);
    expect(client.all("events")[1]).toMatchObject({ offsets: client.all("events")[0].offsets });
    expect(client.all("events")[1].attempt).toBeGreaterThan(1);
  });
});

describe("a client that asks and does not read", () => {
  const ask = async (client: Client, times: number): Promise<void> => {
    client.full = true;
    await client.request({ ping: {} });
    for (let count = 0; count < times; count += 1) client.send({ ping: {} });
  };

  const ANSWER_BYTES = Buffer.byteLength('{"pong":{"time":"0"}}');

  it.each([
    { waiting: 19, closed: false },
    { waiting: 20, closed: false },
    { waiting: 21, closed: true },
  ])("with $waiting answers waiting of at most 20 is closed: $closed", async ({ waiting, closed }) => {
    const { client, calm } = await open({}, { maxWaitingBytes: 20 * ANSWER_BYTES });
    await ask(client, waiting);
    expect(client.closes.map(({ code }) => code)).toEqual(closed ? [3008] : []);
    expect(await calm.request({ ping: {} })).toHaveProperty("pong");
    if (closed) return;
    client.drain();
    await client.came("pong", waiting + 1);
  });

  it("is closed once and holds no memory, however long it goes on", async () => {
    const { bench, client } = await open({}, { maxWaitingBytes: 20 * ANSWER_BYTES });
    await ask(client, 5_000);
    expect(client.closes).toHaveLength(1);
    expect(bench.metrics.render()).toContain('distribution_session_closed_total{code="too_slow"} 1');
    const { length } = client.frames;
    client.drain();
    await bench.pass(100);
    expect(client.frames).toHaveLength(length);
  });
});
