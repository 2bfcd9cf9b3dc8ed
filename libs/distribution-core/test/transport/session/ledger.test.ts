import { describe, expect, it } from "vitest";
import { OTHER, openBench, QUOTES } from "./support.ts";

describe("a ledger", () => {
  it("comes on request, from the subscription's start to where it is, and adds up", async () => {
    const bench = await openBench();
    const client = bench.connect();
    const { subscription, positions } = await client.subscribe({ topics: [OTHER.name], keys: ["a"] });
    const published = await bench.publish(OTHER.name, "1:a", "2:b", "3:a");
    await client.received(2);
    expect(await client.ledger(subscription)).toEqual({
      ...{ subscription, from: positions, to: [published[2]], published: "3", delivered: "2" },
      counts: { filtered: "1", conflated: "0", expired: "0", dropped: "0", denied: "0", deadLettered: "0" },
    });
  });

  it("says what was conflated", async () => {
    const bench = await openBench();
    const client = bench.connect();
    const { subscription } = await client.subscribe({ topics: [OTHER.name], profile: { mode: "latest" } });
    await bench.publish(OTHER.name, "1:a", "2:a", "3:b");
    await client.received(2);
    expect(await client.ledger(subscription)).toMatchObject({
      ...{ published: "3", delivered: "2" },
      counts: { conflated: "1", filtered: "0" },
    });
  });

  it("comes at the interval that the profile names, without a ref, until the subscription ends", async () => {
    const bench = await openBench();
    const client = bench.connect();
    const { subscription } = await client.subscribe({ topics: [OTHER.name], profile: { ledgerIntervalMs: 200 } });
    await bench.publish(OTHER.name, "1:a");
    await client.received(1);
    await bench.pass(199);
    expect(client.all("ledger")).toEqual([]);
    await bench.pass(1);
    expect(client.all("ledger")).toMatchObject([{ subscription, published: "1", delivered: "1" }]);
    await bench.pass(400);
    expect(client.all("ledger")).toHaveLength(3);
    expect(client.frames.filter((frame) => frame.ledger).every(({ ref = "" }) => ref === "")).toBe(true);
    await client.request({ unsubscribe: { subscription } });
    await bench.pass(1_000);
    expect(client.all("ledger")).toHaveLength(3);
  });

  it("does not come at intervals when the profile names none", async () => {
    const bench = await openBench();
    const client = bench.connect();
    await client.subscribe({ topics: [OTHER.name] });
    await bench.pass(14_000);
    expect(client.all("ledger")).toEqual([]);
  });

  it("goes into the service's metrics, of a live subscription and of one that ended", async () => {
    const bench = await openBench();
    const client = bench.connect();
    await client.subscribe({ topics: [QUOTES.name], keys: ["a"] });
    await bench.publish(QUOTES.name, "1:a", "2:b", "3:b", "4:a");
    await client.received(2);
    await bench.pass(11_000);
    const filtered = 'distribution_undelivered_events_total{reason="filtered"} 2';
    expect(bench.metrics.render()).toContain(filtered);
    expect(bench.metrics.render()).toContain('distribution_undelivered_events_total{reason="dropped"} 0');
    client.peer.closed();
    expect(bench.metrics.render()).toContain(filtered);
  });
});
