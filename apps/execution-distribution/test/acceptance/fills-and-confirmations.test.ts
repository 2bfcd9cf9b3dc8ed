/** Given fills and confirmations, when a desk or a back office asks for them, then it has them by day, by order, and newest first. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TOPICS } from "../../src/domain/topics.ts";
import { NOON, OrderLife, type Payload } from "../support/orders.ts";
import {
  type ConfirmationsAnswer,
  type FillsAnswer,
  fetchTagged,
  get,
  getAfter,
  type Published,
  publish,
  publishOrders,
  refusal,
} from "../support/rest.ts";
import { type RunningService, startService } from "../support/service.ts";

let service: RunningService;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service?.[Symbol.asyncDispose]());

const HOUR = 3_600_000_000_000n;
const MIDNIGHT = NOON + 10n * HOUR;

describe("the fills of a day", () => {
  /** Its three fills happen from the time on, a millisecond apart. */
  async function fills(id: string, from: bigint, terms: object = {}): Promise<Published> {
    const life = new OrderLife(id, { ...terms, time: from - 2_000_000n });
    const begun = [life.sent(), life.acknowledged()];
    return await publishOrders(service.ports, ...begun, ...[1, 2, 3].map(() => life.filled("2", "1.5")));
  }
  const keysOf = ({ fills: all }: FillsAnswer) => all.map(({ orderId, executionId }) => `${orderId}/${executionId}`);
  const list = async (query: string) => keysOf(await get<FillsAnswer>(service.ports, `/fills?${query}`));

  beforeAll(async () => {
    await fills("day-1", NOON);
    await fills("day-2", NOON + HOUR, { instrument: "coinbase:ETH-USD" });
    // Its last two are of the next day.
    const last = await fills("day-3", MIDNIGHT - 1_000_000n, { portfolioId: "p-2", decisionId: "" });
    await getAfter(service.ports, last, "/fills");
  });

  it("are those that happened on it in UTC, newest first", async () => {
    expect(await list("date=2026-11-23")).toEqual([
      "day-3/e-1",
      ...["day-2/e-3", "day-2/e-2", "day-2/e-1"],
      ...["day-1/e-3", "day-1/e-2", "day-1/e-1"],
    ]);
    expect(await list("date=2026-11-24&direction=ascending")).toEqual(["day-3/e-2", "day-3/e-3"]);
    expect(await list("date=2026-11-22")).toEqual([]);
  });

  it("say of each whose it is and what it was worth, exactly", async () => {
    const answer = await get<FillsAnswer>(service.ports, "/fills?date=2026-11-24&limit=1&direction=ascending");
    expect(answer.date).toBe("2026-11-24");
    expect(answer.fills).toEqual([
      {
        ...{ orderId: "day-3", executionId: "e-2", portfolioId: "p-2", instrument: "coinbase:BTC-USD" },
        ...{ time: String(MIDNIGHT), side: "buy", quantity: "2", price: "1.5", value: "3", fee: "0.25" },
      },
    ]);
    const [first] = (await get<FillsAnswer>(service.ports, "/fills?date=2026-11-23&instrument=coinbase:ETH-USD")).fills;
    expect(first?.decisionId).toBe("d-1");
  });

  it("are those of an instrument, of a portfolio, or of both", async () => {
    expect(await list("date=2026-11-23&instrument=coinbase:ETH-USD")).toEqual(["day-2/e-3", "day-2/e-2", "day-2/e-1"]);
    expect(await list("date=2026-11-23&portfolio_id=p-2")).toEqual(["day-3/e-1"]);
    expect(await list("date=2026-11-23&portfolio_id=p-1&instrument=coinbase:BTC-USD&limit=2")).toEqual([
      ...["day-1/e-3", "day-1/e-2"],
    ]);
    expect(await list("date=2026-11-23&portfolio_id=p-2&instrument=coinbase:ETH-USD")).toEqual([]);
  });

  it("come in pages", async () => {
    const { ports } = service;
    const first = await get<FillsAnswer>(ports, "/fills?date=2026-11-23&limit=4");
    const second = await get<FillsAnswer>(ports, `/fills?date=2026-11-23&limit=4&cursor=${first.next}`);
    expect([...keysOf(first), ...keysOf(second)]).toEqual(await list("date=2026-11-23"));
    expect(second.next).toBeUndefined();
  });

  it("are today's when no day is named", async () => {
    const { ports } = service;
    const dayOf = (ns: bigint) => new Date(Number(ns / 1_000_000n)).toISOString().slice(0, 10);
    const before = BigInt(Date.now()) * 1_000_000n;
    const published = await fills("today-1", before, { portfolioId: "p-today" });
    const { date, fills: mine } = await getAfter<FillsAnswer>(ports, published, "/fills?portfolio_id=p-today");
    // The test may run at midnight.
    expect([dayOf(before), dayOf(BigInt(Date.now()) * 1_000_000n)]).toContain(date);
    expect(mine).toEqual((await get<FillsAnswer>(ports, `/fills?portfolio_id=p-today&date=${date}`)).fills);
    expect(mine.length).toBe(date === dayOf(before) ? 3 : 0);
  });

  it("of two days are two answers, though both are empty", async () => {
    const { ports } = service;
    const { tag } = await fetchTagged(ports, "/fills?date=2026-01-01");
    expect((await fetchTagged(ports, "/fills?date=2026-01-01", tag)).status).toBe(304);
    expect((await fetchTagged(ports, "/fills?date=2026-01-02", tag)).status).toBe(200);
  });

  it.each([
    ["date=2026-02-30", "query.date"],
    ["date=2026-13-01", "query.date"],
    ["date=23.11.2026", "query.date"],
    ["date=2026-11-23T00:00:00Z", "query.date"],
    ["instrument=ETH", "query.instrument"],
    ["portfolio_id=%20", "query.portfolio_id"],
    ["limit=5000", "query.limit"],
    ["order_id=day-1", "query.order_id"],
  ])("are not told for %s", async (query, path) => {
    const problem = await refusal(get(service.ports, `/fills?${query}`));
    expect(problem).toMatchObject({ status: 400, code: "invalid_request", errors: [{ path }] });
  });
});

describe("confirmations", () => {
  const lives = [
    new OrderLife("conf-1"),
    new OrderLife("conf-2", { portfolioId: "p-conf", instrument: "east:C", decisionId: "" }),
  ] as const;
  const idsOf = ({ confirmations }: ConfirmationsAnswer) =>
    confirmations.map(({ orderId, confirmationId }) => `${orderId}/${confirmationId}`);
  const list = async (query: string) => idsOf(await get<ConfirmationsAnswer>(service.ports, `/confirmations?${query}`));

  beforeAll(async () => {
    const [first, second] = lives;
    await publish(service.ports, TOPICS.confirmations, first.confirmed("c-1"), first.confirmed("c-2", "e-2"));
    const last = await publish(service.ports, TOPICS.confirmations, second.confirmed("c-1"));
    await getAfter(service.ports, last, "/confirmations");
  });

  it("are told as they were published", async () => {
    const { confirmations } = await get<ConfirmationsAnswer>(service.ports, "/confirmations?order_id=conf-2");
    expect(confirmations).toEqual([
      {
        ...{
          confirmationId: "c-1",
          orderId: "conf-2",
          executionId: "e-1",
          portfolioId: "p-conf",
          instrument: "east:C",
        },
        ...{ time: String(NOON), side: "buy", quantity: "1", price: "100", fee: "0.25", settlementDate: "2026-11-25" },
      },
    ]);
  });

  it("are found by order, by their id, by portfolio and by instrument", async () => {
    expect(await list("order_id=conf-1")).toEqual(["conf-1/c-2", "conf-1/c-1"]);
    expect(await list("order_id=conf-1&direction=ascending&limit=1")).toEqual(["conf-1/c-1"]);
    expect(await list("confirmation_id=c-1")).toEqual(["conf-2/c-1", "conf-1/c-1"]);
    expect(await list("confirmation_id=c-1&order_id=conf-1")).toEqual(["conf-1/c-1"]);
    expect(await list("portfolio_id=p-conf")).toEqual(["conf-2/c-1"]);
    expect(await list("instrument=east:C")).toEqual(["conf-2/c-1"]);
    expect(await list("instrument=east:C&portfolio_id=p-1")).toEqual([]);
    expect(await list("confirmation_id=c-1&instrument=coinbase:BTC-USD")).toEqual(["conf-1/c-1"]);
    expect(await list("limit=2")).toHaveLength(2);
  });

  it("come once: another with the id is refused, in the same batch and after", async () => {
    const { ports } = service;
    const [first] = lives;
    const twice = await refusal(publish(ports, TOPICS.confirmations, first.confirmed("c-9"), first.confirmed("c-9")));
    expect(twice).toMatchObject({
      ...{ status: 409, code: "illegal_transition" },
      errors: [{ path: "events[1].data.trade_confirmed.confirmation_id" }],
    });
    const again = await refusal(publish(ports, TOPICS.confirmations, first.confirmed("c-1", "e-7")));
    expect(again.detail).toContain("Order conf-1 has a confirmation c-1 already. Give the new one an id of its own.");
  });

  it.each([
    [{ confirmationId: "" }, "confirmation_id"],
    [{ executionId: "e 1" }, "execution_id"],
    [{ quantity: "0" }, "quantity"],
    [{ price: "1.0" }, "price"],
    [{ fee: "" }, "fee"],
    [{ settlementDate: "2026-02-29" }, "settlement_date"],
    [{ settlementDate: "" }, "settlement_date"],
    [{ side: "SIDE_UNSPECIFIED" }, "side"],
  ] as const)("with %j are invalid", async (change, field) => {
    const event = new OrderLife("conf-3").confirmed("c-1");
    const payload = { ...event.payload!, value: { ...event.payload!.value, ...change } } as Payload;
    const { code, errors } = await refusal(publish(service.ports, TOPICS.confirmations, { ...event, payload }));
    expect([code, errors?.[0]?.path]).toEqual(["invalid_event", `events[0].data.trade_confirmed.${field}`]);
  });

  it.each(["order_id", "portfolio_id", "instrument", "decision_id"] as const)(
    "need their %s in its shape",
    async (field) => {
      const names = {
        order_id: "orderId",
        portfolio_id: "portfolioId",
        instrument: "instrument",
        decision_id: "decisionId",
      };
      const event = { ...new OrderLife("conf-4").confirmed("c-1"), [names[field]]: "?" };
      const { errors } = await refusal(publish(service.ports, TOPICS.confirmations, event));
      expect(errors?.[0]?.path).toBe(`events[0].data.${field}`);
    },
  );

  it.each([
    ["confirmation_id=%2F", "query.confirmation_id"],
    ["order_id=", "query.order_id"],
    ["limit=-1", "query.limit"],
    ["cursor=x", "query.cursor"],
  ])("are not told for %s", async (query, path) => {
    const problem = await refusal(get(service.ports, `/confirmations?${query}`));
    expect(problem).toMatchObject({ status: 400, code: "invalid_request", errors: [{ path }] });
  });
});
