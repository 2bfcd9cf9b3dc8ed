import { createSimulatedRuntime } from "@distribution/testkit/simulation";
import { describe, expect, it } from "vitest";
import { createHops, createMetrics } from "../../src/observability/index.ts";

async function open() {
  const runtime = createSimulatedRuntime(1);
  const metrics = createMetrics();
  const hops = createHops(metrics, runtime.clock);
  const now = () => runtime.clock.wallNs();
  const sums = () =>
    ["ingested-appended", "appended-matched", "matched-written", "appended-written", "ingested-written"].map((hop) => {
      const { count, sum } = metrics.histogram("distribution_hop_seconds", { hop });
      return [count, Math.round(sum * 1e3)];
    });
  return { runtime, hops, now, sums };
}

const ms = (count: number): bigint => BigInt(count) * 1_000_000n;

describe("the hops of an event", () => {
  it("are timed from stamp to stamp and over the whole way", async () => {
    const { runtime, hops, now, sums } = await open();
    hops.appended(now() - ms(30), now() - ms(20));
    hops.matched();
    await runtime.run(5);
    hops.written();
    expect(sums()).toEqual([
      [1, 10],
      [1, 20],
      [1, 5],
      [1, 25],
      [1, 35],
    ]);
  });

  it("are observed once a turn, of its oldest match", async () => {
    const { runtime, hops, now, sums } = await open();
    hops.appended(now(), now());
    hops.matched();
    await runtime.run(3);
    hops.appended(now(), now());
    hops.matched();
    hops.written();
    hops.written();
    expect(sums()).toEqual([
      [2, 0],
      [1, 0],
      [1, 3],
      [1, 3],
      [1, 3],
    ]);
  });

  it("of events without an ingest stamp are known from the log on", async () => {
    const { hops, now, sums } = await open();
    hops.appended(0n, now() - ms(4));
    hops.matched();
    hops.written();
    expect(sums()).toEqual([
      [0, 0],
      [1, 4],
      [1, 0],
      [1, 4],
      [0, 0],
    ]);
  });

  it("of a stamp from a clock that is ahead take no time rather than a negative one", async () => {
    const { hops, now, sums } = await open();
    hops.appended(now() + ms(1_000), now() + ms(500));
    hops.matched();
    hops.written();
    expect(sums().map(([, sum]) => sum)).toEqual([0, 0, 0, 0, 0]);
  });

  it("are not observed when nothing was matched", async () => {
    const { hops, sums } = await open();
    hops.written();
    expect(sums().every(([count]) => count === 0)).toBe(true);
  });
});
