/** Given subscribers, when orders go on, then each has what it wants: nothing lost, nothing twice, what is urgent at one place. */
import { connect, type ReceivedEvent } from "@distribution/client";
import { AlertKind, AlertSeverity, ExecutionEvent } from "@distribution/proto-types/execution/v1/execution";
import { until } from "@distribution/testkit/service";
import { describe, expect, it } from "vitest";
import { nextOrder, type Order } from "../../src/domain/order.ts";
import { EXECUTION_ROUTES } from "../../src/domain/routes.ts";
import { TOPICS } from "../../src/domain/topics.ts";
import { alert, eventOf, OrderLife } from "../support/orders.ts";
import { get, getAfter, type OrderAnswer, publishEvents, publishOrders, refusal } from "../support/rest.ts";
import { type Ports, type RunningService, startService } from "../support/service.ts";

/** Opens a subscription, and collects what it gets. */
async function collect(service: RunningService, request: object) {
  const client = connect({ url: `http://127.0.0.1:${service.ports.public}` });
  const received: ReceivedEvent<ExecutionEvent>[] = [];
  const gaps: unknown[] = [];
  const subscription = client.subscribe({ topics: TOPICS.orders, ...request, decode: ExecutionEvent.decode });
  subscription.on("gap", (gap) => void gaps.push(gap));
  subscription.onEvents((events) => void received.push(...events));
  await subscription.ready;
  return {
    ...{ received, gaps },
    ids: () => received.map(({ id }) => id),
    has: (count: number) => until(`${count} events`, () => received.length >= count),
    [Symbol.asyncDispose]: () => client.close(),
  };
}

describe("a client that reads an order and then subscribes after the positions of the answer", () => {
  it("comes to the order as it is, each event once, whatever is published meanwhile", async () => {
    await using service = await startService();
    const { ports } = service;
    const life = new OrderLife("walk-1", { quantity: "200" });
    await publishOrders(ports, life.sent(), life.acknowledged());
    let fills = 0;
    const publishing = (async () => {
      for (; fills < 60; fills += 1) {
        const others = new OrderLife(`other-${fills}`);
        await publishOrders(ports, life.filled("1", "7.5"), others.sent());
      }
    })();
    for (const goal of [10, 25, 40]) {
      await until("some more fills", () => fills >= goal);
      const { order, positions } = await get<OrderAnswer>(ports, "/orders/walk-1");
      await using subscription = await collect(service, { keys: ["walk-1"], from: { after: positions } });
      await until("live fills", () => subscription.received.length >= 5);
      const told = subscription.received.map(({ data }) => data.payload);
      const sums = told.map((payload) => payload?.$case === "fill" && Number(payload.value.filledQuantity));
      const read = Number(order.filledQuantity);
      expect(sums).toEqual(told.map((_, at) => read + at + 1));
      expect(subscription.gaps).toEqual([]);
    }
    await publishing;
  });

  it("makes the same of the events as the service does", async () => {
    await using service = await startService();
    await using subscription = await collect(service, { from: "earliest" });
    const life = new OrderLife("same-1", { limitPrice: "10" });
    const events = [
      life.sent(),
      life.acknowledged(),
      life.filled("2", "9.5"),
      life.replaced("4", "9"),
      life.cancelled(),
    ];
    const published = await publishOrders(service.ports, ...events);
    await subscription.has(5);
    const order = subscription.received.reduce<Order | undefined>(
      (before, { key, data }) => nextOrder(before, { envelope: { ...eventOf(data), key }, payload: data }),
      undefined,
    );
    const answer = await getAfter<OrderAnswer>(service.ports, published, "/orders/same-1");
    expect(answer.order).toMatchObject({ state: order!.state, filledValue: "19", quantity: "4" });
  });
});

describe("a subscriber", () => {
  it("has the fills of an instrument above a size, compared as numbers", async () => {
    await using service = await startService();
    const filter = 'data.instrument == "east:A" && data.fill.last_quantity > 9.5';
    await using subscription = await collect(service, { filter });
    const big = new OrderLife("size-1", { instrument: "east:A", quantity: "100" });
    const fills = [big.filled("10", "1"), big.filled("9.5", "1"), big.filled("9.5001", "1")];
    await publishOrders(service.ports, new OrderLife("size-1", { instrument: "east:A", quantity: "100" }).sent());
    await publishOrders(service.ports, big.acknowledged(), ...fills);
    await subscription.has(2);
    const sizes = subscription.received.map(
      ({ data }) => data.payload?.$case === "fill" && data.payload.value.lastQuantity,
    );
    expect(sizes).toEqual(["10", "9.5001"]);
  });
});

describe("a desk that subscribes to the alerts", () => {
  const venueDown = (severity = AlertSeverity.CRITICAL) =>
    alert(AlertKind.VENUE_DOWN, {
      payload: { $case: "alert", value: { kind: AlertKind.VENUE_DOWN, severity, text: "It does not answer." } },
    });

  async function publishAll(ports: Ports): Promise<void> {
    const rejected = new OrderLife("desk-1");
    const taken = new OrderLife("desk-2");
    const orders = [rejected.sent(), taken.sent(), taken.acknowledged()].map((event) => eventOf(event));
    await publishEvents(ports, TOPICS.orders, [...orders, eventOf(rejected.rejected(), { id: "rejected" })]);
    const alerts = [eventOf(alert(), { id: "slippage" }), eventOf(venueDown(), { id: "down" })];
    await publishEvents(ports, TOPICS.alerts, alerts);
  }

  it("has alerts and rejected orders, and nothing else of any order", async () => {
    await using service = await startService();
    await using desk = await collect(service, { topics: TOPICS.alerts });
    await publishAll(service.ports);
    await desk.has(3);
    expect(desk.ids()).toEqual(["rejected", "slippage", "down"]);
    expect(desk.received[0]).toMatchObject({ key: "desk-1", type: "execution.order-rejected.v1" });
    const response = await fetch(`http://127.0.0.1:${service.ports.admin}/admin/v1/routes`);
    const { routes } = (await response.json()) as { routes: { name: string; events: number }[] };
    expect(routes.map(({ name }) => name)).toEqual([...EXECUTION_ROUTES.map(({ name }) => name), "default"]);
    expect(routes.slice(0, 2).map(({ events }) => events)).toEqual([1, 1]);
  });

  it("can ask for what is urgent alone, by its priority", async () => {
    await using service = await startService();
    await using urgent = await collect(service, { topics: "execution.>", filter: "priority == 9" });
    await publishAll(service.ports);
    await urgent.has(3);
    // The rejection is on the topic of orders, too.
    expect(urgent.ids().sort()).toEqual(["down", "rejected", "rejected"]);
  });

  it("has a rejection that was published among the alerts, after it was judged as an order's", async () => {
    await using service = await startService();
    const { ports } = service;
    const life = new OrderLife("stray-1");
    const stray = eventOf(life.rejected());
    expect(await refusal(publishEvents(ports, TOPICS.alerts, [stray]))).toMatchObject({ code: "illegal_transition" });
    await publishOrders(ports, life.sent());
    const { positions } = await publishEvents(ports, TOPICS.alerts, [stray]);
    expect(positions).toMatchObject([{ topic: TOPICS.orders }]);
    await until("the order is rejected", async () => {
      const { order } = await get<OrderAnswer>(ports, "/orders/stray-1");
      return order.state === "rejected";
    });
  });
});
