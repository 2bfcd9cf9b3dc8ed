/** The recordings through the feed, against an independent reading of the same files. */
import { systemRuntime } from "@distribution/core/runtime";
import type { Event } from "@distribution/proto-types/distribution/v1/event";
import { BookAction, NormalizedMarketDataEvent, Side } from "@distribution/proto-types/market_data/v1/market_data";
import { Big } from "big.js";
import { beforeAll, describe, expect, it } from "vitest";
import { createBook } from "../src/domain/books.ts";
import { createFeedPlayer, type FeedPlayer } from "../src/domain/feeds/player.ts";
import { RECORDINGS } from "../src/simulator.ts";
import { type Independent, levelsOf, readIndependently } from "./support/independent-reading.ts";

let events: { topic: string; event: Event; data: NormalizedMarketDataEvent }[];
let player: FeedPlayer;
let independent: Independent;

beforeAll(async () => {
  events = [];
  const publish = async (topic: string, batch: readonly Event[]): Promise<void> => {
    for (const event of batch) {
      events.push({ topic, event, data: NormalizedMarketDataEvent.decode(event.data ?? Buffer.alloc(0)) });
    }
  };
  player = createFeedPlayer({
    files: RECORDINGS,
    speed: "max",
    repeat: "once",
    publish,
    runtime: systemRuntime,
    runId: "r",
  });
  player.start();
  await player.done;
  independent = readIndependently();
});

describe("the recordings, read twice", () => {
  it("have the same number of trades, quotes and book changes of each instrument", () => {
    const counts = new Map<string, number>();
    for (const { data } of events) {
      const kind = data.payload?.$case;
      if (kind !== "trade" && kind !== "quote" && kind !== "book") continue;
      counts.set(`${data.instrument} ${kind}`, (counts.get(`${data.instrument} ${kind}`) ?? 0) + 1);
    }
    expect(Object.fromEntries(counts)).toEqual(Object.fromEntries(independent.counts));
    expect(counts.size).toBe(60);
  });

  it("end with the same order books, level by level", () => {
    const books = new Map<string, ReturnType<typeof createBook>>();
    for (const { data } of events) {
      if (data.payload?.$case !== "book") continue;
      const book = books.get(data.instrument) ?? createBook();
      book.apply(data.payload.value);
      books.set(data.instrument, book);
    }
    expect(books.size).toBe(20);
    for (const [instrument, book] of books) {
      const { bids, asks } = book.depth(10_000);
      for (const [side, levels] of [
        ["buy", bids],
        ["sell", asks],
      ] as const) {
        const expected = levelsOf(independent, instrument, side);
        expect(levels.map(({ price, size }) => [Number(price), Number(size)])).toEqual(expected);
      }
    }
  });

  it("have books that are not crossed at the end", () => {
    for (const [key, bids] of independent.books) {
      if (!key.endsWith(" buy")) continue;
      const asks = independent.books.get(key.replace(" buy", " sell")) ?? new Map();
      expect(Math.max(...bids.keys())).toBeLessThan(Math.min(...asks.keys()));
    }
  });

  it("have bars whose volumes are those of the trades", () => {
    for (const interval of ["1s", "1m"]) {
      const volumes = new Map<string, Big>();
      for (const { data } of events) {
        if (data.payload?.$case !== "bar" || data.payload.value.interval !== interval) continue;
        expect(data.payload.value.revision).toBe(0);
        volumes.set(data.instrument, (volumes.get(data.instrument) ?? Big(0)).plus(data.payload.value.volume));
      }
      const text = (sums: Map<string, Big>) => Object.fromEntries([...sums].map(([key, sum]) => [key, sum.toFixed()]));
      expect(text(volumes)).toEqual(text(independent.volumes));
    }
  });

  it("tell each feed up and then down, and no alert: every line was understood", () => {
    const status = events.filter(({ topic }) => topic === "market-data.status");
    expect(status.map(({ event }) => event.key).sort()).toEqual(["bitmex", "bitmex", "coinbase", "coinbase"]);
    expect(status.every(({ event }) => event.type === "market-data.status.v1")).toBe(true);
    for (const { feed } of player.stats.files) expect(feed.problems).toEqual({});
    expect(player.stats.files.map(({ feed }) => [feed.lines, feed.control])).toEqual([
      [9946, 3],
      [2120, 31],
    ]);
  });
});

describe("the events of the recordings", () => {
  it("have ids that are unique, and sequences that count from 1 by source and key without a step", () => {
    expect(new Set(events.map(({ event }) => event.id)).size).toBe(events.length);
    const sequences = new Map<string, bigint>();
    for (const { event } of events) {
      const key = `${event.source} ${event.key}`;
      const next = (sequences.get(key) ?? 0n) + 1n;
      expect(event.sequence).toBe(next);
      sequences.set(key, next);
    }
  });

  it("carry the instrument as key, bars with their interval, and times within a second of their reception", () => {
    for (const { event, data } of events) {
      const { payload } = data;
      if (payload?.$case === "bar") expect(event.key).toBe(`${data.instrument}@${payload.value.interval}`);
      else if (data.instrument !== "") expect(event.key).toBe(data.instrument);
      if (payload?.$case === "book" && data.exchangeTime !== 0n) {
        expect(Number(data.receivedTime - data.exchangeTime) / 1e9).toBeLessThan(1);
      }
    }
  });

  it("write every price and size as a plain decimal", () => {
    const plain = /^(0|[1-9]\d*)(\.\d*[1-9])?$/;
    for (const { data } of events) {
      if (data.payload?.$case !== "book") continue;
      for (const { price, size } of data.payload.value.levels) {
        if (!plain.test(price) || !plain.test(size)) expect.fail(`${price} ${size}`);
      }
    }
  });

  it("start each instrument's book with a snapshot of both sides", () => {
    const first = new Map<string, NormalizedMarketDataEvent>();
    for (const { data } of events) {
      if (data.payload?.$case === "book" && !first.has(data.instrument)) first.set(data.instrument, data);
    }
    for (const { payload } of first.values()) {
      if (payload?.$case !== "book") continue;
      expect(payload.value.action).toBe(BookAction.SNAPSHOT);
      expect(new Set(payload.value.levels.map(({ side }) => side))).toEqual(new Set([Side.BUY, Side.SELL]));
    }
  });
});
