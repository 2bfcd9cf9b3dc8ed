/** Given the service's routes, when events are published, then copies of the ones they match are on the routed topics too. */

import { packEvents } from "@distribution/core/events";
import { emptyFolder, removeFolder, until } from "@distribution/testkit/service";
import { describe, expect, it } from "vitest";
import { MARKET_DATA_ROUTES } from "../../src/domain/routes.ts";
import { logOf, metric, publishJsonBatch } from "../support/rest.ts";
import { type Ports, startService } from "../support/service.ts";
import { idsOf, received, subscribe } from "../support/stream/subscription.ts";
import { websocket } from "../support/stream/websocket.ts";
import { TRADES, tradeCloudEvent, trades } from "../support/trades.ts";

const LARGE = "market-data.large-trades";
const STATUS = "market-data.status";
const ALERTS = "market-data.alerts";
/** Bytes; an event with so many is a frame of its own. */
const PADDING = 70_000;

interface TradeSize {
  readonly size: string;
  readonly instrument?: string;
  readonly lastKnown?: boolean;
}

function trade(id: string, { size, instrument = "coinbase:BTC-USD", lastKnown = false }: TradeSize) {
  const [venue, symbol] = instrument.split(":");
  const { data, ...envelope } = tradeCloudEvent({ id });
  const traded = { price: "60000", size, aggressor: "SIDE_BUY", tradeId: id, lastKnown };
  return { ...envelope, partitionkey: instrument, data: { ...data, venue, symbol, instrument, trade: traded } };
}

function status(id: string, type: "status" | "alert") {
  const { data: _, ...envelope } = tradeCloudEvent({ id });
  const alert = { kind: "FEED_ALERT_KIND_GAP", stream: "trades", count: "1" };
  return {
    ...{ ...envelope, type: `market-data.${type}.v1`, subject: "test", partitionkey: "test" },
    eventclass: type === "alert" ? "alert" : "state",
    data: { venue: "test", status: { state: "FEED_STATE_UP", ...(type === "alert" && { alert }) } },
  };
}

/** Events by the name of the route that sent them. */
async function routed(ports: Ports): Promise<Record<string, number>> {
  const response = await fetch(`http://127.0.0.1:${ports.admin}/admin/v1/routes`);
  const { routes } = (await response.json()) as { routes: { name: string; events: number }[] };
  expect(routes.map(({ name }) => name)).toEqual([...MARKET_DATA_ROUTES.map(({ name }) => name), "default"]);
  return Object.fromEntries(routes.filter(({ events }) => events > 0).map(({ name, events }) => [name, events]));
}

describe("a trade", () => {
  it("that is large for its instrument goes to the large ones too, and all others stay where they are", async () => {
    await using service = await startService();
    const { ports } = service;
    const client = await websocket("json").connect(ports);
    const large = await subscribe(client, { topics: [LARGE] });
    const all = await subscribe(client, { topics: [TRADES] });
    const { positions } = await publishJsonBatch(ports, TRADES, [
      trade("below", { size: "4.99999999" }),
      trade("at", { size: "5" }),
      trade("above", { size: "5.00000001" }),
      trade("as text it is less", { size: "10" }),
      trade("told before", { size: "100", lastKnown: true }),
      trade("of another unit", { size: "100", instrument: "bitmex:XBTUSD" }),
      trade("not listed", { size: "1000000", instrument: "test:OTHER" }),
    ]);
    expect(positions.every(({ topic }) => topic === TRADES)).toBe(true);
    await received(all, 7);
    await received(large, 3);
    expect(idsOf(large)).toEqual(["at", "above", "as text it is less"]);
    expect(idsOf(all).length).toBe(7);
    expect(large.delivered[0]!.event).toEqual(all.delivered.find(({ event }) => event.id === "at")!.event);
    const alsoInLog = await logOf(ports, LARGE);
    expect(alsoInLog.map(({ event }) => event.id)).toEqual(["at", "above", "as text it is less"]);
    expect(await routed(ports)).toMatchObject({ "large-coinbase-btc-usd": 3 });
    client.vanish();
  });

  it("that is published again is on neither topic twice, also after a restart", async () => {
    const folder = emptyFolder();
    try {
      const events = [trade("1", { size: "6" }), trade("2", { size: "1" })];
      const before = await startService({ DATA_DIR: folder });
      const first = await publishJsonBatch(before.ports, TRADES, events);
      await before.stop();
      await using after = await startService({ DATA_DIR: folder });
      expect(await publishJsonBatch(after.ports, TRADES, events)).toEqual({ ...first, duplicates: 2 });
      const ids = async (topic: string) => (await logOf(after.ports, topic)).map(({ event }) => event.id).sort();
      expect([await ids(TRADES), await ids(LARGE)]).toEqual([["1", "2"], ["1"]]);
    } finally {
      removeFolder(folder);
    }
  });
});

describe("an alert", () => {
  it("goes to the alerts too, with the highest priority; what is no alert does not", async () => {
    await using service = await startService();
    const { ports } = service;
    const client = await websocket("json").connect(ports);
    const alerts = await subscribe(client, { topics: [ALERTS] });
    await publishJsonBatch(ports, STATUS, [
      status("up", "status"),
      status("gap", "alert"),
      status("still up", "status"),
    ]);
    await received(alerts, 1);
    expect(idsOf(alerts)).toEqual(["gap"]);
    const priorities = async (topic: string) =>
      (await logOf(ports, topic)).map(({ event }) => [event.id, Number(event["priority"] ?? 0)]);
    expect(await priorities(ALERTS)).toEqual([["gap", 9]]);
    expect(await priorities(STATUS)).toEqual([
      ["up", 0],
      ["gap", 9],
      ["still up", 0],
    ]);
    expect(await routed(ports)).toMatchObject({ alerts: 1 });
    client.vanish();
  });

  it("overtakes the trades that wait for a client which reads too slowly, and of those none is lost", async () => {
    await using service = await startService();
    const { ports } = service;
    const client = await websocket("json").connect(ports);
    const everything = await subscribe(client, { topics: [TRADES, STATUS, ALERTS] });
    client.pause();
    let told = 0;
    /** A frame each. */
    const trade = async (count: number): Promise<void> => {
      const events = trades(`${told}`, count, { padding: PADDING });
      await service.ingest.publish(TRADES, packEvents(events), { subject: "desk", attributes: {} });
      told += count;
    };
    // Until sockets and system take nothing more.
    const handedOver = () => metric(ports, 'distribution_delivered_events_total{wire="websocket"}');
    while (told - ((await handedOver()) || 0) < 100) await trade(20);
    await trade(50);
    const alerts = Array.from({ length: 10 }, (_, at) => ({
      ...status(`gap-${at}`, "alert"),
      padding: "x".repeat(PADDING),
    }));
    await publishJsonBatch(ports, STATUS, alerts);
    const known = () => metric(ports, `distribution_tail_events_total{topic="${ALERTS}"}`);
    await until("all wait for the client", async () => (await known()) === alerts.length);
    client.resume();
    // Alerts are on two topics.
    await received(everything, told + 20);
    const topics = everything.delivered.map(({ position }) => position.topic);
    const last = topics.lastIndexOf(ALERTS);
    // All in one go, but for a frame in eight, which the turns of subscriptions and those of topics each let through.
    expect(last - topics.indexOf(ALERTS)).toBeLessThanOrEqual(9 + 4);
    expect(topics.slice(last).filter((topic) => topic === TRADES).length).toBeGreaterThanOrEqual(95);
    expect([everything.delivered.length, everything.breaks]).toEqual([told + 20, []]);
    client.vanish();
  });

  it("of a subscriber's own choice can be asked for by its priority, on whatever topic", async () => {
    await using service = await startService();
    const client = await websocket("json").connect(service.ports);
    const urgent = await subscribe(client, { topics: [STATUS], filter: "priority >= 9" });
    await publishJsonBatch(service.ports, STATUS, [status("up", "status"), status("gap", "alert")]);
    await received(urgent, 1);
    expect(idsOf(urgent)).toEqual(["gap"]);
    client.vanish();
  });
});
