import { describe, expect, it } from "vitest";
import { feedProjections, mapAnswer, mapPage } from "../../../src/projections/index.ts";
import { openApiFragment, schemaRef } from "../../../src/transport/documents/index.ts";
import {
  createOperationRouter,
  defineRead,
  pageAnswers,
  pageParameters,
  pathParameter,
  text,
} from "../../../src/transport/rest/index.ts";
import { byPrice, createOrders, createPlacing, ORDERS, orderEvent } from "../../projections/support.ts";
import { problemIn, startRest } from "./rest-server.ts";

/** Orders over HTTP, fed by hand. */
async function startOrders(more: Parameters<typeof createOrders>[0] = {}) {
  const orders = createOrders(more);
  const give = feedProjections([ORDERS], [orders]);
  const placed = createPlacing();
  const operations = [
    defineRead({
      ...{ id: "readOrder", path: "/orders/{order}", tag: "orders", summary: "Read an order" },
      parameters: { order: pathParameter(text({ maxBytes: 100 }), { description: "Its id." }) },
      answers: { description: "The order.", properties: { order: schemaRef("Order") } },
      errors: ["not_found"],
      action: () => ({ kind: "read", topic: ORDERS.name }),
      read: ({ values }) => mapAnswer(orders.read(values.order), (order) => ({ order })),
    }),
    defineRead({
      ...{ id: "listOrders", path: "/orders", tag: "orders", summary: "List orders" },
      // More than a projection gives at once, to see it refuse.
      parameters: pageParameters({ default: 2, max: 5_000 }, "Orders in one answer."),
      answers: pageAnswers("By price.", { keys: { type: "array" } }),
      errors: [],
      read: ({ values }) => mapPage(orders.list(byPrice, values), "keys", ({ key }) => key),
    }),
  ];
  const server = await startRest({ domainRouter: createOperationRouter(operations) });
  const put = (key: string, price: number) => give(placed(orderEvent(key, { price })));
  const get = (path: string, headers = {}) => server.get(`/api/v1${path}`, headers);
  return { put, get, operations, orders, server, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

const bodyOf = async (response: Response | Promise<Response>) => (await response).json();

describe("an answer from a projection", () => {
  it("says at which positions it is true, and that it is not to be used without asking", async () => {
    await using api = await startOrders();
    api.put("a", 5);
    const response = await api.get("/orders/a");
    expect(await bodyOf(response)).toEqual({
      positions: [{ topic: ORDERS.name, partition: 0, epoch: "e1", offset: "1" }],
      order: { status: "new", price: 5, strategies: [], events: 1 },
    });
    expect(response.headers.get("cache-control")).toBe("private, no-cache");
  });

  it("is not sent again to who has it, until what it says changes", async () => {
    await using api = await startOrders();
    api.put("a", 5);
    const tag = (await api.get("/orders/a")).headers.get("etag")!;
    api.put("b", 6);
    const same = await api.get("/orders/a", { "if-none-match": tag });
    expect([same.status, await same.text(), same.headers.get("etag")]).toEqual([304, "", tag]);
    api.put("a", 5);
    const changed = await api.get("/orders/a", { "if-none-match": tag });
    expect([changed.status, changed.headers.get("etag") === tag]).toEqual([200, false]);
  });

  it("says since when it is complete where history is missing", async () => {
    await using api = await startOrders();
    api.put("a", 5);
    const position = { topic: ORDERS.name, partition: 1, epoch: "e1", offset: "0" };
    api.orders.intake.begin(position, 1_767_225_600_000_000_001n);
    expect(await bodyOf(api.get("/orders/a"))).toMatchObject({ completeFrom: "2026-01-01T00:00:00.000000001Z" });
  });

  it("that is not there is a problem", async () => {
    await using api = await startOrders();
    const response = await api.get("/orders/a");
    expect(response.headers.get("etag")).toBeNull();
    expect(await problemIn(response)).toMatchObject({
      code: "not_found",
      detail: 'There is nothing of "a" in orders.',
    });
  });

  it("comes in pages, and names the parameter that cannot be", async () => {
    await using api = await startOrders();
    for (const price of [1, 2, 3]) api.put(`p${price}`, price);
    const first = (await bodyOf(api.get("/orders"))) as { keys: string[]; next: string };
    expect(first.keys).toEqual(["p3", "p2"]);
    const last = await bodyOf(api.get(`/orders?cursor=${first.next}`));
    expect(last).toMatchObject({ keys: ["p1"] });
    expect(last).not.toHaveProperty("next");
    for (const [query, path] of [
      ["cursor=what", "query.cursor"],
      ["limit=1001", "query.limit"],
      ["limit=0", "query.limit"],
    ] as const) {
      const problem = await problemIn(await api.get(`/orders?${query}`));
      expect(problem).toMatchObject({ code: "invalid_request", errors: [{ path }] });
    }
  });

  it("is described with all that it can be", async () => {
    await using api = await startOrders();
    const { paths } = openApiFragment("/api/v1", api.operations);
    expect(paths["/api/v1/orders/{order}"]).toMatchObject({
      get: {
        parameters: [{ name: "order" }, { name: "If-None-Match", in: "header", required: false }],
        responses: {
          200: { content: { "application/json": { schema: { required: ["positions", "order"] } } } },
          304: {},
          404: {},
          503: {},
        },
      },
    });
  });
});
