import { describe, expect, test } from "vitest";
import type { Broker } from "../../src/brokers/contract.ts";
import { DistributionError } from "../../src/errors.ts";
import { packEvents } from "../../src/events/index.ts";
import { createIngest } from "../../src/ingest/index.ts";
import { createMetrics } from "../../src/observability/index.ts";
import { createRouter } from "../../src/routing/index.ts";
import { systemRuntime } from "../../src/runtime/index.ts";
import { ANONYMOUS, createLoopbackGuard } from "../../src/security/index.ts";
import { parseFilter } from "../../src/subscriptions/filter/index.ts";
import { createMatcher } from "../../src/subscriptions/matcher/index.ts";
import { createPipeline, rename } from "../../src/transforms/index.ts";
import {
  createHeldBroker,
  createStoppedRuntime,
  Disk,
  EventClass,
  event,
  idsIn,
  open,
  refusal,
  topic,
} from "./support.ts";

describe("after a restart", () => {
  test("events of before are known, with their positions and their bodies", async () => {
    await using disk = new Disk();
    const topics = [topic("md.trades", 3), topic("md.quotes")];
    const events = Array.from({ length: 20 }, (_, index) =>
      event(`e${index}`, { key: `k${index}`, sequence: BigInt(index) }),
    );
    const before = await open({ broker: await disk.open(), topics });
    const { positions } = await before.publish(events);
    await before.publish([event("q", { source: "/other" })], "md.quotes");

    const after = await open({ broker: await disk.open(), topics });
    const again = await after.publish(events);
    expect(again.duplicates).toBe(20);
    expect(again.positions).toEqual(positions);
    expect((await after.publish([event("q", { source: "/other" })], "md.quotes")).duplicates).toBe(1);
    await refusal(after.publish([event("new"), event("e3", { key: "k9" })]), "event_conflict", "events[1]");
  });

  test("what ingest itself wrote into an event is no other body, and several destinations have one answer", async () => {
    await using disk = new Disk();
    const eventTypes = [{ type: "md.trade", class: EventClass.TRADE, description: "", key: "" }];
    const options = {
      topics: [topic("md.trades", 2, { eventTypes }), topic("md.large", 2)],
      routes: [{ name: "large", when: {}, to: ["md.large", "md.trades"], priority: 7, regions: ["eu", "us"] }],
    };
    const published = event("1", { priority: 2, extensions: { a: { value: { $case: "boolean", value: true } } } });
    const before = await open({ broker: await disk.open(), ...options });
    const { positions } = await before.publish([published, event("2")]);
    expect(positions[0]!.topic).toBe("md.trades");
    const after = await open({ broker: await disk.open(), ...options });
    const again = await after.publish([published, event("2")]);
    expect(again.duplicates).toBe(2);
    expect(again.positions).toEqual(positions);
  });

  test("only the newest events within the window are known", async () => {
    await using disk = new Disk();
    const bounds = { windowEvents: 5, batchEvents: 5, inFlightEvents: 5 };
    const before = await open({ broker: await disk.open(), topics: [topic("md.trades", 2)], bounds });
    for (let index = 0; index < 12; index += 1) await before.publish([event(`e${index}`, { key: `k${index}` })]);
    const after = await open({ broker: await disk.open(), topics: [topic("md.trades", 2)], bounds });
    for (let index = 11; index >= 7; index -= 1) {
      expect((await after.publish([event(`e${index}`, { key: `k${index}` })])).duplicates).toBe(1);
    }
    expect((await after.publish([event("e6", { key: "k6" })])).duplicates).toBe(0);
  });

  test("a batch in the log may be larger than what may be under way, or than the window", async () => {
    await using disk = new Disk();
    const before = await open({ broker: await disk.open() });
    const events = Array.from({ length: 50 }, (_, index) => event(`e${index}`));
    const { positions } = await before.publish(events);
    const bounds = { windowEvents: 10, batchEvents: 4, inFlightEvents: 4 };
    const after = await open({ broker: await disk.open(), bounds });
    const again = await after.publish(events.slice(46));
    expect(again.duplicates).toBe(4);
    expect(again.positions).toEqual(positions.slice(46));
    expect((await after.publish([event("e0")])).duplicates).toBe(0);
  });

  test("events of long ago are found as far back as the window goes, and keep their age", async () => {
    await using disk = new Disk();
    const before = await open({ broker: await disk.open() });
    await before.publish([event("1")]);
    const runtime = createStoppedRuntime();
    runtime.advance(300_000);
    const bounds = { windowMs: 400_000 };
    const after = await open({ broker: await disk.open(), runtime, bounds });
    expect((await after.publish([event("1")])).duplicates).toBe(1);
    runtime.advance(101_000);
    expect((await after.publish([event("1")])).duplicates).toBe(0);
  });

  test("no more of the log is read in one go than allowed, the newest first", async () => {
    await using disk = new Disk();
    const runtime = createStoppedRuntime();
    const broker = await disk.open();
    const before = await open({ broker, runtime });
    await before.publish([event("old")]);
    const size = (await broker.admin.partitions("md.trades"))[0]!.bytes;
    expect(await open({ broker, bounds: { restoreBytes: 1 } }).then(({ ingest }) => ingest.restore())).toMatchObject({
      events: 0,
    });
    const reads = async (restoreBytes: number) => {
      const { ingest } = await open({ broker, runtime: laterRuntime(60_000), bounds: { restoreBytes } });
      return ingest.restore();
    };
    expect(await reads(size)).toMatchObject({ events: 1 });
    expect(await reads(1)).toMatchObject({ events: 0 });
  });

  test("a pipeline's events are known by source and id", async () => {
    await using disk = new Disk();
    const pipelines = new Map([["md.trades", createPipeline({ steps: [rename({ id: "name" })] })]]);
    const before = await open({ broker: await disk.open(), pipelines });
    const { positions } = await before.publish([event("1")]);
    await refusal(before.publish([event("1", { subject: "other" })]), "event_conflict");
    const after = await open({ broker: await disk.open(), pipelines });
    expect((await after.publish([event("1")])).positions).toEqual(positions);
  });

  test("a source's sequence goes on from where it was", async () => {
    await using disk = new Disk();
    const steps: unknown[] = [];
    const before = await open({ broker: await disk.open() });
    await before.publish([event("1", { sequence: 1n }), event("2", { sequence: 2n })]);
    const after = await open({ broker: await disk.open(), onSequence: (step) => steps.push(step) });
    await after.publish([event("3", { sequence: 3n }), event("5", { sequence: 5n })]);
    expect(steps).toEqual([{ kind: "gap", topic: "md.trades", source: "/feeds/a", key: "k", expected: 4n, got: 5n }]);
  });

  test("bytes in the log that are no event are stepped over", async () => {
    await using disk = new Disk();
    const broker = await disk.open();
    const { publish } = await open({ broker });
    const foreign = { bytes: Uint8Array.of(0x0a, 1, 0xff), count: 1, bounds: Uint32Array.of(2, 3) };
    await broker.append([{ topic: "md.trades", partition: 0, batch: foreign }]);
    await publish([event("1")]);
    const after = await open({ broker: await disk.open() });
    expect((await after.publish([event("1")])).duplicates).toBe(1);
  });

  test("a damaged record costs the rest of its partition, with a line in the log, and not the start", async () => {
    await using disk = new Disk();
    const broker = await disk.open();
    const topics = [topic("md.trades"), topic("md.quotes")];
    const { publish } = await open({ broker, topics });
    await publish([event("1")]);
    await publish([event("2")], "md.quotes");
    const logged: unknown[] = [];
    const logger = { debug() {}, info() {}, warn() {}, error: (fields: object) => logged.push(fields) };
    const after = await open({ broker: damaged(broker, "md.trades", "record_damaged"), topics, logger });
    expect(logged).toMatchObject([{ topic: "md.trades", partition: 0 }]);
    expect((await after.publish([event("2")], "md.quotes")).duplicates).toBe(1);
  });

  test("a broker that cannot be read keeps ingest closed until another try", async () => {
    await using disk = new Disk();
    const broker = await disk.open();
    await (await open({ broker })).publish([event("1")]);
    await refusal(open({ broker: damaged(broker, "md.trades", "unavailable") }), "unavailable");
  });
});

describe("ingest", () => {
  test("is unavailable before it has been restored, and draining once it drains", async () => {
    const { broker, appends } = createHeldBroker();
    const topics = [topic("md.trades")];
    const metrics = createMetrics();
    const router = createRouter({ topics, parseFilter, createMatcher, metrics });
    const guard = createLoopbackGuard();
    const ingest = createIngest({ broker, topics, router, runtime: systemRuntime, metrics, guard });
    const publish = (id: string) => ingest.publish("md.trades", packEvents([event(id)]), ANONYMOUS);
    expect((await refusal(publish("1"), "unavailable")).retryAfterMs).toBe(100);
    await ingest.restore();
    const outcome = publish("1");
    let isDrained = false;
    const drained = ingest.drain().then(() => {
      isDrained = true;
    });
    await refusal(publish("2"), "draining");
    expect(isDrained).toBe(false);
    appends[0]!.accept();
    await outcome;
    await drained;
    await ingest.drain();
    expect(appends).toHaveLength(1);
  });

  test("that was drained takes nothing after a late restore", async () => {
    await using disk = new Disk();
    const broker = await disk.open();
    const { ingest, publish } = await open({ broker });
    await ingest.drain();
    await ingest.restore();
    await refusal(publish([event("1")]), "draining");
    expect(await idsIn(broker, "md.trades")).toEqual([]);
  });
});

function laterRuntime(ms: number) {
  const runtime = createStoppedRuntime();
  runtime.advance(ms);
  return runtime;
}

function damaged(broker: Broker, name: string, code: "record_damaged" | "unavailable"): Broker {
  return {
    ...broker,
    async read(topicName, partition, from) {
      const reader = await broker.read(topicName, partition, from);
      if (topicName !== name) return reader;
      return {
        start: reader.start,
        next: () => Promise.reject(new DistributionError(code, "The record is damaged.")),
        close: () => reader.close(),
      };
    },
  };
}
