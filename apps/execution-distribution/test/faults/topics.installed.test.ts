/** What becomes of a topic underneath a running service: retention passes a subscriber that is slow, partitions are added. */
import { setTimeout as sleep } from "node:timers/promises";
import { freePorts } from "@distribution/brokers";
import type { Started } from "@distribution/client";
import { startDomainService } from "@distribution/core";
import { packEvents } from "@distribution/core/events";
import type { TopicDefinition } from "@distribution/core/topics";
import { assertFaultless, createHistory } from "@distribution/testkit/history";
import { type Settings, serviceRunner, testFolder, until } from "@distribution/testkit/service";
import { describe, expect, it } from "vitest";
import { BROKERS } from "../../src/compose.ts";
import { readConfig } from "../../src/config.ts";
import { TOPICS } from "../../src/domain/topics.ts";
import { eventOf, OrderLife } from "../support/orders.ts";
import { ENGINES, type Engine, startBroker } from "./support/brokers.ts";
import { clientOf, follow, startDesks } from "./support/orders-under-load.ts";

const MiB = 1024 * 1024;
const LONG_MS = 180_000;

/** Retention is looked at over and over, and in small pieces. */
const EAGER: Readonly<Record<Engine, Readonly<Record<string, number>>>> = {
  kafka: { "log.retention.check.interval.ms": 300, "log.initial.task.delay.ms": 300 },
  pulsar: {
    managedLedgerMaxEntriesPerLedger: 10,
    managedLedgerMinLedgerRolloverTimeMinutes: 0,
    retentionCheckIntervalInSeconds: 1,
    brokerDeduplicationEntriesInterval: 1,
  },
};

/** As often as Kafka looks; Pulsar does when it is asked to. */
const RETENTION_LOOKS_MS = 300;

const topicOf = (change: Partial<TopicDefinition>): TopicDefinition => ({
  ...{ name: TOPICS.orders, description: "Orders, in a log that is changed underneath.", partitions: 2 },
  ...{ retention: {}, compaction: false, eventTypes: [], ringBytes: 64 * 1024, ...change },
});

/** This service with one topic and no rules. */
const startWith = (topic: TopicDefinition, settings: Settings) =>
  serviceRunner({
    name: "execution",
    main: "",
    settings: { FEED: "none" },
    start: (environment) =>
      startDomainService({
        service: { name: "execution", version: "0.1.0", description: "A service whose topics change." },
        config: readConfig(environment),
        brokers: BROKERS,
        topics: [topic],
        routes: [],
      }),
  }).startService(settings);

describe.each(ENGINES)("a topic on %s", (engine) => {
  it("whose retention passes a slow subscriber announces the gap to it, and to who comes back to what is gone", {
    timeout: LONG_MS,
  }, async () => {
    await using broker = await startBroker(engine, EAGER[engine]);
    const operator = await broker.open();
    const topic = topicOf({ partitions: 1, retention: { bytes: MiB } });
    await using service = await startWith(topic, broker.settings);
    await using client = clientOf(service.ports);
    const publish = (at: number) =>
      client.publish(topic.name, { id: `e${at}`, source: "/desk", type: "note", key: "k", data: Buffer.alloc(50_000) });
    const told: (number | "gap")[] = [];
    const hands = Promise.withResolvers<void>();
    const slow = client.subscribe({ topics: topic.name, from: "earliest", buffer: { events: 2, bytes: 200_000 } });
    const reasons: string[] = [];
    slow.on("gap", ({ reason }) => {
      reasons.push(reason);
      told.push("gap");
    });
    slow.onEvents(async (events) => {
      told.push(...events.map(({ id }) => Number(id.slice(1))));
      await hands.promise;
    });
    await slow.ready;
    const first = await publish(0);
    const EVENTS = 120;
    for (let at = 1; at < EVENTS; at += 1) await publish(at);
    const oldest = async (): Promise<number> => {
      await operator.admin.maintain();
      const [info] = await operator.admin.partitions(topic.name);
      return EVENTS - info!.events;
    };
    // All that it takes: whoever reads while it goes on may be passed once more, and is told so once more.
    let last = 0;
    let still = 0;
    const isOver = async (): Promise<boolean> => {
      await sleep(RETENTION_LOOKS_MS);
      const now = await oldest();
      still = now === last ? still + 1 : 0;
      last = now;
      return now > EVENTS / 3 && still === 6;
    };
    await until("retention is over", isOver, 90_000);
    expect(told.length, "it holds what it was given, and was given no more").toBeLessThan(EVENTS / 3);
    hands.resolve();
    await until("the last event", () => told.at(-1) === EVENTS - 1);
    // One place where events are missing, and the gap is there.
    const at = told.indexOf("gap");
    expect(told.filter((one) => one === "gap")).toHaveLength(1);
    expect(reasons).toEqual(["retention"]);
    const [before, behind] = [told.slice(0, at), told.slice(at + 1)];
    expect(before).toEqual(before.map((_, index) => index));
    expect(behind).toEqual(behind.map((_, index) => EVENTS - behind.length + index));
    expect(before.length + behind.length).toBeLessThan(EVENTS);

    const late = client.subscribe({ topics: topic.name, from: { after: first.positions } });
    const started: Started[] = [];
    late.on("started", (one) => void started.push(one));
    const gaps: string[] = [];
    late.on("gap", ({ reason }) => void gaps.push(reason));
    let newest = "";
    late.onEvents((events) => {
      newest = events.at(-1)!.id;
    });
    await until("what is kept", () => newest === `e${EVENTS - 1}`);
    expect(started).toMatchObject([{ recovered: false }]);
    expect(gaps).toEqual(["retention"]);
    await operator.close();
  });

  it("that is given more partitions is read on all of them at once, and written by those that are told of them", {
    timeout: LONG_MS,
  }, async () => {
    await using broker = await startBroker(engine);
    const operator = await broker.open();
    const [port] = await freePorts(1);
    const settings = { ...broker.settings, PORT: String(port), DATA_DIR: testFolder() };
    const history = createHistory();
    const eventsOf = async () => (await operator.admin.partitions(TOPICS.orders)).map(({ events }) => events);
    /** As a newer deployment does, which has the new number. */
    const write = async (id: string, partition: number): Promise<void> => {
      const life = new OrderLife(id, { quantity: "1" });
      const event = { ...eventOf(life.sent(), { id }), key: id };
      history.publish(id, id);
      await operator.append([{ topic: TOPICS.orders, partition, batch: packEvents([event]) }]);
      history.settle(id, "acknowledged");
    };
    const hasAll = () => history.report().lost.count === 0;
    const first = await startWith(topicOf({}), settings);
    await using follower = await follow(first.ports, history.observer("a stream"), {});
    const leaving = clientOf(first.ports);
    const left = leaving.subscribe({ topics: TOPICS.orders, from: "earliest" });
    await left.ready;
    const places = left.positions();
    expect(places).toHaveLength(2);
    await leaving.close();
    await using client = clientOf(first.ports);
    const before = startDesks(client, history, 6);
    await before.more(200);
    const { name, retention, compaction } = topicOf({});
    await operator.admin.ensureTopic({ name, retention, compaction, partitions: 4 });
    // What is there when the partition is seen comes, too.
    await write("early", 3);
    await first.tail.look(TOPICS.orders);
    await write("late", 3);
    await before.more(200);
    await before.stop();
    // A key that moves to another partition is in order for those alone who have read what it had before.
    await until("the stream has all so far", hasAll);
    expect(await eventsOf()).toEqual([expect.any(Number), expect.any(Number), 0, 2]);
    expect(first.health.read().reasons).toEqual([]);
    await first.stop();
    await expect(startWith(topicOf({}), settings), "with fewer than there are").rejects.toMatchObject({
      code: "invalid_request",
      message: expect.stringMatching(/^partitions: .*4/),
    });
    // The stream has never had anything of this partition.
    await write("while away", 2);
    await using second = await startWith(topicOf({ partitions: 4 }), settings);
    const after = startDesks(client, history, 6, "west");
    await after.more(400);
    await after.stop();
    await using back = await follow(second.ports, history.observer("who was away since before"), {
      from: { after: places, complete: true },
    });
    expect([...before.refusals, ...after.refusals]).toEqual([]);
    await until("both have all", hasAll);
    for (const events of await eventsOf()) expect(events).toBeGreaterThan(0);
    const report = history.report();
    assertFaultless(report);
    expect(report.acknowledged).toBe(report.published);
    expect(follower.resumed).toBe(1);
    expect([...follower.gaps, ...back.gaps]).toEqual([]);
    expect(second.health.read().reasons).toEqual([]);
    await operator.close();
  });
});
