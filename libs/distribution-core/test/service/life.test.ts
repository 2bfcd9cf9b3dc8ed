import type { Event } from "@distribution/proto-types/distribution/v1/event";
import { createSimulatedRuntime } from "@distribution/testkit/simulation";
import { describe, expect, it } from "vitest";
import { DistributionError } from "../../src/errors.ts";
import { decodeEvent, messageAt } from "../../src/events/index.ts";
import { createLife, lifeTopic } from "../../src/life/index.ts";
import type { Identity } from "../../src/security/index.ts";
import { createRecorder } from "../tail/support.ts";

const OWN: Identity = { subject: "service:test", attributes: {} };
const READY = { state: "ready", reasons: [] } as const;

function open() {
  const runtime = createSimulatedRuntime(1);
  const logger = createRecorder();
  const published: { topic: string; identity: Identity; events: Event[] }[] = [];
  let away = false;
  const life = createLife({
    ...{ service: "test", runtime, logger, ownIdentity: OWN },
    ingest: {
      async publish(topic, batch, identity) {
        if (away) throw new DistributionError("unavailable", "away");
        const events = Array.from({ length: batch.count }, (_, at) => decodeEvent(messageAt(batch, at)));
        published.push({ topic, identity, events });
        return { positions: [], duplicates: 0 };
      },
    },
  });
  return {
    ...{ runtime, logger, published, life },
    setAway: (value: boolean) => {
      away = value;
    },
    events: () => published.flatMap(({ events }) => events),
  };
}

const payloadOf = ({ data }: Event) => JSON.parse(String(data));

describe("what a service tells of its life", () => {
  it("goes to its own topic as its own doing, as events that the topic takes", async () => {
    const { runtime, life, published } = open();
    life.tell("status", READY);
    await runtime.run(100);
    const [{ topic, identity, events }] = published as [(typeof published)[0]];
    expect(topic).toBe("test.distribution");
    expect(identity).toBe(OWN);
    expect(events[0]).toMatchObject({ type: "test.distribution.status.v1", key: "status", class: "EVENT_CLASS_STATE" });
    expect(payloadOf(events[0]!)).toEqual(READY);
    const types = lifeTopic("test").eventTypes.map(({ type }) => type);
    expect(types).toContain(events[0]!.type);
  });

  it("is published together when it is told in one breath, 100 ms after the first of it", async () => {
    const { runtime, life, published } = open();
    life.tell("status", READY);
    await runtime.run(99);
    life.tell("health", { part: "broker", healthy: false, reasons: ["away"] });
    expect(published).toHaveLength(0);
    await runtime.run(1);
    expect(published.map(({ events }) => events.length)).toEqual([2]);
    expect(new Set(published[0]!.events.map(({ id }) => id)).size).toBe(2);
    await runtime.run(1_000);
    expect(published).toHaveLength(1);
  });

  it("has a key for each thing that it is about, so that the table keeps the newest of each", async () => {
    const { runtime, life, events } = open();
    life.tell("subscription", { change: "subscribed", session: "s", subscription: 3, topics: ["t"] });
    life.tell("error", { code: "internal", part: "ingest", message: "m" });
    life.tell("health", { part: "broker", healthy: true, reasons: [] });
    life.tell("performance", {
      ...{ windowMs: 1, eventsIn: 1, eventsDelivered: 1, sessions: 1, subscriptions: 1 },
      latencyMs: { p50: 1, p99: 2 },
    });
    await runtime.run(100);
    expect(events().map(({ key }) => key)).toEqual([
      "subscription/s/3",
      "error/ingest",
      "health/broker",
      "performance",
    ]);
  });

  it.each([
    { told: 999, published: 999 },
    { told: 1_000, published: 1_000 },
    { told: 1_001, published: 1_001 },
    { told: 5_000, published: 1_001 },
  ])("of $told in one breath is $published events, the last of which says how many were dropped", async (each) => {
    const { runtime, life, events } = open();
    for (let count = 0; count < each.told; count += 1) life.tell("status", READY);
    await runtime.run(100);
    expect(events()).toHaveLength(each.published);
    const last = payloadOf(events().at(-1)!);
    const dropped = each.told - 1_000;
    expect(last.message).toBe(dropped > 0 ? `${dropped} events of the service's own life were dropped.` : undefined);
  });

  it("that could not be published is logged at the first and the last of it, and counted in the next that is", async () => {
    const { runtime, logger, life, events, setAway } = open();
    setAway(true);
    for (let batch = 0; batch < 3; batch += 1) {
      life.tell("status", READY);
      life.tell("status", READY);
      await runtime.run(200);
    }
    expect(logger.lines.map(({ level, message }) => [level, message])).toEqual([
      ["warn", expect.stringContaining("are not published, but counted: away")],
    ]);
    setAway(false);
    for (let batch = 0; batch < 2; batch += 1) {
      life.tell("status", READY);
      await runtime.run(100);
    }
    expect(events().map(({ key }) => key)).toEqual(["status", "error/life", "status"]);
    expect(payloadOf(events()[1]!).message).toMatch(/^6 events/);
    expect(logger.lines.slice(1).map(({ level, fields }) => [level, fields])).toEqual([["info", { lost: 6 }]]);
  });

  it("is all published when it closes, and nothing is told after that", async () => {
    const { runtime, logger, life, events } = open();
    life.tell("status", READY);
    await life.close();
    expect(events()).toHaveLength(1);
    life.tell("status", READY);
    await runtime.run(1_000);
    await life.close();
    expect([events().length, logger.lines.length]).toEqual([1, 0]);
  });
});
