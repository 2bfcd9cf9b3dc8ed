/** Given what upstreams told of a portfolio, when it is asked for, then every endpoint answers exactly that. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { breach, INSTRUMENT } from "../support/events.ts";
import { ns, OPEN, OTHER, tellGrowth } from "../support/growth.ts";
import { ask, askUntil, refusal, request, tell } from "../support/rest.ts";
import { type RunningService, startService } from "../support/service.ts";

let service: RunningService;
beforeAll(async () => {
  service = await startService();
  await tellGrowth(service.ports);
});
afterAll(() => service[Symbol.asyncDispose]());

/** The body of an answer, without the places in the log that it is true at. */
async function read(path: string): Promise<Record<string, unknown>> {
  const { status, body } = await ask(service.ports, path);
  expect(status, path).toBe(200);
  const { positions, ...rest } = body;
  expect(positions).not.toHaveLength(0);
  return rest;
}

const worth = (portfolioId: string, seconds: number, nav: string, cash: string) => ({
  ...{ portfolioId, currency: "USD", asOf: ns(seconds), nav, cash },
  ...{ positionsValue: "10.25", positionCount: 1 },
});

describe("portfolios", () => {
  it("are listed by id, page by page", async () => {
    const first = await read("/portfolios?limit=1");
    expect(first).toMatchObject({ portfolios: [worth("growth", 20, "102.5", "92.25")] });
    expect(await read(`/portfolios?limit=1&cursor=${String(first["next"])}`)).toEqual({
      portfolios: [worth("income", 5, "100.5", "90.25")],
    });
  });

  it("have the state of now, and of any time since they are known", async () => {
    const navAt = async (asOf: string): Promise<unknown> => (await read(`/portfolio/growth/state${asOf}`))["state"];
    expect(await navAt("")).toEqual(worth("growth", 20, "102.5", "92.25"));
    expect(await navAt("?as_of=2026-01-05T14:30:00Z")).toEqual(worth("growth", 0, "100.5", "90.25"));
    expect(await navAt("?as_of=2026-01-05T14:30:09.999999999Z")).toEqual(worth("growth", 0, "100.5", "90.25"));
    // Of one time the one that was told last.
    expect(await navAt(`?as_of=${ns(10)}`)).toEqual(worth("growth", 10, "101.75", "91.5"));
    expect(await navAt("?as_of=2026-01-05T15:30:15%2B01:00")).toEqual(worth("growth", 10, "101.75", "91.5"));
    expect(await navAt("?as_of=2030-01-01T00:00:00Z")).toEqual(worth("growth", 20, "102.5", "92.25"));
  });

  it("say since when they are known to who asks for an earlier time", async () => {
    expect(await refusal(request(service.ports, `/portfolio/growth/state?as_of=${ns(-1)}`))).toMatchObject({
      ...{ status: 404, code: "not_found" },
      errors: [
        {
          path: "query.as_of",
          message:
            "2026-01-05T14:29:59Z is too early: what is kept of portfolio growth begins at 2026-01-05T14:30:00Z; " +
            "older events are in the log",
        },
      ],
    });
  });

  it("have a history, newest first, from a time on and before another, page by page", async () => {
    const navs = async (query: string) => {
      const { states, ...rest } = await read(`/portfolio/growth/history${query}`);
      return { navs: (states as { nav: string }[]).map(({ nav }) => nav).join(" "), ...rest };
    };
    const known = { portfolioId: "growth", keptFrom: ns(0) };
    expect(await navs("")).toEqual({ ...known, navs: "102.5 101.75 101.5 100.5" });
    expect(await navs(`?from=${ns(10)}&to=${ns(20)}`)).toEqual({ ...known, navs: "101.75 101.5" });
    const first = await navs("?limit=2");
    expect(first).toMatchObject({ navs: "102.5 101.75" });
    const { next } = first as { next?: string };
    expect(await navs(`?limit=2&cursor=${next}`)).toEqual({ ...known, navs: "101.5 100.5" });
  });
});

describe("positions", () => {
  const instruments = async (query: string) => {
    const { holdings, next } = await read(`/portfolio/growth/positions${query}`);
    return { held: (holdings as { instrument: string }[]).map(({ instrument }) => instrument), next };
  };

  it("are those that are not zero, the highest value first or by instrument, page by page", async () => {
    expect(await instruments("")).toEqual({ held: [OPEN, INSTRUMENT, OTHER], next: undefined });
    expect(await instruments("?sort=instrument")).toMatchObject({ held: [INSTRUMENT, OTHER, OPEN] });
    for (const sort of ["value", "instrument"]) {
      const { held, next } = await instruments(`?sort=${sort}&limit=2`);
      const rest = await instruments(`?sort=${sort}&limit=2&cursor=${String(next)}`);
      expect([...held, ...rest.held]).toEqual((await instruments(`?sort=${sort}`)).held);
      expect(rest.next).toBeUndefined();
    }
  });

  it("are what was told last, with the execution where one changed them", async () => {
    const { holdings } = await read("/portfolio/growth/positions");
    expect(holdings).toMatchObject([{ instrument: OPEN }, {}, {}]);
    expect((holdings as object[])[1]).toEqual({
      ...{ instrument: INSTRUMENT, currency: "USD", asOf: ns(1) },
      ...{ quantity: "10", price: "1.25", value: "12.5", cost: "14" },
    });
    expect((holdings as object[])[2]).toMatchObject({
      quantity: "-2",
      value: "-2.2",
      orderId: "o-1",
      executionId: "e-2",
    });
  });

  it("have a history each, also those that are closed and those with a slash", async () => {
    const old = await read("/portfolio/growth/positions/east:OLD-USD/history");
    expect(old).toMatchObject({
      ...{ portfolioId: "growth", instrument: "east:OLD-USD", keptFrom: ns(4) },
      changes: [
        { quantity: "0", executionId: "e-5" },
        { quantity: "1", executionId: "e-4" },
      ],
    });
    expect(await read(`/portfolio/growth/positions/${encodeURIComponent(OTHER)}/history`)).toMatchObject({
      ...{ instrument: OTHER, changes: [{ asOf: ns(2) }] },
    });
    expect(await read(`/portfolio/growth/positions/${INSTRUMENT}/history?to=${ns(1)}`)).toMatchObject({
      changes: [{ price: "1.5", executionId: "e-1" }],
    });
  });

  it("of a portfolio that has none are an empty list", async () => {
    expect(await read("/portfolio/income/positions")).toEqual({ portfolioId: "income", holdings: [] });
  });
});

describe("performance", () => {
  const told = async (query: string) =>
    (await read(`/portfolio/growth/performance${query}`))["performance"] as Record<string, unknown>;

  it("is that of the day unless another period is asked for, against whatever it was compared with last", async () => {
    expect(await told("")).toEqual({
      ...{ portfolioId: "growth", currency: "USD", asOf: ns(20), period: "day", periodStart: ns(-3600) },
      ...{ periodReturn: "0.03", benchmark: "OTHER", benchmarkReturn: "0.5", profit: "1.25" },
    });
    expect(await told("?period=inception")).toMatchObject({ period: "inception", periodReturn: "0.4" });
  });

  it("is known by benchmark and by time", async () => {
    expect(await told("?benchmark=ALL-60")).toMatchObject({ periodReturn: "0.01", benchmark: "ALL-60" });
    const alone = await told(`?as_of=${ns(19)}`);
    expect(alone).toMatchObject({ periodReturn: "0.02" });
    expect(alone).not.toHaveProperty("benchmark");
    expect(alone).not.toHaveProperty("benchmarkReturn");
    expect(await told(`?period=day&benchmark=ALL-60&as_of=${ns(19)}`)).toMatchObject({ periodReturn: "0.01" });
  });

  it("is attributed", async () => {
    expect((await read("/portfolio/growth/attribution"))["attribution"]).toMatchObject({ contributions: [] });
    expect((await read(`/portfolio/growth/attribution?benchmark=ALL-60&as_of=${ns(9)}`))["attribution"]).toEqual({
      ...{ portfolioId: "growth", currency: "USD", asOf: ns(0), period: "day", periodStart: ns(-3600) },
      ...{ benchmark: "ALL-60", contributions: [{ group: "technology", weight: "0.1", contribution: "0.0125" }] },
    });
  });
});

describe("risk and rebalancing", () => {
  it("lists breaches, newest first, and those of one kind", async () => {
    const { breaches } = await read("/portfolio/growth/breaches");
    expect(breaches).toEqual([
      { asOf: ns(2), kind: "drawdown", limit: "0.05", actual: "0.06", blocking: true },
      { asOf: ns(1), kind: "position-size", limit: "9", actual: "10", blocking: false, instrument: INSTRUMENT },
      { asOf: ns(0), kind: "drawdown", limit: "0.05", actual: "0.06", blocking: true },
    ]);
    expect(await read("/portfolio/growth/breaches?kind=position-size")).toMatchObject({ breaches: [{ asOf: ns(1) }] });
    expect(await read("/portfolio/growth/breaches?kind=concentration")).toMatchObject({ breaches: [] });
    expect(await read("/portfolio/growth/breaches?limit=1")).toHaveProperty("next");
  });

  it("knows a portfolio of which nothing else was told", async () => {
    await tell(service.ports, breach({ portfolio: "risky" }));
    await askUntil(service.ports, "/portfolio/risky/breaches", ({ status }) => status === 200);
    expect(await read("/portfolio/risky/breaches?kind=concentration")).toMatchObject({ breaches: [] });
    expect(await read("/portfolio/risky/positions")).toMatchObject({ holdings: [] });
    expect(await read("/portfolio/risky/rebalances")).toMatchObject({ rebalances: [] });
  });

  it("lists rebalances, the one proposed last first, and those in one state", async () => {
    const open = { rebalanceId: "r-2", state: "proposed", reason: "A limit came near.", trades: [], proposedAt: ns(1) };
    const done = {
      ...{ rebalanceId: "r-1", state: "completed", reason: "A limit came near.", proposedAt: ns(0) },
      ...{ trades: [{ instrument: INSTRUMENT, quantity: "-5" }], completedAt: ns(2), tradesDone: 1, tradesFailed: 0 },
    };
    expect((await read("/portfolio/growth/rebalances"))["rebalances"]).toEqual([open, done]);
    expect((await read("/portfolio/growth/rebalances?state=proposed"))["rebalances"]).toEqual([open]);
    expect((await read("/portfolio/growth/rebalances?state=completed"))["rebalances"]).toEqual([done]);
    expect((await read("/portfolio/income/rebalances"))["rebalances"]).toEqual([]);
  });
});
