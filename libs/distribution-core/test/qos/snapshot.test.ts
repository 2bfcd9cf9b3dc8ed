import { describe, expect, it } from "vitest";
import { topic } from "../tail/support.ts";
import { type Bench, type Client, type Frame, idsOf, openMemoryBench } from "../transport/session/support.ts";

const WIDE = topic("test.wide", { table: { keys: 10_000, bytes: 8 * 1024 * 1024 }, ringBytes: 16 * 1024 });

/** `<round>-<key>:k<key>` for so many keys. */
const round = (name: string, keys: number): string[] =>
  Array.from({ length: keys }, (_, key) => `${name}-${key}:k${key}`);

/** A table of so many keys, and a client whose socket is full after every write. A turn is one frame. */
async function open(keys: number, more: Frame = {}) {
  const bench = await openMemoryBench({ topics: [WIDE], limits: { maxTurnEvents: 1 } });
  await bench.publish(WIDE.name, ...round("a", keys));
  const client = bench.connect();
  client.full = true;
  const answer = client.request({
    subscribe: { topics: [WIDE.name], ...more, profile: { snapshot: true, ...more.profile } },
  });
  const { subscribed } = await answer;
  return { bench, client, subscribed };
}

/** The socket takes one write more. */
async function takeOne({ pass }: Bench, client: Client): Promise<void> {
  client.peer.drained();
  await pass(100);
}

const snapshotIds = (client: Client): string[] => client.all("snapshot").flatMap(idsOf);
const isComplete = (client: Client): boolean => client.all("snapshot").some(({ complete }) => complete);

/** Takes one write after the other until the snapshot is there. */
async function takeSnapshot(bench: Bench, client: Client, between = async (): Promise<void> => {}): Promise<void> {
  while (!isComplete(client)) {
    await takeOne(bench, client);
    await between();
  }
}

describe("a snapshot", () => {
  it("of many keys comes as the socket takes it: one that takes nothing is sent no more than one step's worth", async () => {
    const { bench, client } = await open(2_000);
    await bench.pass(10_000);
    expect(snapshotIds(client)).toEqual([]);
    for (let writes = 1; writes <= 3; writes += 1) {
      await takeOne(bench, client);
      expect(client.all("snapshot")).toHaveLength(writes);
    }
    expect(snapshotIds(client).length).toBeLessThanOrEqual(3 * 512);
    await takeSnapshot(bench, client);
    expect(snapshotIds(client)).toEqual(round("a", 2_000).map((name) => name.split(":")[0]));
    expect(client.all("snapshot").filter(({ complete }) => complete)).toHaveLength(1);
  });

  it("and live have every change of every key, none twice, when the table changes while it is sent", async () => {
    const { bench, client } = await open(2_000);
    let changes = 0;
    const published = new Set<string>();
    await takeSnapshot(bench, client, async () => {
      changes += 1;
      const names = [0, 1, 600, 1_200, 1_999, 2_000 + changes].map((key) => `b${changes}-${key}:k${key}`);
      for (const name of names) published.add(name.split(":")[0]!);
      await bench.publish(WIDE.name, ...names);
    });
    expect(changes).toBeGreaterThan(3);
    client.drain();
    await client.received(published.size);
    expect(new Set(client.ids())).toEqual(published);
    expect(client.ids()).toHaveLength(published.size);
    const ids = snapshotIds(client);
    expect(new Set([...ids, ...client.ids()]).size).toBe(ids.length + published.size);
    const keys = [...ids, ...client.ids()].map((id) => id.split("-")[1]);
    expect(new Set(keys).size).toBe(2_000 + changes);
    const { positions } = client.all("snapshot").at(-1);
    expect(client.all("events")[0].after).toBe(positions[0].offset);
  });

  it("in mode latest has each key's newest event in the end", async () => {
    const { bench, client } = await open(1_500, { profile: { mode: "latest", maxRate: 1 } });
    await takeSnapshot(
      bench,
      client,
      async () => void (await bench.publish(WIDE.name, "b-7:k7", "c-1499:k1499", "d-7:k7")),
    );
    client.drain();
    await bench.until(() => client.ids().includes("d-7"));
    await bench.pass(3_000);
    const newest = new Map([...snapshotIds(client), ...client.ids()].map((id) => [id.split("-")[1], id]));
    expect([newest.size, newest.get("7"), newest.get("1499"), newest.get("8")]).toEqual([
      1_500,
      "d-7",
      "c-1499",
      "a-8",
    ]);
  });

  it("has what a throttled class has not told its members yet", async () => {
    const bench = await openMemoryBench({ topics: [WIDE] });
    const latest = { topics: [WIDE.name], profile: { mode: "latest", maxRate: 0.1 } };
    const first = bench.connect();
    await first.subscribe(latest);
    await bench.publish(WIDE.name, "1:a");
    await first.received(1);
    await bench.publish(WIDE.name, "2:a");
    const second = bench.connect();
    await second.subscribe({ ...latest, profile: { ...latest.profile, snapshot: true } });
    await second.came("snapshot");
    expect(snapshotIds(second)).toEqual(["2"]);
    await bench.publish(WIDE.name, "3:a");
    await bench.pass(20_000);
    expect([first.ids(), second.ids()]).toEqual([["1", "2", "3"], ["3"]]);
  });

  it("is not begun anew by a client that wants to skip what it could not take", async () => {
    const { bench, client } = await open(2_000, { profile: { slow: "drop" } });
    let changes = 0;
    await takeSnapshot(bench, client, async () => {
      changes += 1;
      await bench.publish(WIDE.name, `b${changes}-1999:k1999`);
    });
    expect(client.all("gap")).toEqual([]);
    expect(snapshotIds(client)).toHaveLength(1_999);
    await takeOne(bench, client);
    expect(client.all("gap")).toMatchObject([{ reason: "GAP_REASON_SLOW" }]);
  });

  it("comes on credit like everything else, once credit was given", async () => {
    const { bench, client, subscribed } = await open(20);
    const { subscription } = subscribed;
    client.send({ credit: { subscription, events: 5 } });
    client.drain();
    await client.came("snapshot");
    await bench.pass(1_000);
    expect(snapshotIds(client)).toHaveLength(5);
    client.send({ credit: { subscription, events: 16 } });
    await bench.until(() => isComplete(client));
    await bench.publish(WIDE.name, "b-1:k1", "b-2:k2");
    await bench.pass(1_000);
    expect([snapshotIds(client).length, client.ids()]).toEqual([20, ["b-1"]]);
  });

  it("takes no place in the window of a subscription at least once: nobody acknowledges it", async () => {
    const { bench, client } = await open(20, { profile: { level: "at-least-once", window: 2 } });
    client.drain();
    await bench.until(() => isComplete(client));
    expect(client.all("snapshot").map(({ events }) => events.length)).toEqual([20]);
    await bench.publish(WIDE.name, "b-1:k1", "b-2:k2", "b-3:k3");
    await bench.pass(1_000);
    expect(client.ids()).toEqual(["b-1", "b-2"]);
  });

  it("of a topic without events is complete at once", async () => {
    const bench = await openMemoryBench({ topics: [WIDE] });
    const client = bench.connect();
    const { positions } = await client.subscribe({ topics: [WIDE.name], profile: { snapshot: true } });
    expect(await client.came("snapshot")).toMatchObject([{ events: [], complete: true, positions }]);
  });
});
