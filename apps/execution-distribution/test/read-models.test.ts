import { encodeEvent } from "@distribution/core/events";
import { feedProjections } from "@distribution/core/projections";
import type { Event } from "@distribution/proto-types/distribution/v1/event";
import type { ExecutionEvent } from "@distribution/proto-types/execution/v1/execution";
import { describe, expect, it } from "vitest";
import { createReadModels, DEFAULT_BOUNDS, ORDERS_BY, type ReadModelBounds } from "../src/domain/read-models.ts";
import { governTopics } from "../src/domain/rules.ts";
import { EXECUTION_TOPICS, TOPICS } from "../src/domain/topics.ts";
import { alert, eventOf, OrderLife } from "./support/orders.ts";

function models(bounds: Partial<ReadModelBounds> = {}) {
  const readModels = createReadModels({ ...DEFAULT_BOUNDS, ...bounds });
  const feed = feedProjections(EXECUTION_TOPICS, Object.values(readModels));
  let offset = 0;
  const give = (topic: string, data: ExecutionEvent, change: Partial<Event> = {}): void => {
    offset += 1;
    const position = { topic, partition: 0, epoch: "e1", offset: `${offset}` };
    feed({ position, appendedAt: BigInt(offset), bytes: encodeEvent(eventOf(data, change)) });
  };
  const orders = (...events: ExecutionEvent[]): void => {
    for (const event of events) give(TOPICS.orders, event);
  };
  const known = (...ids: string[]) => ids.filter((id) => readModels.orders.find(id));
  return { readModels, give, orders, known };
}

describe("the orders that are kept", () => {
  const three = { orders: { keys: 3, bytes: DEFAULT_BOUNDS.orders.bytes } };

  it("are the newest, of those that ended; one that goes on is kept, however long ago it changed", () => {
    const { orders, known } = models(three);
    const resting = new OrderLife("resting");
    orders(resting.sent(), resting.acknowledged());
    for (const id of ["a", "b", "c", "d"]) {
      const life = new OrderLife(id);
      orders(life.sent(), life.rejected());
    }
    expect(known("resting", "a", "b", "c", "d")).toEqual(["resting", "c", "d"]);
    orders(resting.filled("10", "1"));
    const last = new OrderLife("e");
    orders(last.sent(), last.rejected());
    expect(known("resting", "c", "d", "e")).toEqual(["resting", "d", "e"]);
  });

  it("are so many at most, also where all of them go on", () => {
    const { readModels, orders, known } = models(three);
    for (const id of ["a", "b", "c"]) orders(new OrderLife(id).sent());
    expect(known("a", "b", "c")).toEqual(["a", "b", "c"]);
    orders(new OrderLife("d").sent());
    expect(known("a", "b", "c", "d")).toEqual(["b", "c", "d"]);
    expect(readModels.orders.stats).toMatchObject({ keys: 3, forgotten: 1 });
    expect(() => readModels.orders.read("a")).toThrow("It may have been forgotten");
  });

  it("weigh more with every fill", () => {
    const { readModels, orders } = models();
    const life = new OrderLife("a");
    orders(life.sent(), life.acknowledged());
    const before = readModels.orders.stats.bytes;
    orders(life.filled("1", "1"));
    expect(readModels.orders.stats.bytes - before).toBeGreaterThan(400);
  });
});

describe("what the log should not hold", () => {
  it("is passed over and counted, and the order is as it was", () => {
    const { readModels, orders } = models();
    const life = new OrderLife("a");
    orders(life.sent(), life.acknowledged(), life.filled("11", "1"));
    expect(readModels.orders.read("a").value.order).toMatchObject({ state: "acknowledged", executionCount: 0 });
    expect(readModels.orders.stats).toMatchObject({ events: 2, skipped: { [TOPICS.orders]: 1 } });
  });

  it.each([
    [TOPICS.confirmations, "confirmations", alert()],
    [TOPICS.alerts, "alerts", new OrderLife("a").sent()],
    [TOPICS.alerts, "alerts", alert("ALERT_KIND_UNSPECIFIED")],
  ] as const)("on %s is passed over by %s", (topic, name, event) => {
    const { readModels, give } = models();
    give(topic, event);
    expect(readModels[name].stats).toMatchObject({ keys: 0, skipped: { [topic]: 1 } });
  });
});

describe("the lists of orders", () => {
  it("have an order where it is now, and no longer where it was", () => {
    const { readModels, orders } = models();
    const life = new OrderLife("a");
    orders(life.sent());
    const counts = (...groups: string[]) => groups.map((group) => readModels.orders.count(ORDERS_BY.changed, group));
    expect(counts("s:new", "s:rejected", "p:p-1", "d:d-1", "all")).toEqual([1, 0, 1, 1, 1]);
    orders(life.rejected());
    expect(counts("s:new", "s:rejected", "p:p-1", "d:d-1", "all")).toEqual([0, 1, 1, 1, 1]);
  });
});

describe("the rules of the topics", () => {
  it("are one for each topic, and ask the read models for what the log holds", async () => {
    const { readModels, orders } = models();
    orders(new OrderLife("a").sent());
    const rules = new Map<string, { current?(key: string, event: never): unknown }>();
    governTopics({ govern: (rule) => void rules.set(rule.topic, rule) }, readModels);
    expect([...rules.keys()]).toEqual(Object.values(TOPICS));
    expect(rules.get(TOPICS.orders)?.current?.("a", undefined as never)).toBe(readModels.orders.read("a").value.order);
    expect(rules.get(TOPICS.orders)?.current?.("b", undefined as never)).toBeUndefined();
  });
});
