import { readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { createCheckpointFiles } from "../../src/projections/index.ts";
import type { Domain } from "../../src/service.ts";
import { createOrders, ORDERS, putOrder } from "../projections/support.ts";
import { folder } from "../tail/support.ts";
import { prepare } from "./support.ts";

describe("a service with projections", () => {
  it("is ready when they have what the log had, and keeps them up to date", async () => {
    const orders = createOrders();
    const { start, broker } = await prepare({ topics: [ORDERS], domain: () => ({ projections: [orders] }) });
    await broker.admin.ensureTopic(ORDERS);
    await putOrder(broker, "a");
    const service = await start();
    expect(orders.read("a").value.events).toBe(1);
    expect(service.health.reasons()).toEqual([]);
    await orders.reached(await putOrder(broker, "a"));
    expect(orders.read("a").value.events).toBe(2);
    expect(service.metrics.render()).toContain('distribution_projection_events_total{projection="orders"} 2');
  });

  it("saves them when it stops, and has them again from there", async () => {
    const directory = folder();
    let orders = createOrders();
    const domain = (): Domain => {
      orders = createOrders();
      return { projections: [orders] };
    };
    const projections = { files: createCheckpointFiles(directory) };
    const { start, broker, timers, log } = await prepare({ topics: [ORDERS], domain, projections });
    const service = await start();
    await orders.reached(await putOrder(broker, "a"));
    await service.stop();
    expect([readdirSync(directory), timers.active()]).toEqual([["orders.projection"], 0]);
    await start();
    expect([orders.read("a").value.events, orders.stats.events]).toEqual([1, 0]);
    expect(log.lines.filter(({ level }) => level === "warn" || level === "error")).toEqual([]);
  });

  it("does not start with one of a topic that it does not have, and leaves nothing open", async () => {
    const { start, readers, timers } = await prepare({ domain: () => ({ projections: [createOrders()] }) });
    await expect(start()).rejects.toThrow("test.orders is no topic of this service");
    expect([readers(), timers.active()]).toEqual([0, 0]);
  });
});
