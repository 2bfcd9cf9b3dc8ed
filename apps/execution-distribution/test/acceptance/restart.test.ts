/** Given a service that stopped, or was killed, when it is there again, then its answers are the same, and what may follow is, too. */
import { forgetReadModels, testFolder } from "@distribution/testkit/service";
import { describe, expect, it } from "vitest";
import { TOPICS } from "../../src/domain/topics.ts";
import { alert, OrderLife } from "../support/orders.ts";
import { get, getAfter, type OrderAnswer, publish, publishOrders, type ReadAnswer, refusal } from "../support/rest.ts";
import { type Ports, startProcess, startService } from "../support/service.ts";

const PATHS = [
  "/orders",
  "/orders?sort=created",
  "/orders/kept-1",
  "/orders/kept-1/executions",
  "/fills?date=2026-11-23",
  "/confirmations",
  "/alerts",
];

/** Whole answers, positions and all. */
const readAll = (ports: Ports) => Promise.all(PATHS.map((path) => get<ReadAnswer>(ports, path)));

/** An order that goes on, one that ended, a confirmation and an alert. */
async function fillLog(ports: Ports, life: OrderLife): Promise<void> {
  const ended = new OrderLife("ended-1");
  await publishOrders(ports, life.sent(), life.acknowledged(), life.filled("2", "10.5"));
  await publishOrders(ports, ended.sent(), ended.rejected());
  const confirmed = await publish(ports, TOPICS.confirmations, life.confirmed("c-1"));
  await getAfter(ports, confirmed, "/confirmations");
  await getAfter(ports, await publish(ports, TOPICS.alerts, alert()), "/alerts");
  await getAfter(ports, await publishOrders(ports, life.filled("1", "10.25")), "/orders");
}

describe("a service that starts again", () => {
  it.each(["from its checkpoints", "from the log alone"])("gives the same answers, %s", async (how) => {
    const folder = testFolder();
    const life = new OrderLife("kept-1", { limitPrice: "11" });
    let before: readonly ReadAnswer[];
    {
      await using service = await startService({ DATA_DIR: folder });
      await fillLog(service.ports, life);
      before = await readAll(service.ports);
    }
    if (how === "from the log alone") forgetReadModels(folder);
    await using service = await startService({ DATA_DIR: folder });
    expect(await readAll(service.ports)).toEqual(before);
    const again = await refusal(publishOrders(service.ports, new OrderLife("ended-1").sent()));
    expect(again.detail).toContain("Order ended-1 is rejected; order-new comes once. Nothing may follow after that.");
    await publishOrders(service.ports, life.filled("7", "1"));
  });

  it("also after it was killed while it published, with the order as far as it was acknowledged", async () => {
    const folder = testFolder();
    const life = new OrderLife("kept-1", { quantity: "10000" });
    let acknowledged = 0;
    {
      await using service = await startProcess({ DATA_DIR: folder });
      await publishOrders(service.ports, life.sent(), life.acknowledged());
      const publishing = (async () => {
        for (;;) {
          await publishOrders(service.ports, life.filled("1", "0.1"));
          acknowledged += 1;
          if (acknowledged === 20) void service.kill("SIGKILL");
        }
      })();
      await expect(publishing).rejects.toThrow();
    }
    await using service = await startProcess({ DATA_DIR: folder });
    const { order } = await get<OrderAnswer>(service.ports, "/orders/kept-1");
    // The one that had no answer is there or not.
    expect([acknowledged, acknowledged + 1]).toContain(order.executionCount);
    expect(order.filledQuantity).toBe(String(order.executionCount));
    const tenths = BigInt(order.executionCount);
    expect(order.filledValue).toBe(tenths % 10n === 0n ? `${tenths / 10n}` : `${tenths / 10n}.${tenths % 10n}`);
    const wrong = new OrderLife("kept-1", { quantity: "10000" }).filled("1", "0.1", { executionId: "new" });
    expect((await refusal(publishOrders(service.ports, wrong))).code).toBe("illegal_transition");
  });
});
