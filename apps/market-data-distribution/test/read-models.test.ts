import { fromBinary, toJsonString } from "@bufbuild/protobuf";
import { registry } from "@distribution/proto-types/descriptors";
import { NormalizedMarketDataEvent } from "@distribution/proto-types/market_data/v1/market_data";
import { describe, expect, it } from "vitest";
import { createReadModels, type ReadModelOptions } from "../src/domain/read-models.ts";
import { TOPICS } from "../src/domain/topics.ts";
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
  let offset = 0;
  const apply = (topic: string, instrument: string, payload: Payload, placing: Partial<Placing> = {}): void => {
    offset += 1;
    readModels.apply(topic, [placed(normalized(instrument, payload), { topic, offset, ...placing })]);
  };
  return { readModels, apply };
}

const A = "coinbase:A-USD";
const B = "coinbase:B-USD";

describe("the newest quote", () => {
  it("is the last one of the log, with its times and the position it is true at", () => {
    const { readModels, apply } = models();
    apply(TOPICS.quotes, A, quote("1", "2"));
    apply(TOPICS.quotes, A, { $case: "quote", value: { askPrice: "3", askSize: "4" } });
    expect(readModels.quote(A)).toEqual({
      positions: [{ topic: TOPICS.quotes, partition: 0, epoch: "e1", offset: "2" }],
      value: { exchangeTime: "1618677817000000000", receivedTime: "1618677817000000000", askPrice: "3", askSize: "4" },
    });
  });

  it("is true at what was read of its partition since, whoever that was about", () => {
    const { readModels, apply } = models();
    apply(TOPICS.quotes, A, quote("1", "2"), { partition: 1 });
    apply(TOPICS.quotes, B, quote("5", "6"), { partition: 1 });
    apply(TOPICS.quotes, "coinbase:C", quote("5", "6"), { partition: 2 });
    expect(readModels.quote(A).positions).toMatchObject([{ partition: 1, offset: "2" }]);
  });

  it("of an instrument nobody quoted is not found, and of no instrument is refused", () => {
    const { readModels } = models();
    expect(thrownBy(() => readModels.quote(A))).toMatchObject({
      code: "not_found",
      message: expect.stringContaining(A),
    });
    expect(thrownBy(() => readModels.quote("what"))).toMatchObject({ code: "invalid_request" });
  });
});

describe("the last trades", () => {
  it("come newest first, at most as many as are asked for", () => {
    const { readModels, apply } = models();
    for (const id of ["1", "2", "3"]) apply(TOPICS.trades, A, trade("10", "1", id));
    const ids = (limit: number) => readModels.trades(A, limit).value.map(({ tradeId }) => tradeId);
    expect([ids(2), ids(3), ids(4)]).toEqual([
      ["3", "2"],
      ["3", "2", "1"],
      ["3", "2", "1"],
    ]);
    expect(readModels.trades(A, 1).value[0]).toMatchObject({
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
      return readModels
        .trades(A, 100)
        .value.map(({ tradeId }) => tradeId)
        .join();
    };
    expect([kept(2), kept(3), kept(4), kept(7)]).toEqual(["2,1", "3,2,1", "4,3,2", "7,6,5"]);
  });

  it("have no aggressor where the venue states none", () => {
    const { readModels, apply } = models();
    const value = { price: "1", size: "1", aggressor: "SIDE_UNSPECIFIED", tradeId: "1", lastKnown: true } as const;
    apply(TOPICS.trades, A, { $case: "trade", value });
    expect(readModels.trades(A, 1).value[0]).not.toHaveProperty("aggressor");
  });
});

describe("the book", () => {
  it("is the snapshot with its changes, to the depth asked for", () => {
    const { readModels, apply } = models();
    apply(TOPICS.books, A, snapshot(level("buy", "9", "1"), level("buy", "8", "1"), level("sell", "10", "1")));
    apply(TOPICS.books, A, delta(level("buy", "9", "0"), level("sell", "9.5", "2")));
    expect(readModels.book(A, 1)).toMatchObject({
      positions: [{ topic: TOPICS.books, offset: "2" }],
      value: { bids: [{ price: "8", size: "1" }], asks: [{ price: "9.5", size: "2" }], complete: true },
    });
  });

  it("is as it was after a change that is not valid, which is counted", () => {
    const { readModels, apply } = models();
    apply(TOPICS.books, A, snapshot(level("buy", "9", "1")));
    apply(TOPICS.books, A, delta(level("buy", "9", "2"), level("buy", "x", "1")));
    expect(readModels.book(A, 5).value.bids).toEqual([{ price: "9", size: "1" }]);
    expect(readModels.stats.books).toMatchObject({ applied: 1, skipped: 1 });
  });

  it("is kept up to its bound by side", () => {
    const { readModels, apply } = models({ maxBookLevels: 1 });
    apply(TOPICS.books, A, snapshot(level("buy", "9", "1"), level("buy", "8", "1")));
    expect(readModels.book(A, 5).value).toMatchObject({ bids: [{ price: "9" }], truncated: true });
  });
});

describe("the bars", () => {
  const barsOf = (readModels: ReturnType<typeof createReadModels>, interval: "1s" | "1m" = "1s") =>
    readModels.bars(A, interval, 100).value.map(({ start, revision }) => `${start}/${revision}`);

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
    expect(readModels.bars(A, "5m", 1).value).toEqual([]);
    expect(readModels.bars(A, "1s", 1).value[0]).toMatchObject({ open: "1", high: "2", tradeCount: "2", volume: "3" });
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
    expect(readModels.stats.bars).toMatchObject({ applied: 0, skipped: 1 });
  });
});

describe("the list of instruments", () => {
  it("says by key what is known of each, page by page", () => {
    const { readModels, apply } = models();
    apply(TOPICS.quotes, B, quote("1", "2"));
    apply(TOPICS.trades, B, trade("1", "1"));
    apply(TOPICS.books, A, snapshot());
    apply(TOPICS.bars, A, bar("1s", 1n), { key: `${A}@1s` });
    const first = readModels.instruments(1);
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
    expect(readModels.instruments(1, first.value.next).value).toEqual({
      instruments: [{ instrument: B, venue: "coinbase", symbol: "B-USD", has: ["quote", "trades"] }],
    });
    expect(readModels.instruments(2).value).not.toHaveProperty("next");
    expect(readModels.instruments(5, B).value.instruments).toEqual([]);
  });
});

describe("the memory of the read models", () => {
  it("is bounded in instruments: the one that changed longest ago goes for a new one", () => {
    const { readModels, apply } = models({ maxInstruments: 2 });
    apply(TOPICS.quotes, A, quote("1", "2"));
    apply(TOPICS.quotes, B, quote("1", "2"));
    expect(readModels.stats.quotes).toMatchObject({ instruments: 2, evicted: 0 });
    apply(TOPICS.quotes, A, quote("1", "3"));
    apply(TOPICS.quotes, "coinbase:C", quote("1", "2"));
    expect(readModels.stats.quotes).toMatchObject({ instruments: 2, evicted: 1 });
    expect(() => readModels.quote(A)).not.toThrow();
    expect(() => readModels.quote(B)).toThrow(/no quote/);
  });

  it.each(["maxInstruments", "maxTrades", "maxBookLevels", "maxBars"])("has %s of 1 or more", (name) => {
    expect(() => createReadModels({ [name]: 1 })).not.toThrow();
    expect(thrownBy(() => createReadModels({ [name]: 0 }))).toMatchObject({
      code: "invalid_request",
      errors: [{ path: name }],
    });
    expect(() => createReadModels({ [name]: 1.5 })).toThrow(/whole number/);
  });
});

describe("read models as projections of the log", () => {
  it("are the same when they are built anew", () => {
    const { readModels, apply } = models();
    const build = () => {
      apply(TOPICS.books, A, snapshot(level("buy", "9", "1")), { offset: 1 });
      apply(TOPICS.trades, A, trade("9", "1"), { offset: 1 });
      return JSON.stringify([readModels.book(A, 5), readModels.trades(A, 5), readModels.instruments(5)]);
    };
    const before = build();
    readModels.reset();
    expect(readModels.instruments(5)).toEqual({ positions: [], value: { instruments: [] } });
    expect(build()).toBe(before);
  });

  it("forget what came from a partition whose history became another, and keep the others", () => {
    const { readModels, apply } = models();
    apply(TOPICS.quotes, A, quote("1", "2"), { partition: 0 });
    apply(TOPICS.quotes, B, quote("1", "2"), { partition: 1 });
    apply(TOPICS.quotes, "coinbase:C", quote("1", "2"), { partition: 0, epoch: "e2" });
    expect(() => readModels.quote(A)).toThrow(/no quote/);
    expect(readModels.quote(B).value.bidPrice).toBe("1");
    expect(readModels.quote("coinbase:C").positions).toMatchObject([{ epoch: "e2" }]);
  });

  it("take the JSON mapping of a payload for the payload", () => {
    const { readModels, apply } = models();
    const schema = registry.getMessage("market_data.v1.NormalizedMarketDataEvent")!;
    const bytes = NormalizedMarketDataEvent.encode(normalized(A, quote("1.5", "2"))).finish();
    const json = Buffer.from(toJsonString(schema, fromBinary(schema, bytes)));
    apply(TOPICS.quotes, A, quote("0", "0"), { contentType: "application/json", data: json });
    expect(readModels.quote(A).value).toMatchObject({ bidPrice: "1.5", askPrice: "2" });
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
    expect(readModels.stats.quotes).toMatchObject({ applied: 0, skipped: 1, instruments: 0 });
    apply(TOPICS.quotes, B, quote("1", "2"));
    expect(readModels.quote(B).positions).toMatchObject([{ offset: "2" }]);
  });

  it("skip what is no event and what has no payload", () => {
    const { readModels, apply } = models();
    const position = { topic: TOPICS.quotes, partition: 0, epoch: "e", offset: "1" };
    readModels.apply(TOPICS.quotes, [
      { position, appendedAt: 0n, bytes: Buffer.from([255]) },
      { position, appendedAt: 0n, bytes: new Uint8Array(0) },
    ]);
    expect(readModels.stats.quotes.skipped).toBe(2);
    apply("market-data.other", A, quote("1", "2"));
    expect(readModels.instruments(1).value.instruments).toEqual([]);
  });
});
