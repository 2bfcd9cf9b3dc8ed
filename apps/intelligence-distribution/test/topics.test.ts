import { createPayloadCodec } from "@distribution/core/events";
import { eventCatalogue } from "@distribution/core/transport/documents";
import { messageOf, registry } from "@distribution/proto-types/descriptors";
import { WORLD_EVENT_TYPES, WORLD_TOPICS } from "@distribution/simulated-world";
import { describe, expect, it } from "vitest";
import { EXAMPLES } from "../src/domain/examples.ts";
import { FINDING, WORKFLOW } from "../src/domain/findings.ts";
import { INTELLIGENCE_ROUTES } from "../src/domain/routes.ts";
import {
  EVENT_TYPES,
  FINDING_TYPES,
  GOLD_TOPIC,
  INTELLIGENCE_TOPICS,
  TOPICS,
  URGENT_TOPIC,
  WORKFLOWS,
  workflowTopic,
} from "../src/domain/topics.ts";

const byName = new Map(INTELLIGENCE_TOPICS.map((topic) => [topic.name, topic]));
const copies = [URGENT_TOPIC, GOLD_TOPIC, ...WORKFLOWS.map(workflowTopic)];
const typesOf = (topic: string) => byName.get(topic)?.eventTypes.map(({ type }) => type);

describe("the topics", () => {
  it("are one for each kind of finding, and those of copies", () => {
    expect([...byName.keys()]).toEqual([...Object.values(TOPICS), ...copies]);
    for (const type of FINDING_TYPES) expect(typesOf(TOPICS[type])).toEqual([EVENT_TYPES[type]]);
    for (const topic of copies) expect(typesOf(topic)).toEqual(Object.values(EVENT_TYPES));
    for (const workflow of WORKFLOWS) expect(workflow).toMatch(WORKFLOW);
  });

  it("are those that the simulated world tells of its findings on", () => {
    expect(Object.values(WORLD_TOPICS.intelligence).toSorted()).toEqual(Object.values(TOPICS).toSorted());
    expect(WORLD_EVENT_TYPES.intelligence).toEqual(EVENT_TYPES);
  });

  it("bound everything they keep, and keep the latest of every symbol", () => {
    for (const { partitions, retention, ringBytes, table } of INTELLIGENCE_TOPICS) {
      expect(partitions).toBeGreaterThan(0);
      expect(retention.ms).toBeGreaterThan(0);
      expect(retention.bytes).toBeGreaterThan(ringBytes);
      expect(table?.keys).toBeGreaterThan(0);
    }
  });

  it("are all routine but the urgent one", () => {
    const urgent = INTELLIGENCE_TOPICS.filter(({ priority = 0 }) => priority > 0);
    expect(urgent.map(({ name, priority }) => [name, priority])).toEqual([[URGENT_TOPIC, 9]]);
  });

  it("describe their payload, in which fractions are decimals and times have units", () => {
    const fields = ["IntelligenceEvent", "Signal", "NewsItem", "Sentiment"].flatMap(
      (message) => registry.getMessage(`intelligence.v1.${message}`)?.fields ?? [],
    );
    const optionsOf = (pattern: RegExp) =>
      fields
        .filter(({ name }) => pattern.test(name))
        .map(({ proto }) => proto.options?.$unknown?.map(({ no }) => no).sort());
    expect(optionsOf(/^(confidence|strength|score)$/)).toEqual(Array(3).fill([50001, 50002]));
    expect(optionsOf(/_at$|_until$|horizon|window/)).toEqual(Array(5).fill([50002]));
  });
});

describe("the routes", () => {
  it("name topics that take the types they send there", () => {
    for (const { when, to } of INTELLIGENCE_ROUTES) {
      for (const topic of to) expect(typesOf(topic)).toEqual(expect.arrayContaining([...(when.types ?? [])]));
    }
    expect(new Set(INTELLIGENCE_ROUTES.flatMap(({ to }) => to))).toEqual(new Set(byName.keys()));
  });
});

describe("the catalogue", () => {
  it("has each type with its version, its own fields and an example that would be taken", () => {
    const codec = createPayloadCodec(messageOf("intelligence.v1.IntelligenceEvent"));
    const entries = eventCatalogue(INTELLIGENCE_TOPICS);
    expect(new Set(entries.map(({ type }) => type))).toEqual(new Set(Object.values(EVENT_TYPES)));
    for (const { version, key, example } of entries) {
      expect([version, key, example]).toEqual([1, "symbol", expect.any(Object)]);
      expect(() => FINDING.decode(codec.fromJson(example!, "example"))).not.toThrow();
    }
    const signal = entries.find(({ type }) => type === EVENT_TYPES.signal)!;
    expect(signal.fields.find(({ path }) => path === "data.signal.strength")).toMatchObject({
      ...{ type: "decimal", unit: "fraction" },
    });
    expect(signal.fields.some(({ path }) => path.startsWith("data.news"))).toBe(false);
  });

  it("has examples of findings that belong together", () => {
    const { intelligenceIds } = EXAMPLES.synthesis.synthesis;
    const others = [EXAMPLES.signal, EXAMPLES.news, EXAMPLES.sentiment].map(({ intelligenceId }) => intelligenceId);
    expect(intelligenceIds).toEqual(others);
  });
});
