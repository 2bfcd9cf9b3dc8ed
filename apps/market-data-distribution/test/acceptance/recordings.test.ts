/** The recorded traffic of both venues through the whole service, against an independent reading of the same files. */
import { NormalizedMarketDataEvent } from "@distribution/proto-types/market_data/v1/market_data";
import { until } from "@distribution/testkit/service";
import { Big } from "big.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createBook } from "../../src/domain/books.ts";
import type { QuoteView, TradeView } from "../../src/domain/read-models/views.ts";
import { type Independent, levelsOf, readIndependently } from "../support/independent-reading.ts";
import { logOf, metric, request } from "../support/rest.ts";
import { type RunningService, startService } from "../support/service.ts";
import { type Delivered, type Subscription, subscribe } from "../support/stream/subscription.ts";
import { websocket } from "../support/stream/websocket.ts";

const TOPICS = ["trades", "quotes", "books", "bars", "status"].map((name) => `market-data.${name}`);

let service: RunningService;
let subscription: Subscription;
let independent: Independent;

/** Given both recordings, played once as fast as they are taken, when somebody subscribes to everything from the earliest. */
beforeAll(async () => {
  independent = readIndependently();
  service = await startService({ FEED: "recorded", FEED_SPEED: "max", FEED_REPEAT: "once" });
  const client = await websocket("proto").connect(service.ports);
  subscription = await subscribe(client, { topics: TOPICS, from: { earliest: true } });
  await until("both feeds have ended", () => {
    const ends = subscription.delivered.filter((one) => payloadOf(one)?.$case === "status");
    return ends.length === 4;
  });
  // Topics are read side by side: the last status may come before the last book.
  const published = [...independent.counts.values()].reduce((sum, count) => sum + count, 0);
  await until("every trade, quote and book change is delivered", () => {
    return marketEvents().length >= published && lastBarsAreIn();
  });
  await until("the read models have it, too", async () => {
    const models = ["quotes", "trades", "books", "bars"];
    const lags = models.map((name) =>
      metric(service.ports, `distribution_projection_lag_events{projection="${name}"}`),
    );
    return (await Promise.all(lags)).every((lag) => lag === 0);
  });
}, 60_000);
afterAll(() => service?.[Symbol.asyncDispose]());

function dataOf({ event }: Delivered): NormalizedMarketDataEvent {
  return NormalizedMarketDataEvent.decode(Buffer.from(String(event.payload).replace("base64:", ""), "base64"));
}
const payloadOf = (one: Delivered) => dataOf(one).payload;

const marketEvents = (): Delivered[] =>
  subscription.delivered.filter(({ position }) => /trades|quotes|books/.test(position.topic));
const lastBarsAreIn = (): boolean =>
  subscription.delivered.filter(({ position }) => position.topic === "market-data.bars").length ===
  service.metrics.counter("distribution_ingest_events_total", { topic: "market-data.bars" }).value;

const instruments = (): string[] => [...independent.quotes.keys()].sort();
const get = <T>(instrument: string, what: string): Promise<T> =>
  request<T>(service.ports, `/instruments/${encodeURIComponent(instrument)}/${what}`);

describe("a subscriber from the earliest", () => {
  it("gets every trade, quote and book change of each instrument, once, with nothing skipped", () => {
    const counts = new Map<string, number>();
    for (const one of marketEvents()) {
      const { instrument, payload } = dataOf(one);
      const key = `${instrument} ${payload?.$case}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    expect(Object.fromEntries(counts)).toEqual(Object.fromEntries(independent.counts));
    expect(counts.size).toBe(60);
    expect(subscription.breaks).toEqual([]);
  });

  it("can build the final order books from them, level by level", () => {
    const books = new Map<string, ReturnType<typeof createBook>>();
    for (const one of marketEvents()) {
      const { instrument, payload } = dataOf(one);
      if (payload?.$case !== "book") continue;
      const book = books.get(instrument) ?? createBook();
      book.apply(payload.value);
      books.set(instrument, book);
    }
    expect([...books.keys()].sort()).toEqual(instruments());
    for (const [instrument, book] of books) {
      const { bids, asks, complete } = book.depth(10_000);
      expect(complete).toBe(true);
      expect(numbersOf(bids)).toEqual(levelsOf(independent, instrument, "buy"));
      expect(numbersOf(asks)).toEqual(levelsOf(independent, instrument, "sell"));
    }
  });

  it("is told by the ledger that all of it was delivered", async () => {
    const { client, subscribed } = subscription;
    client.send({ ref: "ledger", requestLedger: { subscription: subscribed.subscription } });
    const { value } = await until("the ledger comes", () => client.frames.find(({ kind }) => kind === "ledger"));
    expect(value).toMatchObject({ published: BigInt(subscription.delivered.length) });
    expect(value["delivered"]).toBe(value["published"]);
  });
});

describe("the endpoints", () => {
  it("list every instrument with all that is known of it", async () => {
    const { instruments: listed } = await request<{ instruments: { instrument: string; has: string[] }[] }>(
      service.ports,
      "/instruments",
    );
    expect(listed.map(({ instrument }) => instrument)).toEqual(instruments());
    for (const { has, instrument } of listed) {
      const traded = independent.volumes.has(instrument) ? ["bars"] : [];
      expect(has).toEqual(["quote", "trades", "book", ...traded]);
    }
  });

  it("answer the last quote of each instrument", async () => {
    for (const instrument of instruments()) {
      const { quote } = await get<{ quote: QuoteView }>(instrument, "quote");
      const { bid, ask } = independent.quotes.get(instrument)!;
      expect([Number(quote.bidPrice), Number(quote.askPrice)], instrument).toEqual([bid, ask]);
    }
  });

  it("answer the trades of each instrument, newest first", async () => {
    for (const instrument of instruments()) {
      const { trades } = await get<{ trades: TradeView[] }>(instrument, "trades?limit=1000");
      expect(numbersOf(trades), instrument).toEqual(independent.trades.get(instrument)!.toReversed());
    }
  });

  it("answer the book of each instrument to its last level", async () => {
    for (const instrument of instruments()) {
      const { book } = await get<{ book: { bids: Level[]; asks: Level[] } }>(instrument, "book?depth=10000");
      expect(numbersOf(book.bids), instrument).toEqual(levelsOf(independent, instrument, "buy"));
      expect(numbersOf(book.asks), instrument).toEqual(levelsOf(independent, instrument, "sell"));
    }
  });

  it.each(["1s", "1m"])("answer bars of %s whose volumes are those of the trades", async (interval) => {
    for (const [instrument, volume] of independent.volumes) {
      const { bars } = await get<{ bars: { volume: string }[] }>(instrument, `bars?interval=${interval}&limit=1000`);
      expect(bars.reduce((sum, bar) => sum.plus(bar.volume), Big(0)).toFixed(), instrument).toBe(volume.toFixed());
    }
  });

  it.each(TOPICS)("answer the history of %s as the subscriber saw it", async (topic) => {
    const seen = subscription.delivered.filter(({ position }) => position.topic === topic);
    const events = await logOf(service.ports, topic);
    const address = ({ partition, offset }: { partition: number; offset: string }) => `${partition}/${offset}`;
    const expected = seen.map(({ position, event }) => [address(position), event.id]).sort();
    expect(events.map(({ position, event }) => [address(position), event.id]).sort()).toEqual(expected);
  });
});

interface Level {
  readonly price: string;
  readonly size: string;
}

const numbersOf = (levels: readonly Level[]) => levels.map(({ price, size }) => [Number(price), Number(size)]);
