/** Given the simulated world as the upstream, when it was played for a while, then the read models are what the log says, exactly. */

import { join } from "node:path";
import { startSimulator, WORLD_EVENT_TYPES, WORLD_TOPICS } from "@distribution/simulated-world";
import { refuseBadData, testFolder, until } from "@distribution/testkit/service";
import { describe, expect, it } from "vitest";
import { EVENT_TYPES, TOPICS } from "../../src/domain/topics.ts";
import type { OrderView } from "../../src/domain/views.ts";
import { type LoggedEvent, PLACES, type Reckoned, readLog, reckon } from "../support/log.ts";
import { unitsOf } from "../support/orders.ts";
import {
  type AlertsAnswer,
  type ConfirmationsAnswer,
  type FillsAnswer,
  get,
  hasEvents,
  type OrdersAnswer,
  readPages,
} from "../support/rest.ts";
import { type Ports, startProcess, startService } from "../support/service.ts";

const EVENTS = 4_000;

/** Of orders, in so short a time; whether one expires is chance. */
const USUAL = [
  ...[EVENT_TYPES.orderNew, EVENT_TYPES.orderAcknowledged, EVENT_TYPES.orderFilled],
  ...[EVENT_TYPES.orderReplaced, EVENT_TYPES.orderCancelled, EVENT_TYPES.orderRejected],
];

const world = (folder: string) => ({
  ...{ DATA_DIR: join(folder, "data"), FEED: "simulated", FEED_WORLD: join(folder, "world.json") },
  ...{ FEED_SPEED: "max", FEED_RATE: "100" },
});

function reckonedOf(order: OrderView): Reckoned {
  const { state, quantity, filledQuantity, filledValue, fees, executionCount } = order;
  return {
    ...{ state, quantity: unitsOf(quantity, PLACES.quantity), filled: unitsOf(filledQuantity, PLACES.quantity) },
    ...{ value: unitsOf(filledValue, PLACES.amount), fees: unitsOf(fees, PLACES.amount), fills: executionCount },
  };
}

/** Within half of its last place of the exact quotient, by multiplying. */
function expectAverage({ averagePrice, filledQuantity, filledValue }: OrderView): void {
  if (filledQuantity === "0") {
    expect(averagePrice).toBeUndefined();
    return;
  }
  const { price, places } = averagePrice!;
  const quantity = unitsOf(filledQuantity, PLACES.quantity);
  const error =
    unitsOf(price, places) * quantity - unitsOf(filledValue, PLACES.amount) * 10n ** BigInt(places + 4 - 10);
  expect(2n * (error < 0n ? -error : error)).toBeLessThanOrEqual(quantity);
}

async function expectExact(ports: Ports, log: readonly LoggedEvent[]): Promise<void> {
  const orders = await readPages(ports, "/orders", (answer: OrdersAnswer) => answer.orders);
  expect(new Map(orders.map((order) => [order.orderId, reckonedOf(order)]))).toEqual(reckon(log));
  for (const order of orders) expectAverage(order);

  const filled = log.filter(({ data }) => data["fill"]);
  const days = new Set(
    filled.map(({ data }) => new Date(Number(BigInt(data.eventTime) / 1_000_000n)).toISOString().slice(0, 10)),
  );
  const fills: FillsAnswer["fills"][number][] = [];
  for (const day of days)
    fills.push(...(await readPages(ports, `/fills?date=${day}`, (answer: FillsAnswer) => answer.fills)));
  expect(fills).toHaveLength(filled.length);
  const total = (values: readonly string[]) => values.reduce((sum, value) => sum + unitsOf(value, PLACES.amount), 0n);
  expect(total(fills.map(({ value }) => value))).toBe(total(orders.map(({ filledValue }) => filledValue)));
}

describe("the world's names", () => {
  it("are those of this service", () => {
    expect(WORLD_TOPICS.execution).toEqual(TOPICS);
    expect(WORLD_EVENT_TYPES.execution).toEqual(EVENT_TYPES);
  });
});

describe("a service with the simulated world as its upstream", () => {
  it("has orders, fills, confirmations and alerts as its log says them, also after it was killed in the midst", async () => {
    const folder = testFolder();
    {
      await using killed = await startProcess(world(folder));
      await until("half of the events", () => hasEvents(killed.ports, EVENTS / 2, TOPICS.orders));
      await killed.kill("SIGKILL");
    }
    {
      await using service = await startService(world(folder));
      await until("all of the events", () => hasEvents(service.ports, EVENTS, TOPICS.orders));
    }
    await using service = await startService({ ...world(folder), FEED: "none" });
    const { ports } = service;
    const log = await readLog(ports, TOPICS.orders);
    expect(log.length).toBeGreaterThanOrEqual(EVENTS);
    expect(new Set(log.map(({ id }) => id)).size, "nothing is there twice").toBe(log.length);
    for (const type of USUAL)
      expect(
        log.some((event) => event.type === type),
        type,
      ).toBe(true);
    await expectExact(ports, log);

    const confirmed = await readLog(ports, TOPICS.confirmations);
    const confirmations = await readPages(
      ports,
      "/confirmations",
      (answer: ConfirmationsAnswer) => answer.confirmations,
    );
    expect(confirmations).toHaveLength(confirmed.length);
    const fills = new Map(log.flatMap(({ data }) => fillsIn(data)));
    const reckoned = reckon(log);
    for (const { orderId, executionId, quantity, price, fee } of confirmations) {
      const fill = fills.get(`${orderId}/${executionId}`);
      // Where the upstream stopped one topic may be ahead of the other: then the order lacks this fill.
      if (fill) expect(fill).toEqual({ quantity, price, fee });
      else expect(reckoned.get(orderId)?.state).not.toBe("filled");
    }
    const rejected = log.filter(({ type }) => type === EVENT_TYPES.orderRejected).length;
    const alerts = await readPages(ports, "/alerts", (answer: AlertsAnswer) => answer.alerts);
    expect(alerts.filter(({ kind }) => kind === "order_rejected")).toHaveLength(rejected);
    expect(alerts).toHaveLength((await readLog(ports, TOPICS.alerts)).length);
  });

  it("takes no bad data, and all that is good between", async () => {
    const folder = testFolder();
    await using service = await startService();
    const files = { worldFile: join(folder, "world.json"), progressFile: join(folder, "progress") };
    await refuseBadData(service, 30, (options) =>
      startSimulator({ domain: "execution", ...files, scenario: "bad-data", rate: 1000, speed: "max", ...options }),
    );
    const log = await readLog(service.ports, TOPICS.orders);
    expect(log.filter(({ id }) => id.endsWith("-bad"))).toEqual([]);
    await expectExact(service.ports, log);
  });

  it("does not start on a file that is no world, and lets go of its folder", async () => {
    const folder = testFolder();
    const settings = { ...world(folder), FEED_WORLD: join(import.meta.dirname, "simulator.test.ts") };
    await expect(startService(settings)).rejects.toThrow("describes no world");
    await using service = await startService({ ...settings, FEED: "none" });
    expect((await get<OrdersAnswer>(service.ports, "/orders")).orders).toEqual([]);
  });
});

type Traded = { readonly quantity: string; readonly price: string; readonly fee: string };

function fillsIn({ orderId, ...data }: LoggedEvent["data"]): (readonly [string, Traded])[] {
  const fill = data["fill"] as Record<string, string> | undefined;
  if (!fill) return [];
  const { executionId, lastQuantity: quantity = "", lastPrice: price = "", fee = "" } = fill;
  return [[`${orderId}/${executionId}`, { quantity, price, fee }]];
}
