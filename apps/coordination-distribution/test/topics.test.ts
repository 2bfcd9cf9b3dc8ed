import { WORLD_EVENT_TYPES, WORLD_TOPICS } from "@distribution/simulated-world";
import { describe, expect, it } from "vitest";
import { COORDINATION_ROUTES, HIGHEST_PRIORITY } from "../src/domain/routes.ts";
import { COORDINATION_TOPICS, EVENT_TYPES, TOPICS } from "../src/domain/topics.ts";

const byName = new Map(COORDINATION_TOPICS.map((topic) => [topic.name, topic]));

describe("the topics", () => {
  it("are those of the service, each once, and the simulated upstream calls them and their events the same", () => {
    expect([...byName.keys()].sort()).toEqual(Object.values(TOPICS).toSorted());
    const { urgent: _, ...published } = TOPICS;
    expect(published).toEqual(WORLD_TOPICS.coordination);
    expect(EVENT_TYPES).toEqual(WORLD_EVENT_TYPES.coordination);
  });

  it("take each event type on one topic, and on those that a route copies it to", () => {
    const published = COORDINATION_TOPICS.filter(({ name }) => name !== TOPICS.urgent);
    const types = published.flatMap(({ eventTypes }) => eventTypes.map(({ type }) => type));
    expect(types.toSorted()).toEqual(Object.values(EVENT_TYPES).toSorted());
    for (const { when, to } of COORDINATION_ROUTES) {
      const home = published.find(({ eventTypes }) => eventTypes.some(({ type }) => when.types?.includes(type)));
      expect(to[0], "a published event's position is that of the topic that is its home").toBe(home?.name);
      for (const topic of to) {
        expect(byName.get(topic)?.eventTypes.map(({ type }) => type)).toEqual(expect.arrayContaining([...when.types!]));
      }
    }
  });

  it("bound everything they keep", () => {
    for (const { partitions, retention, ringBytes, table } of COORDINATION_TOPICS) {
      expect(partitions).toBeGreaterThan(0);
      expect(retention.ms).toBeGreaterThan(0);
      expect(retention.bytes).toBeGreaterThan(ringBytes);
      if (table) expect(table.bytes).toBeGreaterThan(0);
    }
  });

  it("of what is urgent overtake all others in a session that is behind", () => {
    const urgent = COORDINATION_TOPICS.filter(({ priority = 0 }) => priority > 0).map(({ name }) => name);
    expect(urgent).toEqual([TOPICS.urgent]);
    expect(byName.get(TOPICS.urgent)?.priority).toBe(HIGHEST_PRIORITY);
  });

  it("keep a table of what has a latest value, and none of what policies say", () => {
    const without = COORDINATION_TOPICS.filter(({ table }) => !table).map(({ name }) => name);
    expect(without).toEqual([TOPICS.policies]);
  });
});
