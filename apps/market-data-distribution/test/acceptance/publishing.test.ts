/** Publishers that repeat, contradict themselves, reorder and leave gaps, by every way in. */
import { until } from "@distribution/testkit/service";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { logOf, publishEvents, publishJsonBatch, Refused, refusal } from "../support/rest.ts";
import { type RunningService, startService } from "../support/service.ts";
import { TRADES, tradeCloudEvent, trades } from "../support/trades.ts";
import { WAYS_IN } from "../support/ways-in.ts";

let service: RunningService;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service?.[Symbol.asyncDispose]());

/** What was stored under the ids, in log order. */
async function stored(prefix: string) {
  const events = await logOf(service.ports, TRADES);
  return events.filter(({ event }) => event.id.startsWith(`${prefix}/`));
}

const named = (prefix: string, ids: readonly string[], price = "100") =>
  ids.map((id) => tradeCloudEvent({ id: `${prefix}/${id}`, price, symbol: `WAY-${prefix.replace(/\W+/g, "-")}` }));

describe.each(WAYS_IN)("by $name", (way) => {
  it("events are durable and in the log, in order, once the answer gives their positions", async () => {
    const prefix = `${way.name} fresh`;
    const { positions, duplicates } = await way.publish(service.ports, named(prefix, ["a", "b", "c"]));
    expect(duplicates).toBe(0);
    const events = await stored(prefix);
    expect(events.map(({ event }) => event.id)).toEqual([`${prefix}/a`, `${prefix}/b`, `${prefix}/c`]);
    expect(events.map(({ position }) => position)).toEqual(positions);
  });

  it("a repeat gets the same positions and adds nothing, also among new events", async () => {
    const prefix = `${way.name} repeat`;
    const first = await way.publish(service.ports, named(prefix, ["a", "b"]));
    expect(await way.publish(service.ports, named(prefix, ["a", "b"]))).toEqual({ ...first, duplicates: 2 });
    const mixed = await way.publish(service.ports, named(prefix, ["b", "c", "a"]));
    expect(mixed.duplicates).toBe(2);
    expect([mixed.positions[2], mixed.positions[0]]).toEqual(first.positions);
    expect((await stored(prefix)).map(({ event }) => event.id)).toEqual(["a", "b", "c"].map((id) => `${prefix}/${id}`));
  });

  it("the same id with another body is a conflict, and the first stays", async () => {
    const prefix = `${way.name} conflict`;
    await way.publish(service.ports, named(prefix, ["a"]));
    const contradiction = way.publish(service.ports, named(prefix, ["a"], "101"));
    await expect(contradiction).rejects.toMatchObject({ code: "event_conflict" });
    expect(await stored(prefix)).toMatchObject([{ event: { data: { trade: { price: "100" } } } }]);
  });

  it("an event that breaks its schema is refused, naming where", async () => {
    const [good] = named(`${way.name} broken`, ["a"]);
    const broken = { ...good!, data: { ...good!.data, trade: { price: 1.5 } } };
    await expect(way.publish(service.ports, [broken])).rejects.toMatchObject({
      code: "invalid_event",
      message: expect.stringContaining("trade.price"),
    });
    expect(await stored(`${way.name} broken`)).toEqual([]);
  });
});

describe.each(WAYS_IN)("by $name, an event that its instrument's readers could not use is refused", (way) => {
  it.each([
    ["of another instrument than its key's", "key", { partitionkey: "test:ETH-USD" }, {}],
    ["of no instrument", "data.instrument", {}, { instrument: "" }],
    ["of another venue than its instrument's", "data.instrument", {}, { venue: "other" }],
    ["without a price", "data.trade.price", {}, { trade: { size: "1" } }],
    ["of a size below 0", "data.trade.size", {}, { trade: { price: "1", size: "-1" } }],
    ["of a price with zeros to spare", "data.trade.price", {}, { trade: { price: "1.50", size: "1" } }],
  ])("a trade %s, at %s", async (_what, path, attributes, fields) => {
    const [event] = named("useless", ["a"]);
    const useless = { ...event!, ...attributes, data: { ...event!.data, ...fields } };
    await expect(way.publish(service.ports, [useless])).rejects.toMatchObject({
      code: "invalid_event",
      message: expect.stringContaining(path),
    });
    expect(await stored("useless")).toEqual([]);
  });
});

describe("a book change that a book could not be built from is refused", () => {
  const BOOKS = "market-data.books";
  const change = (id: string, book: object) => ({
    ...{ specversion: "1.0", id: `books/${id}`, source: "/test/desk", type: "market-data.book.v1", eventclass: "book" },
    ...{ partitionkey: "test:BOOK", datacontenttype: "application/json" },
    data: { ...{ venue: "test", symbol: "BOOK", instrument: "test:BOOK", exchangeTime: "1", receivedTime: "2" }, book },
  });
  const DELTA = "BOOK_ACTION_DELTA";
  const good = { side: "SIDE_BUY", price: "1", size: "2" };

  it.each([
    ["without an action", "data.book.action", { levels: [good] }],
    ["of a level without a side", "data.book.levels[1].side", { action: DELTA, levels: [good, { price: "1" }] }],
    ["without a price", "data.book.levels[0].price", { action: DELTA, levels: [{ ...good, price: "" }] }],
    ["without a size", "data.book.levels[0].size", { action: DELTA, levels: [{ side: "SIDE_SELL", price: "3" }] }],
    ["of a size below 0", "data.book.levels[1].size", { action: DELTA, levels: [good, { ...good, size: "-1" }] }],
    [
      "of a price with zeros to spare",
      "data.book.levels[0].price",
      { action: DELTA, levels: [{ ...good, price: "1.50" }] },
    ],
    [
      "of a size with zeros to spare",
      "data.book.levels[0].size",
      { action: DELTA, levels: [{ ...good, size: "0.0" }] },
    ],
  ])("%s, at %s, with its batch", async (what, path, book) => {
    const batch = [change(`${what} before`, { action: DELTA, levels: [good] }), change(what, book)];
    const problem = await refusal(publishJsonBatch(service.ports, BOOKS, batch));
    expect(problem).toMatchObject({ code: "invalid_event", errors: [{ path: `events[1].${path}` }] });
    const events = await logOf(service.ports, BOOKS);
    expect(events.filter(({ event }) => event.id.startsWith(`books/${what}`))).toEqual([]);
  });

  it("and all others are in the book that is read", async () => {
    const levels = [good, { side: "SIDE_SELL", price: "3", size: "0.5" }];
    const batch = [
      change("snapshot", { action: "BOOK_ACTION_SNAPSHOT", levels }),
      change("delta", {
        action: DELTA,
        levels: [
          { ...good, size: "0" },
          { ...good, price: "-0.5" },
        ],
      }),
    ];
    await publishJsonBatch(service.ports, BOOKS, batch);
    const book = await until("the book has the change", async () => {
      const response = await fetch(`http://127.0.0.1:${service.ports.public}/api/v1/instruments/test%3ABOOK/book`);
      const answer = response.ok
        ? ((await response.json()) as { book: { bids: { price: string }[] } }).book
        : undefined;
      return answer?.bids[0]?.price === "-0.5" && answer;
    });
    expect(book).toMatchObject({
      bids: [{ price: "-0.5", size: "2" }],
      asks: [{ price: "3", size: "0.5" }],
      complete: true,
    });
  });
});

describe("the way in makes no difference", () => {
  it("what came by one is known by all others", async () => {
    const events = named("any", ["a"]);
    const answers = [];
    for (const way of WAYS_IN) answers.push(await way.publish(service.ports, events));
    const [first, ...others] = answers;
    expect(first!.duplicates).toBe(0);
    for (const [index, other] of others.entries()) {
      expect(other, WAYS_IN[index + 1]!.name).toEqual({ ...first, duplicates: 1 });
    }
  });
});

describe("a conflict over REST", () => {
  it("is answered with 409", async () => {
    await publishEvents(service.ports, TRADES, trades("http-conflict", 1));
    const refusal = await publishEvents(service.ports, TRADES, trades("http-conflict", 1, { price: "7" })).catch(
      (failure: unknown) => failure,
    );
    expect(refusal).toBeInstanceOf(Refused);
    expect(refusal).toMatchObject({ status: 409, code: "event_conflict" });
  });

  it("in a batch takes none of the batch", async () => {
    await publishEvents(service.ports, TRADES, trades("part/x", 1));
    const batch = [...trades("part/y", 3), ...trades("part/x", 1, { price: "7" })];
    await expect(publishEvents(service.ports, TRADES, batch)).rejects.toMatchObject({ code: "event_conflict" });
    expect((await stored("part")).map(({ event }) => event.id)).toEqual(["part/x-0"]);
  });
});

describe.each(WAYS_IN)("by $name, a source that leaves gaps and steps back", (way) => {
  it("is told of on market-data.distribution, and its events are taken all the same", async () => {
    const source = `/test/sequence/${way.name.replace(/\W+/g, "-")}`;
    const numbered = [1, 2, 5, 3].map((sequence) =>
      tradeCloudEvent({ id: `n${sequence}`, source, symbol: "SEQ", sequence: BigInt(sequence) }),
    );
    await way.publish(service.ports, numbered);

    const reports = await until("both steps are told", async () => {
      const life = await logOf(service.ports, "market-data.distribution", "filter=type.endsWith(%22error.v1%22)");
      const mine = life.filter(({ event }) => JSON.stringify(event.data).includes(`${source} `));
      return mine.length === 2 && mine;
    });
    expect(reports.map(({ event }) => event)).toMatchObject([
      {
        partitionkey: `error/sequence/${TRADES}`,
        data: { part: `sequence/${TRADES}`, message: `gap of ${source} at test:SEQ: expected 3, got 5` },
      },
      { data: { message: `out-of-order of ${source} at test:SEQ: expected 6, got 3` } },
    ]);
    const taken = await logOf(service.ports, TRADES, "keys=test:SEQ");
    const mine = taken.filter(({ event }) => event["source"] === source);
    expect(mine.map(({ event }) => event["sequence"])).toEqual(["1", "2", "5", "3"]);
  });
});
