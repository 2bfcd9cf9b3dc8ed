/** Given the service's routes, when limits are broken, then breaches overtake the rest and blocking ones are on a topic of their own too. */
import { connect } from "@distribution/client";
import { until } from "@distribution/testkit/service";
import { expect, it } from "vitest";
import { BLOCKING_PRIORITY, BREACH_PRIORITY } from "../../src/domain/topics.ts";
import { breach, INSTRUMENT, state } from "../support/events.ts";
import { askUntil, logOf, publish, refusal, tell } from "../support/rest.ts";
import { startService } from "../support/service.ts";

const KINDS = ["position-size", "concentration", "gross-exposure", "drawdown"] as const;

const breachOf = (kind: (typeof KINDS)[number], more: object = {}) =>
  breach(
    { id: kind, ...more },
    {
      kind: `LIMIT_KIND_${kind.toUpperCase().replace("-", "_")}`,
      ...(kind === "position-size" || kind === "concentration" ? { instrument: INSTRUMENT } : {}),
    },
  );

it("a breach has a high priority, and one that stops the portfolio the highest and a copy among the alerts", async () => {
  await using service = await startService();
  const { ports } = service;
  await using client = connect({ url: `http://127.0.0.1:${ports.public}` });
  const alerts: string[] = [];
  await using subscription = client.subscribe({ topics: "portfolio.alerts" });
  subscription.onEvents((events) => void alerts.push(...events.map(({ id }) => id)));
  await subscription.ready;
  const positions = await tell(ports, ...KINDS.map((kind) => breachOf(kind)), state({ id: "no breach" }));
  expect(positions.map(({ topic }) => topic)).toEqual([...KINDS.map(() => "portfolio.risk"), "portfolio.state"]);
  await until("both blocking breaches are delivered", () => alerts.length >= 2);
  expect(alerts).toEqual(["gross-exposure", "drawdown"]);
  const priorities = async (topic: string) =>
    Object.fromEntries((await logOf(ports, topic)).map(({ event }) => [event.id, Number(event["priority"] ?? 0)]));
  expect(await priorities("portfolio.risk")).toEqual({
    ...{ "position-size": BREACH_PRIORITY, concentration: BREACH_PRIORITY },
    ...{ "gross-exposure": BLOCKING_PRIORITY, drawdown: BLOCKING_PRIORITY },
  });
  expect(await priorities("portfolio.alerts")).toEqual({
    "gross-exposure": BLOCKING_PRIORITY,
    drawdown: BLOCKING_PRIORITY,
  });
  expect(await priorities("portfolio.state")).toEqual({ "no breach": 0 });
});

it("a breach that is published among the alerts is judged and kept with the others, and an alert only where it blocks", async () => {
  await using service = await startService();
  const { ports } = service;
  const among = (kind: (typeof KINDS)[number], more: object) => ({
    ...breachOf(kind, more),
    topic: "portfolio.alerts",
  });
  await tell(ports, among("concentration", { seconds: 5 }), among("drawdown", { seconds: 5 }));
  expect(await refusal(publish(ports, among("drawdown", { id: "late", seconds: 4 })))).toMatchObject({
    ...{ status: 409, code: "illegal_transition" },
  });
  const ids = async (topic: string) => (await logOf(ports, topic)).map(({ event }) => event.id);
  expect(await ids("portfolio.risk")).toEqual(["concentration", "drawdown"]);
  expect(await ids("portfolio.alerts")).toEqual(["drawdown"]);
  await askUntil<{ breaches?: readonly object[] }>(
    ports,
    "/portfolio/growth/breaches",
    ({ body }) => body.breaches?.length === 2,
  );
});
