import { eventCatalogue } from "@distribution/core/transport/documents";
import { registry } from "@distribution/proto-types/descriptors";
import { WORLD_EVENT_TYPES, WORLD_TOPICS } from "@distribution/simulated-world";
import { describe, expect, it } from "vitest";
import { EXAMPLES } from "../src/domain/examples.ts";
import { BLOCKING_KINDS, isBlocking, LIMIT_NAMES, limitName, PERIOD_NAMES, periodName } from "../src/domain/names.ts";
import { PORTFOLIO_ROUTES } from "../src/domain/routes.ts";
import { nextBreach } from "../src/domain/rules/breach.ts";
import { nextMeasure } from "../src/domain/rules/performance.ts";
import { nextPosition } from "../src/domain/rules/position.ts";
import { nextRebalance } from "../src/domain/rules/rebalance.ts";
import { nextState } from "../src/domain/rules/state.ts";
import { EVENT_TYPES, PORTFOLIO_TOPICS, TOPICS } from "../src/domain/topics.ts";
import { inputOf } from "./support/events.ts";

const byName = new Map(PORTFOLIO_TOPICS.map((topic) => [topic.name, topic]));
const portfolio = registry.getMessage("portfolio.v1.PortfolioEvent");

describe("the topics", () => {
  it("are those of the service, each once", () => {
    expect([...byName.keys()].sort()).toEqual(Object.values(TOPICS).toSorted());
    expect(byName.size).toBe(PORTFOLIO_TOPICS.length);
  });

  it("are what the simulated world calls them, and so are the types of events", () => {
    expect(TOPICS).toMatchObject(WORLD_TOPICS.portfolio);
    expect(EVENT_TYPES).toEqual(WORLD_EVENT_TYPES.portfolio);
  });

  it("take each event type on one topic, and on the one that a route copies it to", () => {
    const published = PORTFOLIO_TOPICS.filter(({ name }) => name !== TOPICS.alerts);
    const types = published.flatMap(({ eventTypes }) => eventTypes.map(({ type }) => type));
    expect(types.toSorted()).toEqual(Object.values(EVENT_TYPES).toSorted());
    for (const { when, to } of PORTFOLIO_ROUTES) {
      for (const topic of to) {
        expect(byName.get(topic)?.eventTypes.map(({ type }) => type)).toEqual(expect.arrayContaining([...when.types!]));
      }
    }
  });

  it("of breaches overtake the others, and that of the alerts all of them", () => {
    const priorities = PORTFOLIO_TOPICS.flatMap(({ name, priority }) =>
      priority === undefined ? [] : [[name, priority]],
    );
    expect(priorities).toEqual([
      [TOPICS.risk, 8],
      [TOPICS.alerts, 9],
    ]);
  });

  it("bound everything they keep", () => {
    for (const { partitions, retention, ringBytes, table } of PORTFOLIO_TOPICS) {
      expect(partitions).toBeGreaterThan(0);
      expect(retention.ms).toBeGreaterThan(0);
      expect(retention.bytes).toBeGreaterThan(ringBytes);
      expect(table!.bytes).toBeGreaterThan(0);
    }
  });

  it("carry every member of the payload's oneof under one type, with an example that the rules take", () => {
    const types = PORTFOLIO_TOPICS.filter(({ name }) => name !== TOPICS.alerts).flatMap(({ eventTypes }) => eventTypes);
    expect(types.map(({ member }) => member).toSorted()).toEqual(
      portfolio?.oneofs[0]?.fields.map(({ name }) => name).toSorted(),
    );
    expect(() => eventCatalogue(PORTFOLIO_TOPICS)).not.toThrow();
    const input = (name: keyof typeof EXAMPLES, key: string) =>
      inputOf({ topic: "", type: "", id: "1", key, data: EXAMPLES[name] });
    expect(nextState(undefined, input("state", "growth"))).toBeDefined();
    expect(nextPosition(undefined, input("position", "growth/central:TEC04-USD"))).toBeDefined();
    expect(nextMeasure(undefined, input("performance", "growth/day"))).toBeDefined();
    expect(nextMeasure(undefined, input("attribution", "growth/day/attribution"))).toBeDefined();
    expect(nextBreach(undefined, input("breach", "growth/position-size/central:TEC04-USD"))).toBeDefined();
    const proposed = nextRebalance(undefined, input("rebalanceProposed", "r-7"));
    expect(nextRebalance(proposed, input("rebalanceCompleted", "r-7"))).toMatchObject({ state: "completed" });
  });

  it("have a name for every period and kind of limit that can be stated", () => {
    const stated = (message: string, field: string) =>
      (registry.getMessage(`portfolio.v1.${message}`)?.field[field]?.enum?.values ?? [])
        .slice(1)
        .map(({ name }) => name);
    expect(stated("PerformanceCalculated", "period").map((name) => periodName(name as never))).toEqual(PERIOD_NAMES);
    expect(stated("RiskLimitBreached", "kind").map((name) => limitName(name as never))).toEqual(LIMIT_NAMES);
    expect(LIMIT_NAMES.filter(isBlocking)).toEqual(BLOCKING_KINDS.map((kind) => limitName(kind)));
  });

  it("mark every amount as a decimal with its unit", () => {
    const messages = [...(portfolio?.oneofs[0]?.fields ?? [])].map(({ message }) => message!);
    const amounts = messages
      .flatMap(({ fields }) => fields)
      .filter(({ name }) => /nav|cash|value|quantity|price|cost|return|profit|limit|actual/.test(name));
    expect(amounts).toHaveLength(12);
    for (const field of amounts) {
      expect(field.proto.options?.$unknown?.map(({ no }) => no).sort()).toEqual([50001, 50002]);
    }
  });
});
