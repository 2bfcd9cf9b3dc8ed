import type { AddressInfo } from "node:net";
import { DistributionError, toDistributionError } from "@distribution/core/errors";
import { feedProjections } from "@distribution/core/projections";
import { openApiDocument } from "@distribution/core/transport/documents";
import { Ajv2020 } from "ajv/dist/2020.js";
import express, { type NextFunction, type Request, type Response } from "express";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createMarketDataRouter, marketDataOpenApi } from "../src/domain/endpoints.ts";
import { createReadModels } from "../src/domain/read-models.ts";
import { MARKET_DATA_TOPICS, TOPICS } from "../src/domain/topics.ts";
import { bar, level, normalized, placed, quote, snapshot, trade } from "./support/market.ts";

const models = createReadModels();
const feed = feedProjections(MARKET_DATA_TOPICS, Object.values(models));
const A = "coinbase:YFI-BTC";
const SLASH = "cme:6E/Z5";
let address: string;
let forbidden: string | undefined;
let close: () => void;

beforeAll(async () => {
  const fill = (topic: string, instrument: string, payload: Parameters<typeof normalized>[1], key = instrument): void =>
    feed(placed(normalized(instrument, payload), { topic, offset: 7, partition: 3, key }));
  fill(TOPICS.quotes, A, quote("1.5", "2"));
  fill(TOPICS.quotes, SLASH, quote("1", "2"));
  for (const id of ["1", "2", "3"]) fill(TOPICS.trades, A, trade("1.5", "1", id));
  fill(TOPICS.books, A, snapshot(level("buy", "1", "1"), level("buy", "0.5", "1"), level("sell", "2", "3")));
  for (const start of [1n, 2n, 3n]) fill(TOPICS.bars, A, bar("1s", start), `${A}@1s`);

  const app = express().set("query parser", false);
  app.use((_request, response, next) => {
    const authorize = (action: { kind: string; topic?: string }): void => {
      if (action.topic === forbidden) throw new DistributionError("forbidden", "Not this one.");
    };
    response.locals["context"] = { id: "1", route: "", authorize };
    next();
  });
  app.use("/api/v1", createMarketDataRouter(models));
  app.use((failure: unknown, _request: Request, response: Response, _next: NextFunction) => {
    const { code, errors, definition } = toDistributionError(failure);
    response.status(definition.http).json({ code, errors });
  });
  const server = app.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v1`;
  close = () => void server.close();
});
afterAll(() => close());

async function get(path: string): Promise<{ status: number; body: Record<string, unknown>; headers: Headers }> {
  const response = await fetch(`${address}${path}`);
  return {
    status: response.status,
    body: (await response.json()) as Record<string, unknown>,
    headers: response.headers,
  };
}

const position = (topic: string) => ({ topic, partition: 3, epoch: "e1", offset: "7" });

describe("the endpoints", () => {
  it("give the quote with the position it is true at, and not again to who has it", async () => {
    const { status, body, headers } = await get(`/instruments/${A}/quote`);
    expect(status).toBe(200);
    expect(headers.get("cache-control")).toBe("private, no-cache");
    expect(body).toMatchObject({ instrument: A, positions: [position(TOPICS.quotes)], quote: { bidPrice: "1.5" } });
    const again = await fetch(`${address}/instruments/${A}/quote`, {
      headers: { "if-none-match": headers.get("etag") ?? "" },
    });
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
    forbidden = topic;
    try {
      expect(await get(`/instruments/${A}/${what}`)).toMatchObject({ status: 403, body: { code: "forbidden" } });
      expect(await get("/instruments")).toMatchObject({ status: 403 });
    } finally {
      forbidden = undefined;
    }
  });
});

describe("the OpenAPI document", () => {
  const service = { name: "market-data", version: "1", description: "x" };
  const document = openApiDocument({ service, fragments: [marketDataOpenApi(models)] }) as {
    paths: Record<string, { get: { responses: Record<string, { content: Record<string, { schema: object }> }> } }>;
  };
  const ajv = new Ajv2020({ strict: false, validateFormats: false }).addSchema(document, "openapi");

  it("has every endpoint and no other", () => {
    expect(Object.keys(document.paths)).toEqual([
      "/api/v1/instruments",
      "/api/v1/instruments/{instrument}/quote",
      "/api/v1/instruments/{instrument}/trades",
      "/api/v1/instruments/{instrument}/book",
      "/api/v1/instruments/{instrument}/bars",
    ]);
  });

  it.each([
    ["/instruments", "/instruments"],
    [`/instruments/${A}/quote`, "/instruments/{instrument}/quote"],
    [`/instruments/${A}/trades`, "/instruments/{instrument}/trades"],
    [`/instruments/${A}/book`, "/instruments/{instrument}/book"],
    [`/instruments/${A}/bars?interval=1s`, "/instruments/{instrument}/bars"],
  ])("describes what %s answers", async (path, template) => {
    const pointer = `/api/v1${template}`.replaceAll("/", "~1").replaceAll("{", "%7B").replaceAll("}", "%7D");
    const validate = ajv.compile({
      $ref: `openapi#/paths/${pointer}/get/responses/200/content/application~1json/schema`,
    });
    const { body } = await get(path);
    validate(body);
    expect(validate.errors).toBeNull();
    validate({ ...body, positions: "none" });
    expect(validate.errors).not.toBeNull();
  });
});
