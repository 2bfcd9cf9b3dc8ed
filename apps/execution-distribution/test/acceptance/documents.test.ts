/** Given the service's documents, when it answers, then as they say. */
import { Ajv2020 } from "ajv/dist/2020.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EVENT_TYPES, TOPICS } from "../../src/domain/topics.ts";
import { alert, OrderLife } from "../support/orders.ts";
import { get, getAfter, publish, publishOrders } from "../support/rest.ts";
import { type RunningService, startService } from "../support/service.ts";

interface OpenApi {
  readonly paths: Readonly<Record<string, object>>;
}

let service: RunningService;
let document: OpenApi;
beforeAll(async () => {
  service = await startService();
  const { ports } = service;
  const life = new OrderLife("doc-1", { limitPrice: "10" });
  const other = new OrderLife("doc-2");
  await publish(ports, TOPICS.confirmations, life.confirmed("c-1"));
  await publishOrders(ports, other.sent(), other.rejected());
  await publishOrders(ports, life.sent(), life.acknowledged(), life.filled("3", "9.7"), life.cancelled());
  await getAfter(ports, await publish(ports, TOPICS.alerts, alert()), "/alerts");
  document = (await get(ports, "/openapi.json")) as unknown as OpenApi;
});
afterAll(() => service?.[Symbol.asyncDispose]());

const OWN = ["/orders", "/orders/{order_id}", "/orders/{order_id}/executions", "/fills", "/confirmations", "/alerts"];

describe("openapi.json", () => {
  it("has every endpoint of the domain", () => {
    expect(Object.keys(document.paths)).toEqual(expect.arrayContaining(OWN.map((path) => `/api/v1${path}`)));
  });

  it.each([
    ["/orders", "/orders?limit=1", "orders"],
    ["/orders/{order_id}", "/orders/doc-1", "order"],
    ["/orders/{order_id}", "/orders/doc-2", "executions"],
    ["/orders/{order_id}/executions", "/orders/doc-1/executions", "executions"],
    ["/fills", "/fills?date=2026-11-23", "fills"],
    ["/confirmations", "/confirmations", "confirmations"],
    ["/alerts", "/alerts", "alerts"],
  ])("describes %s as it answers %s", async (path, address, member) => {
    const ajv = new Ajv2020({ strict: false, validateFormats: false }).addSchema(document, "openapi");
    const pointer = encodeURIComponent(`/api/v1${path}`.replaceAll("/", "~1"));
    const validate = ajv.compile({
      $ref: `openapi#/paths/${pointer}/get/responses/200/content/application~1json/schema`,
    });
    const body = (await get(service.ports, address)) as unknown as Record<string, unknown>;
    validate(body);
    expect(validate.errors).toBeNull();
    validate({ ...body, [member]: [{}] });
    expect(validate.errors).not.toBeNull();
  });
});

describe("the catalogue", () => {
  it("has every event type of the domain with an example", async () => {
    const { events } = (await get(service.ports, "/catalogue")) as unknown as {
      events: { type: string; example: object | null; topic: string }[];
    };
    const own = events.filter(({ topic }) => topic !== "execution.distribution");
    expect(new Set(own.map(({ type }) => type))).toEqual(new Set(Object.values(EVENT_TYPES)));
    for (const { example } of own) expect(example).not.toBeNull();
  });
});

describe("the status", () => {
  it("is ready, and names the service", async () => {
    const status = await get(service.ports, "/status");
    expect(status).toMatchObject({ state: "ready" });
    expect(JSON.stringify(status)).toContain("execution");
  });
});
