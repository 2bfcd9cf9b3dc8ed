import { Event, EventClass } from "@distribution/proto-types/distribution/v1/event";
import { expect, test } from "vitest";
import { messageOf, registry } from "../src/descriptors.ts";

test("every message of proto/ is found by its full name, with its fields", () => {
  const event = messageOf("distribution.v1.Event");
  expect(event.fields.find(({ name }) => name === "content_type")?.number).toBe(8);
  expect(registry.getEnum("distribution.v1.EventClass")?.values.length).toBeGreaterThan(1);
});

test("a name that proto/ does not define is refused by name", () => {
  expect(() => messageOf("distribution.v1.Nothing")).toThrow("distribution.v1.Nothing");
});

test("generated code keeps 64-bit numbers and absent fields through a round trip", () => {
  const event = Event.create({ id: "1", time: 2n ** 62n + 1n, class: EventClass.TRADE });
  const read = Event.decode(Event.encode(event).finish());
  expect(read).toEqual(event);
  expect(read.data).toBeUndefined();
});
