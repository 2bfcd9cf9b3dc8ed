import type { EventToPublish } from "@distribution/client";
import { DOMAINS } from "@distribution/simulated-world";
import { expect, test } from "vitest";
import { createLanes, type Publish } from "../src/domains/lanes.ts";
import { type Told, worldMix } from "../src/domains/mix.ts";

test.each(DOMAINS)("the mix of %s is its own, in the order of time, and no event comes twice", (domain) => {
  const mix = worldMix(domain, 2_000);
  expect(mix).toHaveLength(2_000);
  expect(new Set(mix.map(({ event }) => `${event.source} ${event.id}`)).size).toBe(2_000);
  expect(mix.every(({ topic }) => topic.startsWith(`${domain}.`))).toBe(true);
  expect(mix.every(({ at }, index) => index === 0 || mix[index - 1]!.at <= at)).toBe(true);
});

const told = (topic: string, from: number, count: number, bytes = 10): Told[] =>
  Array.from({ length: count }, (_, index) => ({
    topic,
    at: 0n,
    event: { id: String(from + index), source: "/s", type: "t.v1", data: new Uint8Array(bytes) },
  }));

/** Publishes that are answered when the test says so. */
function held() {
  const published: { topic: string; events: EventToPublish[]; answer: () => void; refuse: (error: Error) => void }[] =
    [];
  const publish: Publish = (topic, events) =>
    new Promise<void>((answer, refuse) => void published.push({ topic, events, answer, refuse }));
  return { publish, published };
}

test("a topic has one publish under way, bounded in events and in bytes, and keeps its order", async () => {
  const { publish, published } = held();
  const lanes = createLanes(publish);
  lanes.push([...told("a", 0, 700), ...told("b", 0, 3, 200_000)]);
  await expect.poll(() => published.length).toBe(2);
  expect(published.map(({ topic, events }) => [topic, events.length])).toEqual([
    ["a", 500],
    ["b", 1],
  ]);
  lanes.push(told("a", 700, 10));
  for (let answered = 0; answered < 5; answered += 1) {
    await expect.poll(() => published.length).toBeGreaterThan(answered);
    published[answered]!.answer();
  }
  await lanes.settled();
  const ids = published.filter(({ topic }) => topic === "a").flatMap(({ events }) => events.map(({ id }) => id));
  expect(ids).toEqual(Array.from({ length: 710 }, (_, index) => String(index)));
});

test("a refusal is told to whoever waits", async () => {
  const { publish, published } = held();
  const lanes = createLanes(publish);
  lanes.push(told("a", 0, 1));
  await expect.poll(() => published.length).toBe(1);
  published[0]!.refuse(new Error("not allowed"));
  await expect(lanes.settled()).rejects.toThrow("not allowed");
});
