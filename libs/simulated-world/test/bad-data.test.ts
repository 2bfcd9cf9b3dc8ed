/** Every bad event breaks what it says it breaks, right after a good one that stays what it is. */
import type { Event } from "@distribution/proto-types/distribution/v1/event";
import { expect, test } from "vitest";
import { type BadReason, WORLD_EVENT_TYPES, type WorldEvent } from "../src/index.ts";
import { faultyDecimal } from "./support/exact.ts";
import { bytesOf } from "./support/fingerprint.ts";
import { decode } from "./support/reader.ts";
import { newWorld, take } from "./support/worlds.ts";

const events = take(newWorld({ scenario: "bad-data", rate: 2000, seed: 21 }), 60_000);
const bad = events.flatMap((told, index) => (told.bad ? [{ told, good: events[index - 1]! }] : []));
const TYPES: readonly string[] = Object.values(WORLD_EVENT_TYPES).flatMap((types) => Object.values(types));

const { execution, coordination } = WORLD_EVENT_TYPES;
const ENDS: readonly string[] = [
  execution.orderCancelled,
  execution.orderRejected,
  execution.orderExpired,
  coordination.decisionRejected,
  coordination.decisionSuperseded,
  coordination.decisionExecuted,
  coordination.decisionExpired,
];
const BEGINNINGS: readonly string[] = [execution.orderNew, coordination.decisionCoordinated];

test("a hundredth of the events is bad, of every kind and in every domain", () => {
  expect(bad.length / events.length).toBeCloseTo(0.01, 2);
  expect(new Set(bad.map(({ told }) => told.bad)).size).toBe(4);
  expect(new Set(bad.map(({ told }) => told.domain)).size).toBe(4);
});

const isBroken: Readonly<Record<BadReason, (bad: Event, good: Event, told: WorldEvent) => boolean>> = {
  "conflicting-id": (event, good) => event.id === good.id && event.time !== good.time,
  "unknown-type": (event) => !TYPES.includes(event.type),
  "malformed-decimal": (_event, _good, told) => faultyDecimal(decode(told)) !== undefined,
  "illegal-transition": (event, good) =>
    event.key === good.key && (BEGINNINGS.includes(event.type) ? !ENDS.includes(good.type) : ENDS.includes(good.type)),
};

/** What can be told without knowing what came before. */
const PLAIN = ["conflicting-id", "unknown-type", "malformed-decimal"] as const;

test.each(Object.keys(isBroken) as BadReason[])("an event that is bad by %s is that, and nothing else", (reason) => {
  const chosen = bad.filter(({ told }) => told.bad === reason);
  expect(chosen.length).toBeGreaterThan(20);
  for (const { told, good } of chosen) {
    expect(good.bad).toBeUndefined();
    expect([told.topic, told.at, told.event.source, told.event.sequence]).toEqual([
      good.topic,
      good.at,
      good.event.source,
      0n,
    ]);
    expect(isBroken[reason](told.event, good.event, told), told.event.id).toBe(true);
    for (const other of PLAIN.filter((name) => name !== reason)) {
      expect(isBroken[other](told.event, good.event, told), `${told.event.id} ${other}`).toBe(false);
    }
  }
});

test("no event comes twice with the same body", () => {
  expect(new Set(events.map((told) => `${told.domain} ${Buffer.from(bytesOf(told)).toString("base64")}`)).size).toBe(
    events.length,
  );
});
