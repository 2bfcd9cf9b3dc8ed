import { feedProjections } from "@distribution/core/projections";
import { ask, type ServedRouter, serveRouter } from "@distribution/testkit/service";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createMarketDataRouter } from "../src/domain/endpoints.ts";
import { createReadModels } from "../src/domain/read-models.ts";
import { MARKET_DATA_TOPICS, TOPICS } from "../src/domain/topics.ts";
import { bar, level, normalized, placed, quote, snapshot, trade } from "./support/market.ts";

const models = createReadModels();
const feed = feedProjections(MARKET_DATA_TOPICS, Object.values(models));
const A = "coinbase:YFI-BTC";
const SLASH = "cme:6E/Z5";
let router: ServedRouter;

beforeAll(async () => {
  const fill = (topic: string, instrument: string, payload: Parameters<typeof normalized>[1], key = instrument): void =>
    feed(placed(normalized(instrument, payload), { topic, offset: 7, partition: 3, key }));
  fill(TOPICS.quotes, A, quote("1.5", "2"));
  fill(TOPICS.quotes, SLASH, quote("1", "2"));
  for (const id of ["1", "2", "3"]) fill(TOPICS.trades, A, trade("1.5", "1", id));
  fill(TOPICS.books, A, snapshot(level("buy", "1", "1"), level("buy", "0.5", "1"), level("sell", "2", "3")));
  for (const start of [1n, 2n, 3n]) fill(TOPICS.bars, A, bar("1s", start), `${A}@1s`);

  router = await serveRouter(createMarketDataRouter(models));
});
afterAll(() => router[Symbol.asyncDispose]());

const get = (path: string, headers = {}) => ask(router.ports, path, { headers });

const position = (topic: string) => ({ topic, partition: 3, epoch: "e1", offset: "7" });

describe("the endpoints", () => {
  it("give the quote with the position it is true at, and not again to who has it", async () => {
    const { status, body, headers } = await get(`/instruments/${A}/quote`);
    expect(status).toBe(200);
    expect(headers.get("cache-control")).toBe("private, no-cache");
    expect(body).toMatchObject({ instrument: A, positions: [position(TOPICS.quotes)], quote: { bidPrice: "1.5" } });
    const again = await get(`/instruments/${A}/quote`, { "if-none-match": headers.get("etag") });
    expect(again.status).toBe(304);
  });

  it("know an instrument with a slash in its symbol", async () => {
    expect((await get(`/instruments/${encodeURIComponent(SLASH)}/quote`)).body).toMatchObject({ instrument: SLASH });
  });

  it("give trades, newest first", async () => {
    const { body } = await get(`/instruments/${A}/trades?limit=2`);
    expect(body).toMatchObject({ positions: [position(TOPICS.trades)], trades: [{ tradeId: "3" }, { tradeId: "2" }] });
  });

  it("give the book to a depth", async () => {
    const { body } = await get(`/instruments/${A}/book?depth=1`);
    expect(body).toMatchObject({
      positions: [position(TOPICS.books)],
      book: { bids: [{ price: "1", size: "1" }], asks: [{ price: "2", size: "3" }], complete: true, truncated: false },
    });
  });

  it("give bars of an interval, of a minute unless another is asked for", async () => {
    expect((await get(`/instruments/${A}/bars?interval=1s&limit=2`)).body).toMatchObject({
      positions: [position(TOPICS.bars)],
      interval: "1s",
      bars: [{ start: "3" }, { start: "2" }],
    });
    expect((await get(`/instruments/${A}/bars`)).body).toMatchObject({ interval: "1m", bars: [] });
  });

  it("list instruments page by page", async () => {
    const first = await get("/instruments?limit=1");
    expect(first.body).toMatchObject({ instruments: [{ instrument: SLASH, has: ["quote"] }], next: SLASH });
    const second = await get(`/instruments?limit=1&after=${encodeURIComponent(SLASH)}`);
    expect(second.body).toMatchObject({ instruments: [{ instrument: A, has: ["quote", "trades", "book", "bars"] }] });
    expect(second.body).not.toHaveProperty("next");
  });
});

describe("a request", () => {
  it.each([
    ["/instruments/coinbase:NONE/quote", 404, "not_found"],
    [`/instruments/${SLASH.replace("/", "%2F")}/book`, 404, "not_found"],
    ["/instruments/nothing/quote", 400, "invalid_request"],
    ["/instruments/coinbase:__proto__/quote", 400, "invalid_request"],
    [`/instruments/${A}/quote?x=1`, 400, "invalid_request"],
    [`/instruments/${A}/bars?interval=7s`, 400, "invalid_request"],
    [`/instruments/${A}/trades?limit=1&limit=2`, 400, "invalid_request"],
    ["/instruments?after=x", 400, "invalid_request"],
    [`/instruments/${A}/trades?limit=-1`, 400, "invalid_request"],
    [`/instruments/${A}/trades?limit=1e2`, 400, "invalid_request"],
  ])("for %s is answered %i %s", async (path, status, code) => {
    expect(await get(path)).toMatchObject({ status, body: { code } });
  });

  it.each([
    ["/instruments?limit=", 1000],
    [`/instruments/${A}/trades?limit=`, 1000],
    [`/instruments/${A}/bars?limit=`, 1000],
    [`/instruments/${A}/book?depth=`, 10_000],
  ])("%s takes 1 to %i", async (path, most) => {
    const status = async (value: number) => (await get(`${path}${value}`)).status;
    expect([await status(0), await status(1), await status(most), await status(most + 1)]).toEqual([
      400, 200, 200, 400,
    ]);
  });

  it.each([
    ["quote", TOPICS.quotes],
    ["trades", TOPICS.trades],
    ["book", TOPICS.books],
    ["bars", TOPICS.bars],
  ])("for the %s needs the right to read %s, as the list does", async (what, topic) => {
    router.forbidden = topic;
    try {
      expect(await get(`/instruments/${A}/${what}`)).toMatchObject({ status: 403, body: { code: "forbidden" } });
      expect(await get("/instruments")).toMatchObject({ status: 403 });
    } finally {
      router.forbidden = undefined;
    }
  });
});
