import { fromBinary, toJsonString } from "@bufbuild/protobuf";
import { feedProjections } from "@distribution/core/projections";
import { registry } from "@distribution/proto-types/descriptors";
import { NormalizedMarketDataEvent } from "@distribution/proto-types/market_data/v1/market_data";
import { describe, expect, it } from "vitest";
import { newest } from "../src/domain/read-models/recent.ts";
import { createReadModels, listInstruments, type ReadModelOptions } from "../src/domain/read-models.ts";
import { MARKET_DATA_TOPICS, TOPICS } from "../src/domain/topics.ts";
import {
  bar,
  delta,
  level,
  normalized,
  type Placing,
  placed,
  quote,
  snapshot,
  thrownBy,
  trade,
} from "./support/market.ts";

type Payload = Parameters<typeof normalized>[1];

function models(options?: ReadModelOptions) {
  const readModels = createReadModels(options);
  const feed = feedProjections(MARKET_DATA_TOPICS, Object.values(readModels));
  let offset = 0;
  const apply = (topic: string, instrument: string, payload: Payload, placing: Partial<Placing> = {}): void => {
    offset += 1;
    feed(placed(normalized(instrument, payload), { topic, offset, ...placing }));
  };
  return { readModels, feed, apply };
}

type Models = ReturnType<typeof createReadModels>;
const tradesOf = ({ trades }: Models, limit: number) => newest(trades.read(A).value, limit);
const tradeIds = (readModels: Models, limit: number) => tradesOf(readModels, limit).map(({ tradeId }) => tradeId);
const depthOf = ({ book }: Models, levels: number) => book.read(A).value.depth(levels);

const A = "coinbase:A-USD";
const B = "coinbase:B-USD";

describe("the newest quote", () => {
  it("is the last one of the log, with its times and the position it is true at", () => {
    const { readModels, apply } = models();
    apply(TOPICS.quotes, A, quote("1", "2"));
    apply(TOPICS.quotes, A, { $case: "quote", value: { askPrice: "3", askSize: "4" } });
    expect(readModels.quote.read(A)).toMatchObject({
      positions: [{ topic: TOPICS.quotes, partition: 0, epoch: "e1", offset: "2" }],
      value: { exchangeTime: "1618677817000000000", receivedTime: "1618677817000000000", askPrice: "3", askSize: "4" },
    });
  });

  it("of an instrument nobody quoted is not found, and where to look is said", () => {
    const { readModels } = models();
    expect(thrownBy(() => readModels.quote.read(A))).toMatchObject({
      code: "not_found",
      message: `There is no quote of ${A}. GET /api/v1/instruments lists what is known.`,
    });
  });
});

describe("the last trades", () => {
  it("come newest first, at most as many as are asked for", () => {
    const { readModels, apply } = models();
    for (const id of ["1", "2", "3"]) apply(TOPICS.trades, A, trade("10", "1", id));
    expect([2, 3, 4].map((limit) => tradeIds(readModels, limit))).toEqual([
      ["3", "2"],
      ["3", "2", "1"],
      ["3", "2", "1"],
    ]);
    expect(tradesOf(readModels, 1)[0]).toMatchObject({
      price: "10",
      size: "1",
      aggressor: "buy",
      lastKnown: false,
    });
  });

  it("are kept up to their bound by instrument", () => {
    const kept = (count: number) => {
      const { readModels, apply } = models({ maxTrades: 3 });
      for (let id = 1; id <= count; id += 1) apply(TOPICS.trades, A, trade("1", "1", `${id}`));
      return tradeIds(readModels, 100).join();
    };
    expect([kept(2), kept(3), kept(4), kept(7)]).toEqual(["2,1", "3,2,1", "4,3,2", "7,6,5"]);
  });

  it("have no aggressor where the venue states none", () => {
    const { readModels, apply } = models();
    const value = { price: "1", size: "1", aggressor: "SIDE_UNSPECIFIED", tradeId: "1", lastKnown: true } as const;
    apply(TOPICS.trades, A, { $case: "trade", value });
    expect(tradesOf(readModels, 1)[0]).not.toHaveProperty("aggressor");
  });
});

describe("the book", () => {
  it("is the snapshot with its changes, to the depth asked for", () => {
    const { readModels, apply } = models();
    apply(TOPICS.books, A, snapshot(level("buy", "9", "1"), level("buy", "8", "1"), level("sell", "10", "1")));
    apply(TOPICS.books, A, delta(level("buy", "9", "0"), level("sell", "9.5", "2")));
    expect(readModels.book.read(A).positions).toMatchObject([{ topic: TOPICS.books, offset: "2" }]);
    expect(depthOf(readModels, 1)).toMatchObject({
      ...{ bids: [{ price: "8", size: "1" }], asks: [{ price: "9.5", size: "2" }], complete: true },
    });
  });

  it("is as it was after a change that is not valid, which is counted", () => {
    const { readModels, apply } = models();
    apply(TOPICS.books, A, snapshot(level("buy", "9", "1")));
    apply(TOPICS.books, A, delta(level("buy", "9", "2"), level("buy", "x", "1")));
    expect(depthOf(readModels, 5).bids).toEqual([{ price: "9", size: "1" }]);
    expect(readModels.book.stats).toMatchObject({ events: 1, skipped: { [TOPICS.books]: 1 } });
  });

  it("is kept up to its bound by side", () => {
    const { readModels, apply } = models({ maxBookLevels: 1 });
    apply(TOPICS.books, A, snapshot(level("buy", "9", "1"), level("buy", "8", "1")));
    expect(depthOf(readModels, 5)).toMatchObject({ bids: [{ price: "9" }], truncated: true });
  });
});

describe("the bars", () => {
  const newestBars = ({ bars }: Models, interval: string) => {
    const recent = bars.read(A).value.intervals.get(interval);
    return recent ? newest(recent, 100) : [];
  };
  const barsOf = (readModels: Models, interval = "1s") =>
    newestBars(readModels, interval).map(({ start, revision }) => `${start}/${revision}`);

  it("come newest first by interval, each with its highest revision, whatever the order they came in", () => {
    const { readModels, apply } = models();
    for (const [start, revision] of [
      [1n, 0],
      [3n, 0],
      [2n, 0],
      [1n, 2],
      [1n, 1],
      [3n, 1],
    ] as const) {
      apply(TOPICS.bars, A, bar("1s", start, revision), { key: `${A}@1s` });
    }
    apply(TOPICS.bars, A, bar("1m", 0n), { key: `${A}@1m` });
    expect(barsOf(readModels)).toEqual(["3/1", "2/0", "1/2"]);
    expect(barsOf(readModels, "1m")).toEqual(["0/0"]);
    expect(newestBars(readModels, "5m")).toEqual([]);
    expect(newestBars(readModels, "1s")[0]).toMatchObject({ open: "1", high: "2", tradeCount: 2n, volume: "3" });
  });

  it("are kept up to their bound by interval, the oldest going first", () => {
    const kept = (count: number) => {
      const { readModels, apply } = models({ maxBars: 2 });
      for (let start = 1; start <= count; start += 1)
        apply(TOPICS.bars, A, bar("1s", BigInt(start)), { key: `${A}@1s` });
      return barsOf(readModels).length;
    };
    expect([kept(1), kept(2), kept(3)]).toEqual([1, 2, 2]);
  });

  it("of an interval nobody knows are skipped", () => {
    const { readModels, apply } = models();
    apply(TOPICS.bars, A, bar("7s", 1n), { key: `${A}@7s` });
    expect(readModels.bars.stats).toMatchObject({ events: 0, skipped: { [TOPICS.bars]: 1 } });
  });
});

describe("the list of instruments", () => {
  it("says by key what is known of each, page by page", () => {
    const { readModels, apply } = models();
    apply(TOPICS.quotes, B, quote("1", "2"));
    apply(TOPICS.trades, B, trade("1", "1"));
    apply(TOPICS.books, A, snapshot());
    apply(TOPICS.bars, A, bar("1s", 1n), { key: `${A}@1s` });
    const first = listInstruments(readModels, 1);
    expect(first.value).toEqual({
      instruments: [{ instrument: A, venue: "coinbase", symbol: "A-USD", has: ["book", "bars"] }],
      next: A,
    });
    expect(first.positions.map(({ topic }) => topic)).toEqual([
      TOPICS.quotes,
      TOPICS.trades,
      TOPICS.books,
      TOPICS.bars,
    ]);
    expect(listInstruments(readModels, 1, first.value.next).value).toEqual({
      instruments: [{ instrument: B, venue: "coinbase", symbol: "B-USD", has: ["quote", "trades"] }],
      next: undefined,
    });
    expect(listInstruments(readModels, 2).value.next).toBeUndefined();
    expect(listInstruments(readModels, 5, B).value.instruments).toEqual([]);
  });
});

describe("the memory of the read models", () => {
  it("is bounded in instruments: the one that changed longest ago goes for a new one", () => {
    const { readModels, apply } = models({ maxInstruments: 2 });
    apply(TOPICS.quotes, A, quote("1", "2"));
    apply(TOPICS.quotes, B, quote("1", "2"));
    apply(TOPICS.quotes, A, quote("1", "3"));
    apply(TOPICS.quotes, "coinbase:C", quote("1", "2"));
    expect(readModels.quote.stats).toMatchObject({ keys: 2, forgotten: 1 });
    expect(() => readModels.quote.read(A)).not.toThrow();
    expect(() => readModels.quote.read(B)).toThrow(/no quote.*It may have been forgotten/);
  });

  it.each<[keyof Models, (apply: ReturnType<typeof models>["apply"], instrument: string, at: number) => void]>([
    ["trades", (apply, instrument, at) => apply(TOPICS.trades, instrument, trade("1", "1", `${at}`))],
    ["book", (apply, instrument, at) => apply(TOPICS.books, instrument, delta(level("buy", `${at + 1}`, "1")))],
    ["bars", (apply, instrument, at) => apply(TOPICS.bars, instrument, bar("1s", BigInt(at)))],
  ])("of %s is bounded in bytes, which follow what is kept", (name, put) => {
    const { readModels, apply } = models({ maxBytes: 20_000, maxTrades: 50, maxBars: 50, maxBookLevels: 50 });
    put(apply, B, 0);
    const one = readModels[name].stats.bytes;
    for (let at = 0; at < 50; at += 1) put(apply, A, at);
    const full = readModels[name].stats.bytes;
    expect(full).toBeGreaterThan(one + 50 * 100);
    for (let at = 50; at < 60; at += 1) put(apply, A, at);
    expect(readModels[name].stats.bytes, "the oldest goes for the newest").toBeLessThan(full + 100);
    for (let at = 0; at < 50; at += 1) put(apply, "coinbase:C", at);
    expect(readModels[name].stats.bytes).toBeLessThanOrEqual(20_000);
    expect(readModels[name].stats.forgotten).toBeGreaterThan(0);
  });

  it.each(["maxInstruments", "maxBytes", "maxTrades", "maxBookLevels", "maxBars"])("has %s of 1 or more", (name) => {
    expect(() => createReadModels({ [name]: 1 })).not.toThrow();
    expect(thrownBy(() => createReadModels({ [name]: 0 }))).toMatchObject({ code: "invalid_request" });
    expect(() => createReadModels({ [name]: 1.5 })).toThrow(/whole number/);
  });
});

describe("read models as projections of the log", () => {
  it("are the same when they are saved and restored", () => {
    const before = models({ maxBookLevels: 2 });
    before.apply(TOPICS.quotes, A, quote("1", "2"));
    for (const id of ["1", "2"]) before.apply(TOPICS.trades, A, trade("9", "1", id));
    const levels = ["9", "8", "7"].map((price) => level("buy", price, "1"));
    before.apply(TOPICS.books, A, snapshot(...levels, level("sell", "10", "2")));
    for (const start of [1n, 2n]) before.apply(TOPICS.bars, A, bar("1s", start));
    const after = models({ maxBookLevels: 2 });
    for (const name of ["quote", "trades", "book", "bars"] as const) {
      const saved = before.readModels[name].intake.snapshot();
      after.readModels[name].intake.restore(saved.next()!);
      after.readModels[name].intake.resume(saved);
    }
    // The same events after it: what is not shown, as where a book was cut, is the same, too.
    for (const { apply } of [before, after]) {
      apply(TOPICS.books, A, delta(level("buy", "9", "0"), level("buy", "7", "5")), { offset: 20 });
      apply(TOPICS.trades, A, trade("9", "1", "3"), { offset: 20 });
      apply(TOPICS.bars, A, bar("1s", 2n, 1), { offset: 20 });
    }
    const all = ({ readModels }: typeof before) => [
      ...[readModels.quote.read(A), readModels.trades.read(A), readModels.bars.read(A), listInstruments(readModels, 5)],
      ...[depthOf(readModels, 5), readModels.book.stats.bytes],
    ];
    expect(all(after)).toEqual(all(before));
    expect(depthOf(after.readModels, 5)).toMatchObject({ bids: [{ price: "8" }], truncated: true, complete: true });
  });

  it("take the JSON mapping of a payload for the payload", () => {
    const { readModels, apply } = models();
    const schema = registry.getMessage("market_data.v1.NormalizedMarketDataEvent")!;
    const bytes = NormalizedMarketDataEvent.encode(normalized(A, quote("1.5", "2"))).finish();
    const json = Buffer.from(toJsonString(schema, fromBinary(schema, bytes)));
    apply(TOPICS.quotes, A, quote("0", "0"), { contentType: "application/json", data: json });
    expect(readModels.quote.read(A).value).toMatchObject({ bidPrice: "1.5", askPrice: "2" });
  });

  it.each<[string, Payload, Partial<Placing>, string]>([
    ["another payload", trade("1", "1"), {}, A],
    ["bytes that are none", quote("1", "2"), { data: Buffer.from([255, 255]) }, A],
    ["JSON that is none", quote("1", "2"), { contentType: "application/json", data: Buffer.from("{") }, A],
    ["an instrument that is not its key", quote("1", "2"), { key: B }, A],
    ["no valid instrument", quote("1", "2"), {}, "__proto__"],
  ])("skip an event with %s, count it and go on", (_what, payload, placing, instrument) => {
    const { readModels, apply } = models();
    apply(TOPICS.quotes, instrument, payload, placing);
    expect(readModels.quote.stats).toMatchObject({ events: 0, skipped: { [TOPICS.quotes]: 1 }, keys: 0 });
    apply(TOPICS.quotes, B, quote("1", "2"));
    expect(readModels.quote.read(B).positions).toMatchObject([{ offset: "2" }]);
  });

  it("skip what is no event and what has no payload", () => {
    const { readModels, feed } = models();
    const position = { topic: TOPICS.quotes, partition: 0, epoch: "e", offset: "1" };
    feed({ position, appendedAt: 0n, bytes: Buffer.from([255]) });
    feed({ position, appendedAt: 0n, bytes: new Uint8Array(0) });
    expect(readModels.quote.stats.skipped).toEqual({ [TOPICS.quotes]: 2 });
  });
});
