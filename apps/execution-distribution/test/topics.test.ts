import { createPayloadCodec } from "@distribution/core/events";
import { eventCatalogue } from "@distribution/core/transport/documents";
import { messageOf, registry } from "@distribution/proto-types/descriptors";
import { ExecutionEvent } from "@distribution/proto-types/execution/v1/execution";
import { describe, expect, it } from "vitest";
import { EXAMPLES } from "../src/domain/examples.ts";
import { EXECUTION_ROUTES } from "../src/domain/routes.ts";
import { EVENT_TYPES, EXECUTION_TOPICS, TOPICS } from "../src/domain/topics.ts";
import { next } from "./support/next-order.ts";

const byName = new Map(EXECUTION_TOPICS.map((topic) => [topic.name, topic]));
const typesOf = (topic: string) => byName.get(topic)?.eventTypes.map(({ type }) => type) ?? [];

describe("the topics", () => {
  it("are those of the service, each once, with names the platform takes", () => {
    expect([...byName.keys()]).toEqual(Object.values(TOPICS));
    for (const name of byName.keys()) expect(name).toMatch(/^execution\.[a-z-]+$/);
  });

  it("take each event type on one topic, and on those that a route copies it to", () => {
    const types = EXECUTION_TOPICS.flatMap(({ eventTypes }) => eventTypes.map(({ type }) => type));
    const copied = [EVENT_TYPES.orderRejected];
    expect(types.toSorted()).toEqual([...Object.values(EVENT_TYPES), ...copied].toSorted());
    for (const type of types) expect(type).toMatch(/^execution\.[a-z-]+\.v1$/);
    for (const { when, to, priority } of EXECUTION_ROUTES) {
      expect(priority).toBe(9);
      for (const topic of to) expect(typesOf(topic)).toEqual(expect.arrayContaining([...when.types!]));
    }
  });

  it("bound everything they keep, and keep orders for as long as one may rest at a venue", () => {
    for (const { partitions, retention, ringBytes, table } of EXECUTION_TOPICS) {
      expect(partitions).toBeGreaterThan(0);
      expect(retention.ms).toBe(90 * 86_400_000);
      expect(retention.bytes).toBeGreaterThan(ringBytes);
      expect(table?.keys).toBeGreaterThan(0);
    }
  });

  it("of alerts overtake all others in a session that is behind", () => {
    const priorities = EXECUTION_TOPICS.map(({ priority = 0 }) => priority);
    expect(priorities).toEqual([0, 0, 9]);
  });

  it("describe their payload, in which prices, quantities and amounts are decimals and have units", () => {
    const amounts = ["OrderNew", "Fill", "OrderReplaced", "TradeConfirmed"].flatMap((message) =>
      (registry.getMessage(`execution.v1.${message}`)?.fields ?? []).filter(({ name }) =>
        /price|quantity|fee|value/.test(name),
      ),
    );
    expect(amounts).toHaveLength(13);
    for (const field of amounts) {
      expect(field.proto.options?.$unknown?.map(({ no }) => no).sort(), field.name).toEqual([50001, 50002]);
    }
  });
});

describe("the catalogue", () => {
  it("has each type with its version, its own fields and an example", () => {
    const entries = eventCatalogue(EXECUTION_TOPICS);
    expect(new Set(entries.map(({ type }) => type))).toEqual(new Set(Object.values(EVENT_TYPES)));
    for (const { version, example } of entries) expect([version, example]).toEqual([1, expect.any(Object)]);
    const fill = entries.find(({ type }) => type === EVENT_TYPES.orderFilled)!;
    expect(fill.fields.find(({ path }) => path === "data.fill.filled_value")).toMatchObject({
      ...{ type: "decimal", unit: "quote currency" },
    });
    expect(fill.fields.some(({ path }) => path.startsWith("data.order_new"))).toBe(false);
  });

  it("has examples of one order that can have happened", () => {
    const codec = createPayloadCodec(messageOf("execution.v1.ExecutionEvent"));
    const events = (...names: (keyof typeof EXAMPLES)[]) =>
      names.map((name) => ExecutionEvent.decode(codec.fromJson(EXAMPLES[name], name)));
    const ends = ["orderCancelled", "orderExpired"] as const;
    for (const end of ends) {
      const [first, ...others] = events("orderNew", "orderAcknowledged", "orderFilled", "orderReplaced", end);
      const order = others.reduce((before, event) => next(before, event), next(undefined, first!));
      expect(order).toMatchObject({ quantity: "2", filledQuantity: "1" });
    }
    const [sent, rejected] = events("orderNew", "orderRejected");
    expect(next(next(undefined, sent!), rejected!).state).toBe("rejected");
  });
});
