import { describe, expect, it } from "vitest";
import { event, topic } from "../tail/support.ts";
import { openMemoryBench } from "../transport/session/support.ts";

const TRADES = topic("test.trades");
const WIDE = topic("test.wide", { table: { keys: 10_000, bytes: 8 * 1024 * 1024 }, ringBytes: 16 * 1024 });

/** `<round>-<key>:k<key>` for so many keys. */
const round = (name: string, keys: number): string[] =>
  Array.from({ length: keys }, (_, key) => `${name}-${key}:k${key}`);

const ids = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, at) => String(from + at));

describe("a subscription that reads the log", () => {
  it("gets each event once, in the numbers of a new history too, when it is changed in the middle of it", async () => {
    const bench = await openMemoryBench({ topics: [TRADES], limits: { maxTurnEvents: 1 } });
    const client = bench.connect();
    const { subscription } = await client.subscribe({ topics: [TRADES.name] });
    client.full = true;
    await bench.publish(TRADES.name, "0:a");
    await client.received(1);
    bench.broker.lose(TRADES.name, 0);
    await bench.pass(1_000);
    const data = Buffer.from(JSON.stringify("x".repeat(30_000)));
    await bench.publishEvents(
      TRADES.name,
      ids(1, 9).map((id) => event(`${id}:a`, { data })),
    );
    while (client.ids().length === 1) {
      client.peer.drained();
      await bench.pass(100);
    }
    expect(client.ids().length).toBeLessThan(9);
    client.send({ update: { subscription, filter: 'id != ""' } });
    client.drain();
    await client.received(9);
    await bench.pass(100);
    expect(client.ids()).toEqual(ids(0, 9));
  });
});

describe("mode latest", () => {
  it("goes on from a position that only the log knows, with the newest of what changed since", async () => {
    const bench = await openMemoryBench({ topics: [WIDE] });
    const filler = "x".repeat(200);
    const early = await bench.publish(WIDE.name, ...Array.from({ length: 10 }, (_, at) => `${at}:old${at}`));
    for (let at = 0; at < 20; at += 1) await bench.publish(WIDE.name, ...round(`f${at}${filler}`, 40));
    const client = bench.connect();
    const from = { after: { positions: [early[6]] } };
    await client.subscribe({ topics: [WIDE.name], from, profile: { mode: "latest" } });
    await client.received(43);
    await bench.publish(WIDE.name, "z-1:k1");
    await bench.until(() => client.ids().includes("z-1"));
    expect(client.ids().slice(0, 3)).toEqual(["7", "8", "9"]);
    expect(client.ids()).toHaveLength(44);
    expect(client.all("events")[0].after).toBe(early[6]!.offset);
  });

  it("tells a client whose socket was full that the log's history is another one, and goes on with the new one", async () => {
    const bench = await openMemoryBench({ topics: [WIDE] });
    const client = bench.connect();
    await client.subscribe({ topics: [WIDE.name], profile: { mode: "latest" } });
    const [first] = await bench.publish(WIDE.name, "1:a");
    await client.received(1);
    client.full = true;
    await bench.publish(WIDE.name, "2:a");
    await client.received(2);
    await bench.publish(WIDE.name, "3:a");
    bench.broker.lose(WIDE.name, 0);
    await bench.pass(1_000);
    await bench.publish(WIDE.name, "4:b");
    client.drain();
    expect(await client.received(3)).toEqual(["1", "2", "4"]);
    const [gap] = client.all("gap");
    expect(gap).toMatchObject({ reason: "GAP_REASON_EPOCH", from: { epoch: first!.epoch, offset: "1" } });
    expect(client.all("events").at(-1).after).toBe(gap.to.offset);
  });
});
