/** Given an order's life in the log, when something is published that cannot follow on it, then it is refused and leaves no trace. */
import { fromBinary, toJson } from "@bufbuild/protobuf";
import { connect } from "@distribution/client";
import { messageOf } from "@distribution/proto-types/descriptors";
import { DistributionClient } from "@distribution/proto-types/distribution/v1/distribution";
import type { Event } from "@distribution/proto-types/distribution/v1/event";
import { credentials, type ServiceError } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TOPICS } from "../../src/domain/topics.ts";
import { alert, eventOf, OrderLife } from "../support/orders.ts";
import {
  get,
  getAfter,
  type OrderAnswer,
  publish,
  publishEvents,
  publishJson,
  publishOrders,
  refusal,
} from "../support/rest.ts";
import { type Ports, type RunningService, startService } from "../support/service.ts";

let service: RunningService;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service?.[Symbol.asyncDispose]());

const PAYLOAD = messageOf("execution.v1.ExecutionEvent");

interface Refusal {
  readonly code: string;
  readonly path: string | undefined;
  readonly message: string | undefined;
}

/** Every way to publish one event, and how it says no. */
const WAYS: readonly { readonly name: string; readonly refused: (ports: Ports, event: Event) => Promise<Refusal> }[] = [
  {
    name: "REST",
    async refused(ports, event) {
      const { code, errors } = await refusal(publishEvents(ports, TOPICS.orders, [event]));
      return { code, path: errors?.[0]?.path, message: errors?.[0]?.message };
    },
  },
  {
    name: "REST in JSON",
    async refused(ports, event) {
      const { id, source, type, key } = event;
      const data = toJson(PAYLOAD, fromBinary(PAYLOAD, event.data!));
      const cloudEvent = { specversion: "1.0", id, source, type, partitionkey: key, data };
      const { code, errors } = await refusal(publishJson(ports, TOPICS.orders, cloudEvent));
      return { code, path: errors?.[0]?.path, message: errors?.[0]?.message };
    },
  },
  {
    name: "WebSocket",
    async refused(ports, { id, source, type, key, contentType, data }) {
      await using client = connect({ url: `http://127.0.0.1:${ports.public}` });
      const failure = await client
        .publish(TOPICS.orders, { id, source, type, key, contentType, data: data! })
        .then(() => undefined)
        .catch((thrown: unknown) => thrown as { code: string; errors: { path: string; message: string }[] });
      return { code: failure?.code ?? "taken", path: failure?.errors[0]?.path, message: failure?.errors[0]?.message };
    },
  },
  {
    name: "gRPC",
    async refused(ports, event) {
      const client = new DistributionClient(`127.0.0.1:${ports.grpc}`, credentials.createInsecure());
      const failure = await new Promise<ServiceError | null>((resolve) => {
        client.publish({ topic: TOPICS.orders, batch: { events: [event] } }, resolve);
      });
      client.close();
      const code = String(failure?.metadata.get("distribution-code")[0] ?? "taken");
      const path = /events\[0\]\.[\w.]+/.exec(`events[0].${failure?.details ?? ""}`)?.[0];
      return { code, path, message: failure?.details };
    },
  },
];

describe.each(WAYS)("by $name", ({ name, refused }) => {
  const idOf = (what: string): string => `${what}-${name.replace(/\W+/g, "-")}`;

  it("what cannot follow is refused with the state that the order is in and what may follow", async () => {
    const { ports } = service;
    const life = new OrderLife(idOf("follow"));
    await publishOrders(ports, life.sent());
    expect(await refused(ports, eventOf(life.filled("1", "5")))).toEqual({
      ...{ code: "illegal_transition", path: "events[0].type" },
      message: expect.stringMatching(
        /Order \S+ is new; order-filled cannot follow\. What may follow: order-ack.*, order-rej/,
      ),
    });
  });

  it("a sum that is not that of the order's fills is refused with the field and the exact sum", async () => {
    const { ports } = service;
    const life = new OrderLife(idOf("sums"));
    await publishOrders(ports, life.sent(), life.acknowledged(), life.filled("1", "5"));
    const wrong = life.filled("2", "0.1", { filledValue: "5.20000001" });
    expect(await refused(ports, eventOf(wrong))).toEqual({
      ...{ code: "illegal_transition", path: "events[0].data.fill.filled_value" },
      message: expect.stringMatching(/It is 5\.20000001; by the fills of order \S+ it is 5\.2\./),
    });
  });

  it("what no order can be is invalid, whatever came before", async () => {
    const wrong = { ...new OrderLife(idOf("invalid")).sent(), instrument: "no instrument" };
    expect(await refused(service.ports, eventOf(wrong))).toEqual({
      ...{ code: "invalid_event", path: "events[0].data.instrument" },
      message: expect.stringContaining('"no instrument" is no instrument'),
    });
  });
});

describe("what is refused", () => {
  it("has status 409 where it cannot follow, and 400 where it cannot be", async () => {
    const life = new OrderLife("status-1");
    const first = await refusal(publishOrders(service.ports, life.acknowledged()));
    expect(first).toMatchObject({ status: 409, code: "illegal_transition" });
    expect(first.detail).toContain("No order status-1 goes on here, so order-acknowledged cannot follow");
    const wrong = await refusal(publishOrders(service.ports, { ...life.sent(), eventTime: 0n }));
    expect(wrong).toMatchObject({ status: 400, code: "invalid_event" });
  });

  it("takes nothing of its batch, and the order is as it was", async () => {
    const { ports } = service;
    const life = new OrderLife("batch-1");
    const before = await publishOrders(ports, life.sent(), life.acknowledged());
    const other = new OrderLife("batch-2");
    const batch = [other.sent(), life.filled("1", "5"), life.filled("20", "5")];
    const { errors } = await refusal(publishOrders(ports, ...batch));
    expect(errors).toMatchObject([
      { path: "events[2].data.fill.last_quantity", message: expect.stringContaining("9 of") },
    ]);
    expect((await refusal(get(ports, "/orders/batch-2"))).code).toBe("not_found");
    const { order } = await getAfter<OrderAnswer>(ports, before, "/orders/batch-1");
    expect(order).toMatchObject({ state: "acknowledged", filledQuantity: "0" });
  });

  it("follows from all that came before, also in the same batch and from publishers at the same time", async () => {
    const { ports } = service;
    const life = new OrderLife("race-1", { quantity: "1" });
    await publishOrders(ports, life.sent(), life.acknowledged());
    const fill = life.filled("1", "5");
    const outcomes = await Promise.allSettled(
      ["a", "b", "c", "d"].map((id) => publishEvents(ports, TOPICS.orders, [eventOf(fill, { id: `race-${id}` })])),
    );
    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    const reasons = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [String(outcome.reason)] : []));
    for (const reason of reasons) expect(reason).toContain("409 illegal_transition");
  });

  it("is not the same event again: that gets its first position, whatever has followed since", async () => {
    const { ports } = service;
    const life = new OrderLife("again-1");
    const events = [life.sent(), life.acknowledged(), life.cancelled()].map((event) => eventOf(event));
    const first = await publishEvents(ports, TOPICS.orders, events);
    expect(await publishEvents(ports, TOPICS.orders, events)).toEqual({ ...first, duplicates: 3 });
    const changed = eventOf(life.expired(), { id: events[2]!.id });
    expect(await refusal(publishEvents(ports, TOPICS.orders, [changed]))).toMatchObject({ code: "event_conflict" });
  });

  it("is an event of a type with the payload of another, and a type that the topic does not take", async () => {
    const { ports } = service;
    const life = new OrderLife("type-1");
    const other = eventOf(life.sent(), { type: "execution.order-filled.v1" });
    expect(await refusal(publishEvents(ports, TOPICS.orders, [other]))).toMatchObject({ code: "invalid_event" });
    expect(await refusal(publish(ports, TOPICS.orders, alert()))).toMatchObject({ code: "invalid_event" });
    expect(await refusal(publish(ports, TOPICS.alerts, life.sent()))).toMatchObject({ code: "invalid_event" });
  });

  it("is an order of another key", async () => {
    const event = eventOf(new OrderLife("key-1").sent(), { key: "key-2" });
    expect(await refusal(publishEvents(service.ports, TOPICS.orders, [event]))).toMatchObject({
      ...{ code: "invalid_event", errors: [{ path: "events[0].data.order_id" }] },
    });
  });
});
