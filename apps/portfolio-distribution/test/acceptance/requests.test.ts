/** Given a portfolio, when it is asked for in any way, then answers have tags and pages, and what cannot be is refused by name. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ADDRESSES, ns, tellGrowth } from "../support/growth.ts";
import { ask, type Problem } from "../support/rest.ts";
import { type RunningService, startService } from "../support/service.ts";

let service: RunningService;
beforeAll(async () => {
  service = await startService();
  await tellGrowth(service.ports);
});
afterAll(() => service[Symbol.asyncDispose]());

describe("every endpoint", () => {
  it.each(ADDRESSES)("%s gives an ETag, and nothing again to who has it", async (path) => {
    const { headers } = await ask(service.ports, path);
    const tag = headers.get("etag") ?? "";
    expect([headers.get("cache-control"), tag]).toEqual(["private, no-cache", expect.stringMatching(/^W\/".+"$/)]);
    const again = await ask(service.ports, path, { headers: { "if-none-match": tag } });
    expect([again.status, again.body, again.headers.get("etag")]).toEqual([304, {}, tag]);
    expect((await ask(service.ports, path, { headers: { "if-none-match": 'W/"other"' } })).status).toBe(200);
  });

  it.each(["/portfolios", "/portfolio/growth/positions", "/portfolio/growth/history", "/portfolio/growth/breaches"])(
    "%s takes pages of 1 to 1,000 and cursors of its own",
    async (path) => {
      const status = async (query: string) => (await ask(service.ports, `${path}?${query}`)).status;
      expect([await status("limit=0"), await status("limit=1"), await status("limit=1000")]).toEqual([400, 200, 200]);
      expect([await status("limit=1001"), await status("limit=ten"), await status("cursor=x")]).toEqual([
        400, 400, 400,
      ]);
    },
  );
});

describe("a request", () => {
  it.each([
    ["/portfolio/a%2Fb/state", "path.portfolio_id"],
    [`/portfolio/${"x".repeat(65)}/state`, "path.portfolio_id"],
    ["/portfolio/-x/breaches", "path.portfolio_id"],
    ["/portfolio/growth/state?as_of=2026-02-30T00:00:00Z", "query.as_of"],
    ["/portfolio/growth/state?as_of=yesterday", "query.as_of"],
    ["/portfolio/growth/state?as_of=1767623400", "query.as_of"],
    ["/portfolio/growth/state?as_off=1", "query.as_off"],
    ["/portfolio/growth/history?from=x", "query.from"],
    ["/portfolio/growth/history?to=2026-13-01T00:00:00Z", "query.to"],
    ["/portfolio/growth/history?cursor=20-", "query.cursor"],
    ["/portfolio/growth/performance?period=decade", "query.period"],
    ["/portfolio/growth/performance?benchmark=", "query.benchmark"],
    ["/portfolio/growth/performance?period=day&period=week", "query.period"],
    ["/portfolio/growth/attribution?as_of=", "query.as_of"],
    ["/portfolio/growth/positions?sort=price", "query.sort"],
    ["/portfolio/growth/positions/TEC04/history", "path.instrument"],
    ["/portfolio/growth/breaches?kind=other", "query.kind"],
    ["/portfolio/growth/rebalances?state=open", "query.state"],
  ])("for %s is refused at %s", async (address, path) => {
    const { status, body } = await ask<Problem>(service.ports, address);
    expect([status, body.code, body.errors[0]?.path]).toEqual([400, "invalid_request", path]);
  });

  it.each([
    ["/portfolio/nobody/state", "There is no portfolio nobody. GET /portfolios lists those that are known."],
    ["/portfolio/nobody/history", "There is no portfolio nobody."],
    ["/portfolio/nobody/positions", "There is no portfolio nobody."],
    ["/portfolio/nobody/breaches", "There is no portfolio nobody."],
    ["/portfolio/nobody/rebalances", "There is no portfolio nobody."],
    ["/portfolio/nobody/performance", "There is no performance nobody/day."],
    ["/portfolio/growth/performance?period=year", "There is no performance growth/year."],
    ["/portfolio/growth/performance?benchmark=X", 'the day performance of growth is not known against "X"; there is'],
    [`/portfolio/growth/performance?as_of=${ns(-1)}`, "what is kept of the day performance of growth begins at 2026"],
    [
      `/portfolio/growth/performance?benchmark=OTHER&as_of=${ns(0)}`,
      "what is kept of the day performance of growth against OTHER begins at 2026-01-05T14:30:20Z",
    ],
    ["/portfolio/income/attribution", "There is no attribution income/day/attribution."],
    ["/portfolio/growth/positions/east:NONE/history", "There is no position growth/east:NONE."],
  ])("for %s is told: %s", async (address, detail) => {
    const { status, body } = await ask<Problem>(service.ports, address);
    expect([status, body.code]).toEqual([404, "not_found"]);
    expect(body.detail).toContain(detail);
  });
});
