import { describe, expect, it } from "vitest";
import type { Broker } from "../../../src/brokers/contract.ts";
import type { Guard } from "../../../src/security/index.ts";
import { folder, openEmbedded, topic } from "../../tail/support.ts";
import { type BenchOptions, type Frame, OTHER, openBench, positionsOf } from "./support.ts";

const NAMED = { topics: [OTHER.name], name: "desk" };
const ACKED = { ...NAMED, profile: { level: "at-least-once", window: 10, ackTimeoutMs: 60_000 } };

/** Some cursor is in the log. */
async function isSaved(broker: Broker): Promise<boolean> {
  const [info] = await broker.admin.partitions("test.cursors");
  return info!.end !== info!.start;
}

/** The same data, under another process as far as it can tell; with these topics, and then with those. */
async function twoLives(topics: Partial<Pick<BenchOptions, "topics">> = {}, later = topics) {
  const directory = folder();
  const firstBroker = await openEmbedded(directory);
  const first = await openBench({ broker: firstBroker, ...topics });
  return {
    first,
    second: async () => {
      await first.close();
      await firstBroker.close();
      return openBench({ broker: await openEmbedded(directory), seed: 2, ...later });
    },
  };
}

describe("a durable subscription", () => {
  it("goes on after a restart where it was, with what came meanwhile", async () => {
    const { first, second } = await twoLives();
    const client = first.connect();
    await client.subscribe(NAMED);
    await first.publish(OTHER.name, "1:a", "2:a");
    await client.received(2);
    client.peer.closed();
    await first.publish(OTHER.name, "3:a");
    const after = await second();
    const again = after.connect();
    expect(await again.subscribe(NAMED)).toMatchObject({ recovered: true });
    expect(await again.received(1)).toEqual(["3"]);
    await after.publish(OTHER.name, "4:a");
    expect(await again.received(2)).toEqual(["3", "4"]);
  });

  it.each(["by its name", "by a token"])(
    "has what came on partitions that were added before it was back, %s",
    async (how) => {
      const grown = (partitions: number) => ({ topics: [topic("test.grown", { partitions })] });
      const { first, second } = await twoLives(grown(2), grown(4));
      const client = first.connect();
      const named = { topics: ["test.grown"], ...(how === "by its name" && { name: "desk" }) };
      await client.subscribe(named);
      await first.publish("test.grown", "1:a", "2:b");
      await client.received(2);
      await first.until(() => client.all("events").some(({ token }) => token));
      const { token } = client.all("events").findLast((frame) => frame.token);
      client.peer.closed();
      const after = await second();
      const missed = ["a", "b", "c", "d", "e", "f", "g", "h"].map((key) => `m${key}:${key}`);
      const positions = await after.publish("test.grown", ...missed);
      expect(new Set(positions.map(({ partition }) => partition))).toEqual(new Set([0, 1, 2, 3]));
      const again = after.connect();
      await again.subscribe(how === "by its name" ? named : { ...named, from: { token } });
      await after.until(() => missed.every((one) => again.ids().includes(one.split(":")[0]!)));
      expect(again.all("gap")).toEqual([]);
    },
  );

  it("that is acknowledged goes on at the oldest event that is not, so that nothing is lost", async () => {
    const { first, second } = await twoLives();
    const client = first.connect();
    const { subscription } = await client.subscribe(ACKED);
    await first.publish(OTHER.name, "1:a", "2:a", "3:a", "4:a");
    await client.received(4);
    const places = client.all("events").flatMap(positionsOf);
    client.send({ ack: { subscription, positions: [places[0], places[2]] } });
    client.peer.closed();
    const after = await second();
    const again = after.connect();
    await again.subscribe(ACKED);
    expect(await again.received(3)).toEqual(["2", "3", "4"]);
  });

  it("goes on after a crash no later than its last saved place", async () => {
    const directory = folder();
    const broker = await openEmbedded(directory);
    const first = await openBench({ broker });
    const client = first.connect();
    const { subscription } = await client.subscribe(ACKED);
    await first.publish(OTHER.name, "1:a", "2:a");
    await client.received(2);
    client.send({ ack: { subscription, positions: [client.all("events").flatMap(positionsOf)[0]] } });
    await first.pass(1_100);
    await first.until(() => true);
    // A second replica, while the first is still there: what is in the log is what a crash would leave.
    while (!(await isSaved(broker))) await first.until(() => true);
    const again = (await openBench({ broker, seed: 2 })).connect();
    await again.subscribe(ACKED);
    expect(await again.received(1)).toEqual(["2"]);
  });

  it("starts where it is told to, rather than where it was, when it names a start", async () => {
    const bench = await openBench();
    const client = bench.connect();
    await client.subscribe(NAMED);
    await bench.publish(OTHER.name, "1:a");
    await client.received(1);
    client.peer.closed();
    const again = bench.connect();
    await again.subscribe({ ...NAMED, from: { earliest: true } });
    expect(await again.received(1)).toEqual(["1"]);
  });

  it("has one subscriber at a time, and is free when that one ends or leaves", async () => {
    const bench = await openBench();
    const client = bench.connect();
    const { subscription } = await client.subscribe(NAMED);
    const other = bench.connect();
    expect(await other.refusal({ subscribe: NAMED })).toEqual(["name_taken", "subscribe.name"]);
    expect(await client.refusal({ subscribe: NAMED })).toEqual(["name_taken", "subscribe.name"]);
    await client.request({ unsubscribe: { subscription } });
    await other.subscribe(NAMED);
    other.peer.closed();
    await client.subscribe(NAMED);
  });

  it("that was refused for another reason leaves its name free", async () => {
    const client = (await openBench()).connect();
    await client.refusal({ subscribe: { ...NAMED, from: { after: { positions: [{ topic: "x" }] } } } });
    await client.subscribe(NAMED);
  });

  it("keeps its place while it is not acknowledged, as far as it was written", async () => {
    const bench = await openBench();
    const client = bench.connect();
    const { subscription } = await client.subscribe(NAMED);
    await bench.publish(OTHER.name, "1:a");
    await client.received(1);
    await client.request({ unsubscribe: { subscription } });
    await bench.publish(OTHER.name, "2:a");
    await client.subscribe(NAMED);
    expect(await client.received(2)).toEqual(["1", "2"]);
  });

  it("that is forgotten starts anew when its name is used again, after a restart too", async () => {
    const { first, second } = await twoLives();
    const client = first.connect();
    const { subscription } = await client.subscribe(ACKED);
    await first.publish(OTHER.name, "1:a");
    await client.received(1);
    expect(await client.request({ unsubscribe: { subscription, forget: true } })).toEqual({
      unsubscribed: { subscription },
    });
    const after = await second();
    await after.publish(OTHER.name, "2:a");
    const again = after.connect();
    await again.subscribe(ACKED);
    await after.publish(OTHER.name, "3:a");
    expect(await again.received(1)).toEqual(["3"]);
  });

  it("is forgotten in the log before the answer comes", async () => {
    const broker = await openEmbedded();
    const bench = await openBench({ broker });
    const client = bench.connect();
    const { subscription } = await client.subscribe(NAMED);
    await bench.pass(1_100);
    while (!(await isSaved(broker))) await bench.until(() => true);
    await client.request({ unsubscribe: { subscription, forget: true } });
    // As a crash would leave it.
    const other = await openBench({ broker, seed: 2 });
    await bench.publish(OTHER.name, "1:a");
    const again = other.connect();
    await again.subscribe(NAMED);
    await bench.publish(OTHER.name, "2:a");
    expect(await again.received(1)).toEqual(["2"]);
  });

  it("cannot be forgotten when it has no name, and goes on then", async () => {
    const bench = await openBench();
    const client = bench.connect();
    const { subscription } = await client.subscribe({ topics: [OTHER.name] });
    const forget = { unsubscribe: { subscription, forget: true } };
    expect(await client.refusal(forget)).toEqual(["invalid_request", "unsubscribe.forget"]);
    await bench.publish(OTHER.name, "1:a");
    expect(await client.received(1)).toEqual(["1"]);
  });

  it("belongs to the one who made it: the same name of somebody else is another", async () => {
    const guard: Guard = {
      identify: ({ token = "nobody" }) => ({ subject: token, attributes: {} }),
      authorize: () => undefined,
    };
    const bench = await openBench({ guard });
    const clientOf = async (token: string, subscribe: Frame) => {
      const client = bench.connect();
      await client.request({ authenticate: { token } });
      await client.subscribe(subscribe);
      return client;
    };
    const anna = await clientOf("anna", NAMED);
    await bench.publish(OTHER.name, "1:a");
    await anna.received(1);
    anna.peer.closed();
    await bench.publish(OTHER.name, "2:a");
    const bob = await clientOf("bob", NAMED);
    const back = await clientOf("anna", NAMED);
    expect(await back.received(1)).toEqual(["2"]);
    expect(bob.ids()).toEqual([]);
    // Neither does a slash make one out of two.
    await clientOf("anna/b", { ...NAMED, name: "c" });
    await clientOf("anna", { ...NAMED, name: "b/c" });
  });
});
