import { messageOf } from "@distribution/proto-types/descriptors";
import { EventClass } from "@distribution/proto-types/distribution/v1/event";
import { describe, expect, it } from "vitest";
import { DistributionError } from "../../../src/errors.ts";
import type { EventTypeDefinition, TopicDefinition } from "../../../src/topics.ts";
import { eventCatalogue } from "../../../src/transport/documents/catalogue.ts";
import { startRest, TOPICS } from "../rest/rest-server.ts";

const trade: EventTypeDefinition = {
  type: "market.trade.v2",
  class: EventClass.TRADE,
  description: "A trade.",
  key: "instrument",
  member: "trade",
  example: { venue: "coinbase", exchangeTime: "1", trade: { price: "0.5", size: "2", aggressor: "SIDE_BUY" } },
};

const topic = (type: EventTypeDefinition): TopicDefinition => ({
  ...TOPICS[0]!,
  name: "test.market",
  message: messageOf("market_data.v1.NormalizedMarketDataEvent"),
  eventTypes: [type],
});

describe("the catalogue of events", () => {
  it("tells of each type its version, class, fields with unit and meaning, and an example", () => {
    const [entry] = eventCatalogue([topic(trade)]);
    expect(entry).toMatchObject({
      type: "market.trade.v2",
      version: 2,
      topic: "test.market",
      class: "trade",
      message: "market_data.v1.NormalizedMarketDataEvent",
      example: trade.example,
    });
    const fields = new Map(entry!.fields.map((field) => [field.path, field]));
    expect(fields.get("data.trade.price")).toMatchObject({ type: "decimal", unit: "quote currency" });
    expect(fields.get("data.exchange_time")).toMatchObject({ type: "int64", unit: "ns since 1970-01-01 UTC" });
    expect(fields.get("data.exchange_time")?.description).toContain("by the venue's clock");
    expect(fields.get("data.trade.aggressor")).toMatchObject({
      type: "enum",
      values: ["SIDE_UNSPECIFIED", "SIDE_BUY", "SIDE_SELL"],
    });
    expect([...fields.keys()].filter((path) => path.startsWith("data.quote"))).toEqual([]);
  });

  it("shows lists with what they hold, and types without a schema without fields", () => {
    const book = { ...trade, type: "book", member: "book", example: { book: { action: "BOOK_ACTION_DELTA" } } };
    const [entry] = eventCatalogue([topic(book)]);
    expect(entry).toMatchObject({ version: null });
    const paths = entry!.fields.map(({ path, type }) => `${path}: ${type}`);
    expect(paths).toContain("data.book.levels: list of BookLevel");
    expect(paths).toContain("data.book.levels.size: decimal");

    expect(eventCatalogue(TOPICS)).toMatchObject([{ type: "trade.v1", message: null, fields: [], example: null }]);
  });

  it.each([
    ["is no payload of the topic", { venue: 1 }],
    ["lacks what the type carries", { venue: "coinbase" }],
  ])("is not made of an example that %s", (_, example) => {
    expect(() => eventCatalogue([topic({ ...trade, example })])).toThrow("the example of market.trade.v2");
  });

  it("is served, of the topics that the caller may read, and shown on the page of documents", async () => {
    await using server = await startRest({ topics: [topic(trade), ...TOPICS] });
    const answer = await server.get("/api/v1/catalogue");
    expect(answer.status).toBe(200);
    const { events } = (await answer.json()) as { events: { type: string }[] };
    expect(events.map(({ type }) => type)).toEqual(["market.trade.v2", "trade.v1"]);
    const page = await (await server.get("/docs")).text();
    expect(page).toContain('id="event-market.trade.v2"');
    expect(page).toContain("data.trade.price");
  });

  it("leaves out what the caller may not read", async () => {
    const guard = {
      identify: () => ({ subject: "somebody", attributes: {} }),
      authorize: (_: unknown, action: { kind: string; topic?: string }) => {
        if (action.topic === "test.market") throw new DistributionError("forbidden", "not this one");
      },
    };
    await using server = await startRest({ topics: [topic(trade), ...TOPICS], guard });
    const { events } = (await (await server.get("/api/v1/catalogue")).json()) as { events: { topic: string }[] };
    expect(events.map((event) => event.topic)).toEqual(["test.trades"]);
  });
});
