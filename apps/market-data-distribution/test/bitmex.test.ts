import { BookAction, FeedAlertKind, Side } from "@distribution/proto-types/market_data/v1/market_data";
import { describe, expect, it } from "vitest";
import { createBitmexNormalizer } from "../src/domain/feeds/bitmex.ts";
import { createLevelIds } from "../src/domain/feeds/bitmex-levels.ts";
import { createInstruments } from "../src/domain/feeds/normalizer.ts";
import { parseRecordedLine } from "../src/domain/feeds/raw-message.ts";
import { RECEIVED, thrownBy } from "./support/market.ts";

const TIME = "2021-07-22T22:36:10.014Z";
const TIME_NS = 1_626_993_370_014_000_000n;

/** `message` is JSON text where its numbers matter. */
function feed() {
  const normalizer = createBitmexNormalizer();
  return (message: object | string) => {
    const text = typeof message === "string" ? message : JSON.stringify(message);
    return normalizer.normalize(parseRecordedLine(`{"receivedAt":1,"message":${text}}`).message, RECEIVED);
  };
}

const book = (action: string, ...data: object[]) => ({ table: "orderBookL2", action, data });
const row = (id: number, side: "Buy" | "Sell", fields: object = {}) => ({ symbol: "XBTUSD", id, side, ...fields });
const partial = book("partial", row(1, "Buy", { size: 10, price: 99.5 }), row(2, "Sell", { size: 20, price: 100 }));
const kinds = (normalized: { problems: readonly { kind: string }[] }) => normalized.problems.map(({ kind }) => kind);

describe("BitMEX numbers", () => {
  it("are taken digit by digit from their JSON text", () => {
    const { events } = feed()(
      `{"table":"quote","action":"insert","data":[{"timestamp":"${TIME}","symbol":"XRPU21","bidSize":15,"bidPrice":1.814e-05,"askPrice":1.819e-05,"askSize":12345678901234567890}]}`,
    );
    expect(events[0]).toMatchObject({
      instrument: "bitmex:XRPU21",
      exchangeTime: TIME_NS,
      payload: {
        value: { bidPrice: "0.00001814", bidSize: "15", askPrice: "0.00001819", askSize: "12345678901234567890" },
      },
    });
  });
});

describe("BitMEX quotes and trades", () => {
  it("have no price on a side that is empty", () => {
    const data = [{ timestamp: TIME, symbol: "XBTUSD", bidPrice: null, askPrice: 1, askSize: 2 }];
    expect(feed()({ table: "quote", action: "insert", data }).events[0]?.payload?.value).toEqual({
      bidPrice: undefined,
      bidSize: undefined,
      askPrice: "1",
      askSize: "2",
    });
  });

  it("come one event a row, with the taker's side; a partial tells what was before", () => {
    const trade = (side: string, id: string) => ({
      timestamp: TIME,
      symbol: "XBTUSD",
      side,
      size: 100,
      price: 32180.5,
      trdMatchID: id,
    });
    const told = feed()({ table: "trade", action: "insert", data: [trade("Buy", "a"), trade("Sell", "b")] });
    expect(told.events.map(({ payload }) => payload?.value)).toEqual([
      { price: "32180.5", size: "100", aggressor: Side.BUY, tradeId: "a", lastKnown: false },
      { price: "32180.5", size: "100", aggressor: Side.SELL, tradeId: "b", lastKnown: false },
    ]);
    const before = feed()({ table: "trade", action: "partial", data: [trade("Buy", "a")] });
    expect(before.events[0]?.payload).toMatchObject({ value: { lastKnown: true } });
  });

  it.each(["update", "delete"])("are never a %s", (action) => {
    expect(thrownBy(() => feed()({ table: "trade", action, data: [] }))).toMatchObject({
      errors: [{ path: "message.action" }],
    });
  });

  it("are refused as a whole when one row is bad", () => {
    const good = { timestamp: TIME, symbol: "XBTUSD", bidPrice: 1 };
    const data = [good, { ...good, bidSize: -1 }];
    expect(thrownBy(() => feed()({ table: "quote", action: "insert", data }))).toMatchObject({
      code: "invalid_event",
      errors: [{ path: "message.data[1].bidSize" }],
    });
  });
});

describe("BitMEX books", () => {
  it("take the price of an update or a deletion from the level's id", () => {
    const normalize = feed();
    expect(normalize(partial).events[0]?.payload).toMatchObject({
      value: {
        action: BookAction.SNAPSHOT,
        levels: [
          { side: Side.BUY, price: "99.5", size: "10" },
          { side: Side.SELL, price: "100", size: "20" },
        ],
      },
    });
    const levelsOf = (message: object) => normalize(message).events.map(({ payload }) => payload?.value);
    expect(levelsOf(book("update", row(1, "Buy", { size: 7 })))).toEqual([
      { action: BookAction.DELTA, levels: [{ side: Side.BUY, price: "99.5", size: "7" }] },
    ]);
    expect(levelsOf(book("delete", row(2, "Sell")))).toEqual([
      { action: BookAction.DELTA, levels: [{ side: Side.SELL, price: "100", size: "0" }] },
    ]);
    expect(levelsOf(book("insert", row(3, "Sell", { size: 5, price: 101 })))).toMatchObject([
      { levels: [{ price: "101" }] },
    ]);
    expect(levelsOf(book("update", row(3, "Sell", { size: 6 })))).toMatchObject([
      { levels: [{ price: "101", size: "6" }] },
    ]);
  });

  it("are in doubt when a level changes that is not known or is gone, while the other rows count", () => {
    const normalize = feed();
    normalize(partial);
    const changed = normalize(book("update", row(9, "Buy", { size: 1 }), row(1, "Buy", { size: 2 })));
    expect(changed.events[0]?.payload).toMatchObject({ value: { levels: [{ price: "99.5", size: "2" }] } });
    expect(changed.problems).toMatchObject([
      { kind: FeedAlertKind.BOOK_IN_DOUBT, reason: expect.stringContaining("Level 9") },
    ]);
    normalize(book("delete", row(1, "Buy")));
    expect(kinds(normalize(book("delete", row(1, "Buy"))))).toEqual([FeedAlertKind.BOOK_IN_DOUBT]);
  });

  it("place a level that is not known when the update tells its price", () => {
    const normalize = feed();
    normalize(partial);
    expect(normalize(book("update", row(9, "Buy", { size: 1, price: 98 }))).problems).toEqual([]);
  });

  it("are in doubt when a change comes before the first partial", () => {
    expect(feed()(book("insert", row(1, "Buy", { size: 1, price: 1 })))).toMatchObject({
      events: [],
      problems: [{ kind: FeedAlertKind.BOOK_IN_DOUBT, instrument: { key: "bitmex:XBTUSD" } }],
    });
  });

  it("start anew with a partial, also an empty one, which only its filter names", () => {
    const normalize = feed();
    normalize(partial);
    const empty = normalize({ ...book("partial"), filter: { symbol: "XBTUSD" } });
    expect(empty.events[0]).toMatchObject({ instrument: "bitmex:XBTUSD", payload: { value: { levels: [] } } });
    expect(kinds(normalize(book("update", row(1, "Buy", { size: 1 }))))).toEqual([FeedAlertKind.BOOK_IN_DOUBT]);
  });

  it("come one event an instrument when a message has several", () => {
    const other = { symbol: "ADAUSDT", id: 1, side: "Buy", size: 1, price: 1 };
    const { events } = feed()(book("partial", row(1, "Buy", { size: 1, price: 1 }), other));
    expect(events.map(({ symbol }) => symbol)).toEqual(["XBTUSD", "ADAUSDT"]);
  });

  it("have the time of their rows where BitMEX states one", () => {
    const normalize = feed();
    expect(normalize(partial).events[0]?.exchangeTime).toBe(0n);
    expect(normalize(book("update", row(1, "Buy", { size: 1, timestamp: TIME }))).events[0]?.exchangeTime).toBe(
      TIME_NS,
    );
  });

  it("take no row of a message in which one cannot be read, and are then in doubt", () => {
    const normalize = feed();
    normalize(partial);
    const broken = normalize(book("update", row(1, "Buy", { size: 5 }), row(2, "Sell", { size: "many" })));
    expect(broken.events).toEqual([]);
    expect(kinds(broken)).toEqual([FeedAlertKind.MALFORMED, FeedAlertKind.BOOK_IN_DOUBT]);
    expect(broken.problems[0]?.reason).toContain("message.data[1].size");
  });

  it("remember levels up to a bound, above which a level is not placed", () => {
    const add = (limit: number) => {
      const ids = createLevelIds(limit);
      return ["b1", "b2", "b1"].map((id) => typeof ids.apply({ id, side: Side.BUY, price: "1", size: "1" }));
    };
    expect(add(3)).toEqual(["object", "object", "object"]);
    expect(add(2)).toEqual(["object", "object", "object"]);
    expect(add(1)).toEqual(["object", "string", "object"]);
  });
});

describe("other BitMEX messages", () => {
  it("that greet or confirm say nothing", () => {
    expect(feed()({ info: "Welcome" })).toEqual({ events: [], problems: [] });
    expect(feed()({ success: true, subscribe: "trade" })).toEqual({ events: [], problems: [] });
  });

  it("that tell an error are reported with what BitMEX says", () => {
    expect(feed()({ status: 400, error: "bad" }).problems[0]?.reason).toBe("BitMEX says: bad");
    expect(kinds(feed()({ error: {} }))).toEqual([FeedAlertKind.VENUE_ERROR]);
  });

  it.each([{}, { table: "liquidation", action: "insert", data: [] }, { table: "__proto__" }])(
    "such as %o are not known",
    (message) => {
      expect(kinds(feed()(message))).toEqual([FeedAlertKind.UNKNOWN]);
    },
  );

  it.each([
    [{ table: 5.5, data: [] }, undefined],
    [{ table: {}, data: [] }, "message.table"],
    [{ table: "quote", data: [] }, "message.action"],
    [{ table: "quote", action: "toString", data: [] }, "message.action"],
    [{ table: "quote", action: "insert" }, "message.data"],
    [{ table: "quote", action: "insert", data: {} }, "message.data"],
    [{ table: "quote", action: "insert", data: [null] }, "message.data[0]"],
    [{ table: "quote", action: "insert", data: [{}] }, "message.data[0].symbol"],
    [{ table: "orderBookL2", action: "partial", data: [{ symbol: "__proto__" }] }, "message.data[0].symbol"],
  ])("such as %o are refused at %s", (message, path) => {
    if (path === undefined) expect(kinds(feed()(message))).toEqual([FeedAlertKind.UNKNOWN]);
    else expect(thrownBy(() => feed()(message))).toMatchObject({ code: "invalid_event", errors: [{ path }] });
  });
});

describe("the instruments of a feed", () => {
  it("are bounded, and those that are known go on", () => {
    const instruments = createInstruments("bitmex", 2);
    instruments.of("A", "s");
    instruments.of("B", "s");
    expect(thrownBy(() => instruments.of("C", "s"))).toMatchObject({ code: "invalid_event", errors: [{ path: "s" }] });
    expect(instruments.of("A", "s").key).toBe("bitmex:A");
  });
});
