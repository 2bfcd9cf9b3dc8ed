import { BookAction, FeedAlertKind, Side } from "@distribution/proto-types/market_data/v1/market_data";
import { describe, expect, it } from "vitest";
import { createCoinbaseNormalizer } from "../src/domain/feeds/coinbase.ts";
import { parseRecordedLine } from "../src/domain/feeds/raw-message.ts";
import { RECEIVED, thrownBy } from "./support/market.ts";

const TIME = "2021-04-17T16:43:37.089723Z";
const TIME_NS = 1_618_677_817_089_723_000n;

const messageOf = (message: object) => parseRecordedLine(JSON.stringify({ receivedAt: 1, message })).message;

function feed() {
  const normalizer = createCoinbaseNormalizer();
  return (message: object) => normalizer.normalize(messageOf(message), RECEIVED);
}

const match = (fields: object = {}) => ({
  type: "match",
  trade_id: 280232,
  side: "sell",
  size: "985",
  price: "0.00001305",
  product_id: "SKL-BTC",
  sequence: 177100030,
  time: TIME,
  ...fields,
});
const ticker = (fields: object = {}) => ({
  type: "ticker",
  sequence: 10,
  product_id: "SKL-BTC",
  best_bid: "14.7550",
  best_ask: "14.8060",
  time: TIME,
  ...fields,
});
const snapshot = (fields: object = {}) => ({
  type: "snapshot",
  product_id: "SKL-BTC",
  bids: [["1.00", "2.50"]],
  asks: [["1.10", "3"]],
  ...fields,
});
const l2update = (fields: object = {}) => ({
  type: "l2update",
  product_id: "SKL-BTC",
  changes: [["buy", "1.00", "0.000000"]],
  time: TIME,
  ...fields,
});

const kinds = (normalized: { problems: readonly { kind: string }[] }) => normalized.problems.map(({ kind }) => kind);

describe("Coinbase trades", () => {
  it("name the taker's side, which is not the maker's that Coinbase tells", () => {
    expect(feed()(match()).events).toEqual([
      {
        venue: "coinbase",
        symbol: "SKL-BTC",
        instrument: "coinbase:SKL-BTC",
        exchangeTime: TIME_NS,
        receivedTime: RECEIVED,
        payload: {
          $case: "trade",
          value: { price: "0.00001305", size: "985", aggressor: Side.BUY, tradeId: "280232", lastKnown: false },
        },
      },
    ]);
    expect(feed()(match({ side: "buy" })).events[0]?.payload).toMatchObject({ value: { aggressor: Side.SELL } });
  });

  it("say which was the last before the feed connected", () => {
    expect(feed()(match({ type: "last_match" })).events[0]?.payload).toMatchObject({ value: { lastKnown: true } });
  });

  it("are followed by their ids: a gap is told with the trade after it, by product", () => {
    const normalize = feed();
    expect(kinds(normalize(match({ trade_id: 5 })))).toEqual([]);
    expect(kinds(normalize(match({ trade_id: 1, product_id: "YFI-BTC" })))).toEqual([]);
    const after = normalize(match({ trade_id: 8 }));
    expect(after.events).toHaveLength(1);
    expect(after.problems).toMatchObject([
      { kind: FeedAlertKind.GAP, stream: "trades", expected: 6n, received: 8n, reason: "Trades 6 to 7 did not come." },
    ]);
  });

  it("that were missing are passed on late, and those that come again are not", () => {
    const normalize = feed();
    for (const id of [5, 8]) normalize(match({ trade_id: id }));
    const late = normalize(match({ trade_id: 6 }));
    expect([late.events.length, kinds(late)]).toEqual([1, [FeedAlertKind.OUT_OF_ORDER]]);
    const again = normalize(match({ trade_id: 6 }));
    expect([again.events.length, kinds(again)]).toEqual([0, [FeedAlertKind.DUPLICATE]]);
  });

  it.each([
    [{ price: undefined }, "message.price"],
    [{ price: "free" }, "message.price"],
    [{ price: {} }, "message.price"],
    [{ size: "0" }, "message.size"],
    [{ size: "-1" }, "message.size"],
    [{ size: ["1"] }, "message.size"],
    [{ side: "BUY" }, "message.side"],
    [{ trade_id: "x" }, "message.trade_id"],
    [{ trade_id: 1.5 }, "message.trade_id"],
    [{ trade_id: true }, "message.trade_id"],
    [{ time: "yesterday" }, "message.time"],
    [{ time: null }, "message.time"],
    [{ product_id: "" }, "message.product_id"],
    [{ product_id: "a:b" }, "message.product_id"],
    [{ product_id: "x".repeat(129) }, "message.product_id"],
    [{ product_id: "x".repeat(128) }, "message.product_id"],
    [{ type: 7.5, product_id: {} }, "ignored"],
  ])("with %o are refused at %s", (fields, path) => {
    if (path === "ignored") {
      expect(kinds(feed()(match(fields)))).toEqual([FeedAlertKind.UNKNOWN]);
      return;
    }
    expect(thrownBy(() => feed()(match(fields)))).toMatchObject({ code: "invalid_event", errors: [{ path }] });
  });
});

describe("Coinbase quotes", () => {
  it("have the sizes that Coinbase states, and none that it does not", () => {
    const normalize = feed();
    expect(normalize(ticker()).events[0]?.payload).toEqual({
      $case: "quote",
      value: { bidPrice: "14.755", bidSize: undefined, askPrice: "14.806", askSize: undefined },
    });
    const sized = ticker({ sequence: 11, best_bid_size: "2.0", best_ask_size: "0" });
    expect(normalize(sized).events[0]?.payload).toMatchObject({ value: { bidSize: "2", askSize: "0" } });
  });

  it("that are not newer than the one before are told and not passed on", () => {
    const normalize = feed();
    normalize(ticker({ sequence: 10 }));
    expect(normalize(ticker({ sequence: 10 }))).toMatchObject({
      events: [],
      problems: [{ kind: FeedAlertKind.DUPLICATE }],
    });
    expect(normalize(ticker({ sequence: 9 }))).toMatchObject({
      events: [],
      problems: [{ kind: FeedAlertKind.OUT_OF_ORDER, stream: "quotes", expected: 11n, received: 9n }],
    });
    expect(normalize(ticker({ sequence: 20 })).problems).toEqual([]);
  });

  it("that are malformed leave the sequence as it was", () => {
    const normalize = feed();
    expect(() => normalize(ticker({ sequence: 50, best_bid: "?" }))).toThrow(/best_bid/);
    expect(normalize(ticker({ sequence: 10 })).events).toHaveLength(1);
  });
});

describe("Coinbase books", () => {
  it("are a snapshot and then changes, in which size 0 removes", () => {
    const normalize = feed();
    expect(normalize(snapshot()).events[0]).toMatchObject({
      exchangeTime: 0n,
      payload: {
        value: {
          action: BookAction.SNAPSHOT,
          levels: [
            { side: Side.BUY, price: "1", size: "2.5" },
            { side: Side.SELL, price: "1.1", size: "3" },
          ],
        },
      },
    });
    expect(normalize(l2update()).events[0]).toMatchObject({
      exchangeTime: TIME_NS,
      payload: { value: { action: BookAction.DELTA, levels: [{ side: Side.BUY, price: "1", size: "0" }] } },
    });
  });

  it("are in doubt, and told to be, when a change comes before the snapshot", () => {
    expect(feed()(l2update())).toMatchObject({
      events: [],
      problems: [{ kind: FeedAlertKind.BOOK_IN_DOUBT, stream: "books" }],
    });
  });

  it.each([
    { changes: [["buy", "1"]] },
    { changes: [["bid", "1", "1"]] },
    { changes: [["buy", "1", "1", "1"]] },
    { changes: ["buy"] },
    { changes: undefined },
    { time: 5 },
  ])("are in doubt when a change such as %o is not readable", (fields) => {
    const normalize = feed();
    normalize(snapshot());
    const normalized = normalize(l2update(fields));
    expect(normalized.events).toEqual([]);
    expect(kinds(normalized)).toEqual([FeedAlertKind.MALFORMED, FeedAlertKind.BOOK_IN_DOUBT]);
    expect(normalized.problems[0]?.instrument?.key).toBe("coinbase:SKL-BTC");
  });

  it("have at most 12,500 levels a side in a snapshot", () => {
    const levels = (count: number) => Array.from({ length: count }, (_, index) => [`${index + 1}`, "1"]);
    expect(feed()(snapshot({ bids: levels(12_499) })).problems).toEqual([]);
    expect(feed()(snapshot({ bids: levels(12_500) })).problems).toEqual([]);
    expect(feed()(snapshot({ bids: levels(12_501) })).problems[0]?.reason).toMatch(
      /at most 12500 entries; it has 12501/,
    );
  });
});

describe("other Coinbase messages", () => {
  it("that confirm or keep alive say nothing", () => {
    expect(feed()({ type: "subscriptions", channels: [] })).toEqual({ events: [], problems: [] });
    expect(feed()({ type: "heartbeat" })).toEqual({ events: [], problems: [] });
  });

  it("that tell an error are reported with what Coinbase says", () => {
    expect(feed()({ type: "error", message: "no", reason: "rate limit" }).problems).toMatchObject([
      { kind: FeedAlertKind.VENUE_ERROR, reason: "Coinbase says: rate limit" },
    ]);
    expect(feed()({ type: "error" }).problems[0]?.reason).toBe("Coinbase says: no reason given");
  });

  it.each(["done", "constructor", "__proto__"])("of the unknown type %s are reported", (type) => {
    expect(kinds(feed()({ type }))).toEqual([FeedAlertKind.UNKNOWN]);
  });

  it.each([{}, { type: null }, { type: "" }, { type: {} }])("without a type such as %o are refused", (message) => {
    expect(thrownBy(() => feed()(message))).toMatchObject({ errors: [{ path: "message.type" }] });
  });
});
