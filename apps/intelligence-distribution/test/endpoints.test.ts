import { ask, type ServedRouter, serveRouter } from "@distribution/testkit/service";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createIntelligenceRouter } from "../src/domain/endpoints.ts";
import { TOPICS } from "../src/domain/topics.ts";
import { finding, NOON, SECOND } from "./support/findings.ts";
import { fedModels } from "./support/models.ts";
import type { FindingsAnswer } from "./support/rest.ts";

const { models, tell } = fedModels();
let now = NOON;
let router: ServedRouter;

beforeAll(async () => {
  tell(
    finding("signal", "endless", { producedAt: NOON - 2n * SECOND }),
    finding("signal", "short", { producedAt: NOON - SECOND, validUntil: NOON + SECOND }),
    finding("signal", "shorter", { validUntil: NOON + 1n }),
    finding("news", "gone", { validUntil: NOON + 1n }),
    finding("news", "elsewhere", { symbol: "6E/Z5" }),
  );
  const clock = { wallNs: () => now, monotonicMs: () => 0 };
  router = await serveRouter(createIntelligenceRouter({ models, clock }));
});
afterAll(() => router[Symbol.asyncDispose]());
beforeEach(() => {
  now = NOON;
});

async function get(path: string, tag?: string) {
  const headers: Record<string, string> = tag === undefined ? {} : { "if-none-match": tag };
  const reply = await ask<Partial<FindingsAnswer> & { code?: string }>(router.ports, path, { headers });
  return { status: reply.status, body: reply.body, tag: reply.headers.get("etag") ?? "" };
}

const latest = async (query = "") =>
  (await get(`/intelligence/latest${query}`)).body.findings?.map(({ intelligenceId }) => intelligenceId);

describe("what is the latest", () => {
  it("is the newest that has not expired by the service's clock, however old", async () => {
    expect(await latest("?symbol=BTC-USD")).toEqual(["gone", "shorter"]);
    now = NOON + 1n;
    expect(await latest("?symbol=BTC-USD")).toEqual(["short"]);
    now = NOON + SECOND;
    expect(await latest("?symbol=BTC-USD")).toEqual(["endless"]);
  });

  it("is the newest, expired or not, for who asks for that", async () => {
    now = NOON + SECOND;
    expect(await latest("?symbol=BTC-USD&include_expired=true")).toEqual(["gone", "shorter"]);
    expect(await latest("?symbol=BTC-USD&include_expired=false")).toEqual(["endless"]);
  });

  it("has another ETag as soon as something expires, without any event", async () => {
    for (const query of ["", "?symbol=BTC-USD", "?symbol=BTC-USD&type=signal&limit=1"]) {
      now = NOON;
      const path = `/intelligence/latest${query}`;
      const { tag } = await get(path);
      expect((await get(path, tag)).status, query).toBe(304);
      now = NOON + 1n;
      const after = await get(path, tag);
      expect([after.status, after.tag === tag], query).toEqual([200, false]);
      expect((await get(path, after.tag)).status, query).toBe(304);
    }
  });

  it("is listed page by page", async () => {
    const first = await get("/intelligence/latest?limit=2");
    expect(first.body.findings?.map(({ intelligenceId }) => intelligenceId)).toEqual(["elsewhere", "gone"]);
    const second = await get(`/intelligence/latest?limit=2&cursor=${first.body.next}`);
    expect(second.body.findings?.map(({ intelligenceId }) => intelligenceId)).toEqual(["shorter"]);
    expect(second.body).not.toHaveProperty("next");
  });

  it("of a symbol with a slash is asked for like any other", async () => {
    expect(await latest("?symbol=6E/Z5")).toEqual(["elsewhere"]);
  });
});

describe("who asks", () => {
  const status = async (path: string) => (await get(path)).status;

  it("needs the right to read the topic of the kind, and without a kind of all of them", async () => {
    router.forbidden = TOPICS.news;
    try {
      for (const path of ["/intelligence/latest", "/intelligence"]) {
        expect([await status(path), await status(`${path}?type=news`)], path).toEqual([403, 403]);
        expect(await status(`${path}?type=signal`), path).toBe(200);
      }
      expect([await status("/intelligence/endless"), await status("/symbols")]).toEqual([403, 403]);
    } finally {
      router.forbidden = undefined;
    }
  });
});
