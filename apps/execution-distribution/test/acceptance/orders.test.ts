/** Given events of orders, published over the wire, when orders are asked for, then what they have come to, exactly. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { NOON, OrderLife } from "../support/orders.ts";
import {
  fetchTagged,
  get,
  getAfter,
  type OrderAnswer,
  type OrdersAnswer,
  publishOrders,
  type ReadAnswer,
  refusal,
} from "../support/rest.ts";
import { type RunningService, startService } from "../support/service.ts";

let service: RunningService;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service?.[Symbol.asyncDispose]());

const idsOf = ({ orders }: OrdersAnswer): string[] => orders.map(({ orderId }) => orderId);

describe("an order that was filled in parts", () => {
  const life = new OrderLife("parts-1", { side: "sell", quantity: "3", limitPrice: "99.5", decisionId: "d-parts" });

  it("is told with its sums, its average price, its times and its fills", async () => {
    const { ports } = service;
    await publishOrders(ports, life.sent(), life.acknowledged("venue-7"));
    const published = await publishOrders(ports, life.filled("1", "100"), life.filled("0.5", "100.000001"));
    const { order, executions, positions } = await getAfter<OrderAnswer>(ports, published, "/orders/parts-1");
    expect(order).toEqual({
      ...{ orderId: "parts-1", portfolioId: "p-1", instrument: "coinbase:BTC-USD", decisionId: "d-parts" },
      ...{ state: "partially_filled", side: "sell", type: "limit", timeInForce: "day", quantity: "3" },
      ...{ limitPrice: "99.5", filledQuantity: "1.5", filledValue: "150.0000005" },
      averagePrice: { price: "100.000000333333", places: 12, rounding: "half-even" },
      ...{ openQuantity: "1.5", fees: "0.5", executionCount: 2, venueOrderId: "venue-7" },
      ...{ sentTime: String(NOON), changedTime: String(NOON + 3_000_000n) },
      ...{ createdAt: expect.stringMatching(/^\d{19}$/), changedAt: expect.stringMatching(/^\d{19}$/) },
    });
    expect(BigInt(order.changedAt)).toBeGreaterThan(BigInt(order.createdAt));
    expect(executions).toEqual([
      { number: 1, executionId: "e-1", time: String(NOON + 2_000_000n), quantity: "1", price: "100", fee: "0.25" },
      {
        ...{ number: 2, executionId: "e-2", time: String(NOON + 3_000_000n) },
        ...{ quantity: "0.5", price: "100.000001", fee: "0.25" },
      },
    ]);
    expect(positions).toHaveLength(4);
  });

  it("has nothing open, and its reason, once it is cancelled", async () => {
    const published = await publishOrders(service.ports, life.cancelled("The desk took it back."));
    const { order } = await getAfter<OrderAnswer>(service.ports, published, "/orders/parts-1");
    expect(order).toMatchObject({
      ...{ state: "cancelled", openQuantity: "0", filledQuantity: "1.5", reason: "The desk took it back." },
    });
  });

  it("is not sent again to who has it, until it changes", async () => {
    const { ports } = service;
    const own = new OrderLife("tagged-1");
    await getAfter(ports, await publishOrders(ports, own.sent()), "/orders/tagged-1");
    const { tag } = await fetchTagged(ports, "/orders/tagged-1");
    expect(await fetchTagged(ports, "/orders/tagged-1", tag)).toEqual({ status: 304, tag });
    await getAfter(ports, await publishOrders(ports, own.acknowledged()), "/orders/tagged-1");
    expect((await fetchTagged(ports, "/orders/tagged-1", tag)).status).toBe(200);
  });
});

describe("an order that was not filled", () => {
  it("has no average price, and of a market order no limit", async () => {
    const life = new OrderLife("empty-1", { decisionId: "" });
    const published = await publishOrders(service.ports, life.sent(), life.rejected("The venue is closed."));
    const { order, executions } = await getAfter<OrderAnswer>(service.ports, published, "/orders/empty-1");
    for (const name of ["averagePrice", "limitPrice", "decisionId", "venueOrderId"]) {
      expect(order).not.toHaveProperty(name);
    }
    expect(order).toMatchObject({ state: "rejected", rejectReason: "price_out_of_band", openQuantity: "0", fees: "0" });
    expect(executions).toEqual([]);
  });
});

describe("the fills of an order", () => {
  interface ExecutionsAnswer extends ReadAnswer {
    readonly orderId: string;
    readonly executionCount: number;
    readonly executions: readonly { readonly number: number }[];
  }

  it("come oldest first, in pages", async () => {
    const { ports } = service;
    const life = new OrderLife("pages-1", { quantity: "10" });
    const begun = [life.sent(), life.acknowledged()];
    const events = [...begun, ...Array.from({ length: 5 }, () => life.filled("1", "7"))];
    const path = "/orders/pages-1/executions";
    await getAfter(ports, await publishOrders(ports, ...events), path);
    const page = async (query: string) => {
      const { executions, next, executionCount } = await get<ExecutionsAnswer>(ports, `${path}?${query}`);
      return [executions.map(({ number }) => number), next, executionCount];
    };
    expect(await page("limit=2")).toEqual([[1, 2], 2, 5]);
    expect(await page("limit=2&after=2")).toEqual([[3, 4], 4, 5]);
    expect(await page("limit=2&after=4")).toEqual([[5], undefined, 5]);
    expect(await page("limit=5")).toEqual([[1, 2, 3, 4, 5], undefined, 5]);
    expect(await page("after=5")).toEqual([[], undefined, 5]);
  });
});

describe("a list of orders", () => {
  const ORDERS = [
    { id: "list-1", portfolioId: "lp-1", instrument: "east:A", decisionId: "ld-1" },
    { id: "list-2", portfolioId: "lp-1", instrument: "east:B", decisionId: "ld-1" },
    { id: "list-3", portfolioId: "lp-2", instrument: "east:A", decisionId: "ld-2" },
    { id: "list-4", portfolioId: "lp-1", instrument: "east:A", decisionId: "ld-3" },
  ] as const;
  const changedAt = new Map<string, bigint>();

  const list = async (query: string) => idsOf(await get<OrdersAnswer>(service.ports, `/orders?${query}`));

  beforeAll(async () => {
    const { ports } = service;
    const lives = ORDERS.map(({ id, ...terms }) => new OrderLife(id, terms));
    for (const life of lives) await publishOrders(ports, life.sent());
    // list-2 is filled, list-1 is worked, list-3 is new, list-4 rejected: the last to change is list-1.
    await publishOrders(ports, lives[3]!.rejected());
    await publishOrders(ports, lives[1]!.acknowledged(), lives[1]!.filled("10", "5"));
    const last = await publishOrders(ports, lives[0]!.acknowledged());
    const { orders } = await getAfter<OrdersAnswer>(ports, last, "/orders?instrument=east:A");
    for (const order of [...orders, ...(await get<OrdersAnswer>(ports, "/orders?decision_id=ld-1")).orders]) {
      changedAt.set(order.orderId, BigInt(order.changedAt));
    }
  });

  it.each([
    ["decision_id=ld-1", ["list-1", "list-2"]],
    ["portfolio_id=lp-1", ["list-1", "list-2", "list-4"]],
    ["instrument=east:A", ["list-1", "list-4", "list-3"]],
    ["instrument=east:A&portfolio_id=lp-1", ["list-1", "list-4"]],
    ["decision_id=ld-1&instrument=east:B", ["list-2"]],
    ["portfolio_id=lp-1&state=filled", ["list-2"]],
    ["portfolio_id=lp-1&state=acknowledged,rejected", ["list-1", "list-4"]],
    ["instrument=east:A&state=new&portfolio_id=lp-2&decision_id=ld-2", ["list-3"]],
    ["portfolio_id=lp-1&direction=ascending", ["list-4", "list-2", "list-1"]],
    ["portfolio_id=lp-1&sort=created", ["list-4", "list-2", "list-1"]],
    ["portfolio_id=lp-1&sort=created&direction=ascending", ["list-1", "list-2", "list-4"]],
    ["portfolio_id=nobody", []],
  ])("by %s has %j", async (query, ids) => {
    expect(await list(query)).toEqual(ids);
  });

  it("by state alone has those of the state", async () => {
    const answer = await get<OrdersAnswer>(service.ports, "/orders?state=filled");
    expect(idsOf(answer)).toContain("list-2");
    expect(new Set(answer.orders.map(({ state }) => state))).toEqual(new Set(["filled"]));
  });

  it.each(["changed", "created"])(
    "sorted by %s, is of the time of the last change that is asked for, the end not included",
    async (sort) => {
      const [first, second, third] = ["list-4", "list-2", "list-1"].map((id) => changedAt.get(id)!);
      const own = `portfolio_id=lp-1&sort=${sort}`;
      const between = async (from: bigint, to: bigint) =>
        (await list(`${own}&changed_from=${from}&changed_to=${to}`)).sort();
      expect(await between(first!, third!)).toEqual(["list-2", "list-4"]);
      expect(await between(first! + 1n, third! + 1n)).toEqual(["list-1", "list-2"]);
      expect(await between(second!, second!)).toEqual([]);
      expect((await list(`${own}&changed_from=${second}`)).sort()).toEqual(["list-1", "list-2"]);
      expect(await list(`${own}&changed_to=${second}`)).toEqual(["list-4"]);
    },
  );

  it("comes in pages that have each order once", async () => {
    const seen: string[] = [];
    let next: string | undefined;
    do {
      const cursor = next === undefined ? "" : `&cursor=${next}`;
      const answer = await get<OrdersAnswer>(service.ports, `/orders?portfolio_id=lp-1&limit=2${cursor}`);
      expect(answer.orders.length).toBeLessThanOrEqual(2);
      seen.push(...idsOf(answer));
      ({ next } = answer);
    } while (next !== undefined);
    expect(seen).toEqual(["list-1", "list-2", "list-4"]);
  });
});

describe("a question about orders that cannot be answered", () => {
  it("because nobody knows the order is refused with where to look", async () => {
    for (const path of ["/orders/unknown-1", "/orders/unknown-1/executions"]) {
      expect(await refusal(get(service.ports, path))).toMatchObject({
        ...{ status: 404, code: "not_found" },
        detail: "There is no order unknown-1. GET /api/v1/orders lists what is known.",
      });
    }
  });

  it.each([
    ["/orders/a%20b", "path.order_id", "is 1 to 64 letters"],
    [`/orders/${"x".repeat(65)}`, "path.order_id", "is 1 to 64 letters"],
    ["/orders/-/executions", "path.order_id", "the first a letter or digit"],
    ["/orders?state=done", "query.state", '"done" is none of new, acknowledged'],
    ["/orders?state=new,,filled", "query.state", '"" is none of'],
    ["/orders?portfolio_id=a/b", "query.portfolio_id", "is 1 to 64 letters"],
    ["/orders?instrument=BTC-USD", "query.instrument", "is venue:symbol"],
    ["/orders?decision_id=", "query.decision_id", "is 1 to 64 letters"],
    ["/orders?changed_from=yesterday", "query.changed_from", "yesterday"],
    ["/orders?changed_from=2026-02-30T00:00:00Z", "query.changed_from", "2026-02-30"],
    ["/orders?changed_to=12", "query.changed_to", "nanoseconds"],
    [
      "/orders?changed_from=2026-11-24T00:00:00Z&changed_to=2026-11-23T00:00:00Z",
      "query.changed_to",
      "before changed_from",
    ],
    ["/orders?sort=price", "query.sort", "changed, created"],
    ["/orders?direction=up", "query.direction", "descending, ascending"],
    ["/orders?limit=0", "query.limit", "from 1 to 1000"],
    ["/orders?limit=1001", "query.limit", "from 1 to 1000"],
    ["/orders?limit=1e3", "query.limit", "from 1 to 1000"],
    ["/orders?cursor=nonsense", "query.cursor", "none that this list gave"],
    ["/orders/pages-1/executions?limit=1001", "query.limit", "from 1 to 1000"],
    ["/orders/pages-1/executions?after=-1", "query.after", "whole number"],
    ["/orders?status=new", "query.status", "state"],
  ])("%s is refused at %s", async (path, where, message) => {
    const problem = await refusal(get(service.ports, path));
    expect([problem.status, problem.code, problem.errors?.[0]?.path]).toEqual([400, "invalid_request", where]);
    expect(problem.errors?.[0]?.message).toContain(message);
  });

  it("with the cursor of another list is refused", async () => {
    const { ports } = service;
    const { next } = await get<OrdersAnswer>(ports, "/orders?portfolio_id=lp-1&limit=1");
    const problem = await refusal(get(ports, `/orders?portfolio_id=lp-2&cursor=${next}`));
    expect(problem).toMatchObject({ status: 400, errors: [{ path: "query.cursor" }] });
  });
});
