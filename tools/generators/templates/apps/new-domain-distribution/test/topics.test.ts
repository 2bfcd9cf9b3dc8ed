import { eventCatalogue } from "@distribution/core/transport/documents";
import { describe, expect, it } from "vitest";
import { NEW_DOMAIN_ROUTES } from "../src/domain/routes.ts";
import { EVENT_TYPES, NEW_DOMAIN_TOPICS, TOPICS } from "../src/domain/topics.ts";

const byName = new Map(NEW_DOMAIN_TOPICS.map((topic) => [topic.name, topic]));

describe("the topics", () => {
  it("are those of the service, each once", () => {
    expect(NEW_DOMAIN_TOPICS.map(({ name }) => name)).toEqual(Object.values(TOPICS));
  });

  it("take what a route sends to them", () => {
    for (const { when, to } of NEW_DOMAIN_ROUTES) {
      for (const topic of to) {
        expect(byName.get(topic)?.eventTypes.map(({ type }) => type)).toEqual(expect.arrayContaining([...when.types!]));
      }
    }
  });

  it("bound everything they keep", () => {
    for (const { retention, ringBytes, table } of NEW_DOMAIN_TOPICS) {
      expect(retention.ms).toBeGreaterThan(0);
      expect(retention.bytes).toBeGreaterThan(ringBytes);
      expect(table?.bytes).toBeGreaterThan(0);
    }
  });

  it("are in the catalogue: every event type, with its version, an example, and units where there are any", () => {
    const entries = eventCatalogue(NEW_DOMAIN_TOPICS);
    expect(new Set(entries.map(({ type }) => type))).toEqual(new Set(Object.values(EVENT_TYPES)));
    for (const { version, example, fields } of entries) {
      expect([version, example]).toEqual([1, expect.any(Object)]);
      expect(fields).toContainEqual(
        expect.objectContaining({ path: "data.some_event.amount", type: "decimal", unit: "quote currency" }),
      );
    }
  });
});
