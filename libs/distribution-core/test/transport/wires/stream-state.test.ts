import { describe, expect, it, onTestFinished } from "vitest";
import type { Broker } from "../../../src/brokers/contract.ts";
import { openEngine } from "../../../src/engine.ts";
import { DistributionError } from "../../../src/errors.ts";
import { createMetrics } from "../../../src/observability/index.ts";
import { systemRuntime } from "../../../src/runtime/index.ts";
import { createLoopbackGuard, createSealer } from "../../../src/security/index.ts";
import { createRecorder, openEmbedded, put, topic, until } from "../../tail/support.ts";
import { websocketFixture } from "./websocket-fixture.ts";

const TRADES = topic("test.trades");

/** A broker whose readers can be made to fail. */
function breakable(inner: Broker) {
  let failure: Error | undefined;
  const waiting = new Set<(failure: Error) => void>();
  const broker: Broker = {
    ...inner,
    async read(...place) {
      if (failure) throw failure;
      const reader = await inner.read(...place);
      const broken = Promise.withResolvers<never>();
      broken.promise.catch(() => undefined);
      waiting.add(broken.reject);
      return { ...reader, next: (bytes) => Promise.race([reader.next(bytes), broken.promise]) };
    },
  };
  return {
    broker,
    breakOff(reason: string): void {
      failure = new DistributionError("unavailable", reason);
      for (const reject of waiting) reject(failure);
    },
    mend(): void {
      failure = undefined;
    },
  };
}

describe.each(["json", "proto"] as const)("over WebSocket, %s, a client", (format) => {
  it("hears when its stream is live, stale and why, and live again", async () => {
    const { broker, breakOff, mend } = breakable(await openEmbedded());
    const engine = await openEngine({
      ...{ name: "test", topics: [TRADES], broker, runtime: systemRuntime, logger: createRecorder() },
      sealer: createSealer(new Uint8Array(32), "test"),
      guard: createLoopbackGuard(),
      metrics: createMetrics(),
    });
    onTestFinished(() => engine.close(1_000));
    await put(broker, TRADES.name, ["1:a", "2:a"]);
    const wire = await websocketFixture(format).start(engine.sessions, { heartbeatMs: 10_000, closeTimeoutMs: 100 });
    onTestFinished(async () => {
      await wire.close();
      await wire.stop();
    });
    const client = await wire.connect();
    const all = (kind: string) => client.received.filter((frame) => frame.kind === kind).map(({ value }) => value);
    client.send({ subscribe: { topics: [TRADES.name], from: { earliest: true } } });
    await until(() => all("state").length === 1);
    const [{ channel, behind }] = all("subscribed") as [Record<string, unknown>];
    expect([behind, all("events").length]).toEqual([true, 1]);
    breakOff("The disk is full.");
    await until(() => all("state").length === 2);
    mend();
    await until(() => all("state").length === 3);
    const live = { topic: "", state: "STREAM_STATE_LIVE", reason: "", channel };
    const reason = "Partition 0 cannot be read: The disk is full.";
    expect(all("state")).toEqual([live, { topic: TRADES.name, state: "STREAM_STATE_STALE", reason, channel }, live]);
    await put(broker, TRADES.name, ["3:a"]);
    await until(() => all("events").length === 2);
  });
});
