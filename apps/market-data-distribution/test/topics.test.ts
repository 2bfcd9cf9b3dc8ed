import { eventCatalogue } from "@distribution/core/transport/documents";
import { registry } from "@distribution/proto-types/descriptors";
import { describe, expect, it } from "vitest";
import { EVENT_TYPES } from "../src/domain/event-types.ts";
import { MARKET_DATA_ROUTES } from "../src/domain/routes.ts";
import { MARKET_DATA_TOPICS, TOPICS } from "../src/domain/topics.ts";

const byName = new Map(MARKET_DATA_TOPICS.map((topic) => [topic.name, topic]));

describe("the topics", () => {
  it("are those of the service, each once, with names the platform takes", () => {
    expect([...byName.keys()].sort()).toEqual(Object.values(TOPICS).toSorted());
    expect(byName.size).toBe(MARKET_DATA_TOPICS.length);
    for (const name of byName.keys()) expect(name).toMatch(/^[a-z0-9-]+(\.[a-z0-9-]+)*$/);
  });

  it("take each event type on one topic, and on those that a route copies it to", () => {
    const copies = new Set<string>([TOPICS.largeTrades, TOPICS.alerts]);
    const published = MARKET_DATA_TOPICS.filter(({ name }) => !copies.has(name));
    const types = published.flatMap(({ eventTypes }) => eventTypes.map(({ type }) => type));
    expect(types.toSorted()).toEqual(Object.values(EVENT_TYPES).toSorted());
    for (const type of types) expect(type).toMatch(/^market-data\.[a-z.-]+\.v1$/);
    for (const { when, to } of MARKET_DATA_ROUTES) {
      for (const topic of to) {
        expect(byName.get(topic)?.eventTypes.map(({ type }) => type)).toEqual(expect.arrayContaining([...when.types!]));
      }
    }
  });

  it("bound everything they keep", () => {
    for (const { partitions, retention, ringBytes } of MARKET_DATA_TOPICS) {
      expect(partitions).toBeGreaterThan(0);
      expect(retention.ms).toBeGreaterThan(0);
      expect(retention.bytes).toBeGreaterThan(ringBytes);
    }
  });

  it("keep a table of what has a latest value, and none of books, whose latest change is no book", () => {
    const withTable = MARKET_DATA_TOPICS.filter(({ table }) => table).map(({ name }) => name);
    expect(withTable).toEqual(Object.values(TOPICS).filter((name) => name !== TOPICS.books));
  });

  it("describe their payload, in which prices and sizes are marked as decimals and have units", () => {
    const optionsOf = (message: string) =>
      (registry.getMessage(`market_data.v1.${message}`)?.fields ?? [])
        .filter(({ name }) => /price|size|open|high|low|close|volume/.test(name))
        .map((field) => field.proto.options?.$unknown?.map(({ no }) => no).sort());
    for (const message of ["Trade", "Quote", "BookLevel", "Bar"]) {
      expect(optionsOf(message).length).toBeGreaterThan(1);
      for (const numbers of optionsOf(message)) expect(numbers).toEqual([50001, 50002]);
    }
    expect(byName.get(TOPICS.trades)?.message?.typeName).toBe("market_data.v1.NormalizedMarketDataEvent");
  });

  it("are in the catalogue, each type with its version and an example", () => {
    const entries = eventCatalogue(MARKET_DATA_TOPICS);
    expect(new Set(entries.map(({ type }) => type))).toEqual(new Set(Object.values(EVENT_TYPES)));
    for (const { version, example } of entries) expect([version, example]).toEqual([1, expect.any(Object)]);
  });
});
