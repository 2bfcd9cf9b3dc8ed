/** Given alerts and rejected orders, when a desk asks for them, then it has them newest first; what no alert can be is refused. */
import { AlertKind, AlertSeverity, type ExecutionEvent } from "@distribution/proto-types/execution/v1/execution";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TOPICS } from "../../src/domain/topics.ts";
import { alert, eventOf, NOON, OrderLife } from "../support/orders.ts";
import { type AlertsAnswer, get, getAfter, publish, publishEvents, refusal } from "../support/rest.ts";
import { type RunningService, startService } from "../support/service.ts";

let service: RunningService;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service?.[Symbol.asyncDispose]());

describe("alerts", () => {
  const list = async (query: string) =>
    (await get<AlertsAnswer>(service.ports, `/alerts?${query}`)).alerts.map(({ eventId }) => eventId);

  beforeAll(async () => {
    const { ports } = service;
    await publishEvents(ports, TOPICS.alerts, [eventOf(alert(), { id: "slip" })]);
    const rejected = new OrderLife("alert-1", { instrument: "east:C" });
    const events = [eventOf(rejected.sent()), eventOf(rejected.rejected("No."), { id: "rejected" })];
    await publishEvents(ports, TOPICS.orders, events);
    const value = { kind: AlertKind.VENUE_DOWN, severity: AlertSeverity.CRITICAL, text: "east is down." };
    const down = alert(AlertKind.VENUE_DOWN, { instrument: "east:C", payload: { $case: "alert", value } });
    await getAfter(ports, await publishEvents(ports, TOPICS.alerts, [eventOf(down, { id: "down" })]), "/alerts");
  });

  it("are told newest first, with the orders that were rejected", async () => {
    const { alerts } = await get<AlertsAnswer>(service.ports, "/alerts");
    expect(alerts).toEqual([
      {
        ...{ eventId: "down", kind: "venue_down", severity: "critical", instrument: "east:C", time: String(NOON) },
        text: "east is down.",
      },
      {
        ...{
          eventId: "rejected",
          kind: "order_rejected",
          severity: "warning",
          instrument: "east:C",
          orderId: "alert-1",
        },
        ...{ portfolioId: "p-1", decisionId: "d-1", time: String(NOON + 1_000_000n) },
        ...{ rejectReason: "price_out_of_band", text: "No." },
      },
      {
        ...{ eventId: "slip", kind: "slippage", severity: "warning", instrument: "coinbase:BTC-USD" },
        ...{ time: String(NOON), text: "Look at it." },
      },
    ]);
  });

  it("are found by kind, by severity and by instrument", async () => {
    expect(await list("kind=order_rejected")).toEqual(["rejected"]);
    expect(await list("severity=warning&direction=ascending")).toEqual(["slip", "rejected"]);
    expect(await list("instrument=east:C")).toEqual(["down", "rejected"]);
    expect(await list("instrument=east:C&kind=venue_down&severity=critical")).toEqual(["down"]);
    const { next } = await get<AlertsAnswer>(service.ports, "/alerts?limit=1");
    expect(await list(`limit=1&cursor=${next}`)).toEqual(["rejected"]);
  });

  it.each<readonly [string, ExecutionEvent]>([
    ["alert.kind", alert(AlertKind.UNSPECIFIED)],
    ["instrument", alert(AlertKind.SLIPPAGE, { instrument: "?" })],
    ["order_id", alert(AlertKind.SLIPPAGE, { orderId: "?" })],
    ["portfolio_id", alert(AlertKind.SLIPPAGE, { portfolioId: "?" })],
    ["decision_id", alert(AlertKind.SLIPPAGE, { decisionId: "?" })],
    ["event_time", alert(AlertKind.SLIPPAGE, { eventTime: 0n })],
  ])("are refused at %s where that cannot be", async (path, event) => {
    const { code, errors } = await refusal(publish(service.ports, TOPICS.alerts, event));
    expect([code, errors?.[0]?.path]).toEqual(["invalid_event", `events[0].data.${path}`]);
  });

  it("have the instrument as their key, and a text that is bounded", async () => {
    const { ports } = service;
    const elsewhere = eventOf(alert(), { key: "east:C" });
    expect((await refusal(publishEvents(ports, TOPICS.alerts, [elsewhere]))).errors?.[0]?.path).toBe(
      "events[0].data.instrument",
    );
    const value = { kind: AlertKind.SLIPPAGE, severity: AlertSeverity.INFO, text: "x".repeat(501) };
    const long = alert(AlertKind.SLIPPAGE, { payload: { $case: "alert", value } });
    expect((await refusal(publish(ports, TOPICS.alerts, long))).detail).toContain("501 characters; the limit is 500");
  });

  it.each([
    ["kind=fire", "query.kind"],
    ["severity=3", "query.severity"],
    ["instrument=C", "query.instrument"],
    ["limit=0", "query.limit"],
  ])("are not told for %s", async (query, path) => {
    const problem = await refusal(get(service.ports, `/alerts?${query}`));
    expect(problem).toMatchObject({ status: 400, code: "invalid_request", errors: [{ path }] });
  });
});
