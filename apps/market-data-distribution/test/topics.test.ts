import { registry } from "@distribution/proto-types/descriptors";
import { describe, expect, it } from "vitest";
import { EVENT_TYPES, MARKET_DATA_TOPICS, TOPICS } from "../src/domain/topics.ts";

const byName = new Map(MARKET_DATA_TOPICS.map((topic) => [topic.name, topic]));

describe("the topics", () => {
  it("are those of the service, each once, with names the platform takes", () => {
    expect([...byName.keys()].sort()).toEqual(Object.values(TOPICS).toSorted());
    expect(byName.size).toBe(MARKET_DATA_TOPICS.length);
    for (const name of byName.keys()) expect(name).toMatch(/^[a-z0-9-]+(\.[a-z0-9-]+)*$/);
  });

  it("take each event type on one topic", () => {
    const types = MARKET_DATA_TOPICS.flatMap(({ eventTypes }) => eventTypes.map(({ type }) => type));
    expect(new Set(types).size).toBe(types.length);
    for (const type of Object.values(EVENT_TYPES)) expect(types).toContain(type);
    for (const type of types) expect(type).toMatch(/^market-data\.[a-z.-]+\.v1$/);
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
    expect(withTable).toEqual([TOPICS.trades, TOPICS.quotes, TOPICS.bars, TOPICS.status]);
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
});
